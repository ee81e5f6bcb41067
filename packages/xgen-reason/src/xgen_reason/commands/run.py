"""`xgen reason run`: a data set's questions, with resume."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from xgen_core.command.calls import call_options
from xgen_reason.commands.options import Choice, method_options, plans_text

if TYPE_CHECKING:
    from pathlib import Path

    from xgen_reason.results import RunResults

__all__ = ["run_dataset", "summary_text"]

_PROMPTS = {"adv_hotpotqa": "hotpotqa", "questions": "general"}
"""Sets of prompts that go by another name than their data set."""


@click.command("run")
@click.argument("dataset")
@click.argument("file", type=click.Path())
@method_options
@click.option("--output", "-o", required=True, type=click.Path(), help="The run directory.")
@click.option("--limit", type=click.IntRange(min=1), help="The first so many questions.")
@click.option(
    "--concurrency",
    type=click.IntRange(min=1),
    default=64,
    show_default=True,
    help="Requests to an endpoint at one time.",
)
@call_options
@click.option("--json", "as_json", is_flag=True, help="Print results.json instead of a table.")
def run_dataset(
    dataset: str,
    file: str,
    choice: Choice,
    output: str,
    limit: int | None,
    concurrency: int,
    limits: tuple[str, ...],
    prices: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Answer the questions of FILE, which has the form of DATASET; the same again resumes.

    DATASET is hotpotqa, adv_hotpotqa, 2wiki, fever, medmcqa, mmlu_physics, mmlu_biology, fetaqa,
    qald, or questions (JSONL of your own).

    \b
    Example:
      xgen reason run hotpotqa hotpot_dev.json -m openai:gpt-4o-mini --source paragraphs: \\
        --method verify-edit --limit 100 -o runs/hotpot
      xgen report runs/hotpot
    """
    import asyncio
    from pathlib import Path

    from xgen_core import ModelError
    from xgen_core.command.calls import prices_of
    from xgen_core.concurrency import Failure
    from xgen_eval.inputs import DataFile
    from xgen_reason.datasets import read_questions
    from xgen_reason.planning import plan_questions
    from xgen_reason.runs import run_questions

    questions = read_questions(dataset, file)[:limit]
    configuration = choice.configuration(_PROMPTS.get(dataset, dataset))
    budget = choice.budget(limits, prices)
    if dry_run:
        plans = asyncio.run(plan_questions(configuration, questions, output=output))
        click.echo(plans_text(plans, prices))
        return
    finished = asyncio.run(
        run_questions(
            configuration,
            questions,
            output=output,
            dataset=dataset,
            files=[DataFile.of(path) for path in _files(Path(file))],
            concurrency=concurrency,
            budget=budget,
            prices=prices_of(prices),
        )
    )
    reasons = [one.result.reason for one in finished.outcomes if isinstance(one.result, Failure)]
    if len(reasons) == len(questions):
        raise ModelError(f"all {len(questions)} questions failed: {reasons[0]}")
    path = Path(output) / "results.json"
    if as_json:
        click.echo(path.read_text("utf-8"), nl=False)
        return
    click.echo(f"{summary_text(finished.results)}\n\n{path}")


def _files(path: Path) -> list[Path]:
    """A file, or those of a directory."""
    return sorted(path.iterdir()) if path.is_dir() else [path]


def summary_text(results: RunResults) -> str:
    """Results for people: routes, figures, what editing did, what failed."""
    summary = results.summary
    lines = [f"{results.method}  {results.questions:,} questions", ""]
    rows = [
        (name, f"{metric.value:.4f}", metric.uncertainty, f"n = {metric.n}", metric.unit)
        for name, metric in summary.metrics.items()
    ]
    widths = [max((len(row[i]) for row in rows), default=0) for i in range(5)]
    lines += [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    routes = ", ".join(f"{count:,} {route}" for route, count in summary.routes.items())
    edits = summary.edits
    lines += ["", f"routes: {routes or 'none'}"]
    if edits.flagged:
        lines.append(
            f"edits: {edits.changed:,} of {edits.steps:,} steps; {edits.wrong_to_right:,} answers "
            f"wrong → right, {edits.right_to_wrong:,} right → wrong, {edits.unchanged:,} unchanged"
        )
    lines += [f"problem: {count:,} × {what}" for what, count in summary.problems.items()]
    lines += [f"failed: {count:,} × {reason}" for reason, count in results.failed.items()]
    cost = "" if summary.cost is None else f", cost {summary.cost:,.4f}"
    lines.append(
        f"calls: {summary.calls:,}, {summary.prompt_tokens:,} tokens read, "
        f"{summary.completion_tokens:,} written{cost}"
    )
    return "\n".join(lines)
