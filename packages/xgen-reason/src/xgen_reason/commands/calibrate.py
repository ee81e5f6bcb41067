"""`xgen reason calibrate`: the weights of calibrated self-consistency, from a finished run."""

from __future__ import annotations

import click

__all__ = ["calibrate"]


@click.command("calibrate")
@click.argument("dataset")
@click.argument("file", type=click.Path())
@click.argument("run", type=click.Path())
def calibrate(dataset: str, file: str, run: str) -> None:
    """Fit cot-sc-calibrated on RUN, which is cot-sc over labelled questions of FILE.

    RUN needs log-probabilities (--set sampling.logprobs=true). Evaluate on other questions.

    \b
    Example:
      xgen reason run hotpotqa train.json -m openai:gpt-4o-mini --method cot-sc \\
        --set sampling.logprobs=true --limit 58 -o runs/fit
      xgen reason calibrate hotpotqa train.json runs/fit
      xgen reason run hotpotqa dev.json -m openai:gpt-4o-mini \\
        --method cot-sc-calibrated --set weights=-0.4,1.2,0.9 -o runs/calibrated
    """
    from pathlib import Path

    from xgen_core import InputError
    from xgen_reason.datasets import read_questions
    from xgen_reason.evaluation.results import read_results
    from xgen_reason.methods.calibrated import CalibratedSelfConsistency

    questions = {question.id: question for question in read_questions(dataset, file)}
    results = read_results(Path(run))
    lost = next((result.id for result in results if result.id not in questions), None)
    if lost is not None:
        raise InputError(
            f"{run}: its question {lost!r} is not in {file}: give the file of that run"
        )
    weights = CalibratedSelfConsistency().fit(results, questions).weights
    assert weights is not None
    click.echo("--method cot-sc-calibrated --set weights=" + ",".join(f"{w:.6g}" for w in weights))
