"""`xgen reason run`: a data set's questions, with resume."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from xgen_core.command.calls import call_options
from xgen_reason.commands.options import method_options

if TYPE_CHECKING:
    pass

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
    model: str,
    method: str,
    sources: tuple[str, ...],
    domains: tuple[str, ...],
    prompts: str | None,
    shots: int,
    chat: bool,
    seed: int,
    settings: tuple[str, ...],
    query_uris: tuple[str, ...],
    max_cost: float | None,
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

    from xgen_core.command.calls import budget_of, prices_of
    from xgen_eval.inputs import DataFile
    from xgen_reason.commands.options import domain_sources, limits_with, plans_text, query_models
    from xgen_reason.configuration import Configuration
    from xgen_reason.datasets import read_questions
    from xgen_reason.planning import plan_questions
    from xgen_reason.runs import run_questions

    questions = read_questions(dataset, file)[:limit]
    configuration = Configuration(
        model=model,
        method=method,
        settings=settings,
        prompts=prompts or _PROMPTS.get(dataset, dataset),
        shots=shots,
        chat=chat,
        seed=seed,
        sources=sources,
        domains=domain_sources(domains),
        query_models=query_models(query_uris),
    )
    budget = budget_of(limits_with(limits, max_cost), prices)
    if dry_run:
        plans = asyncio.run(plan_questions(configuration, questions, output=output))
        click.echo(plans_text(plans, prices))
        return
    summary = asyncio.run(
        run_questions(
            configuration,
            questions,
            output=output,
            dataset=dataset,
            file=DataFile.of(Path(file)),
            concurrency=concurrency,
            budget=budget,
            prices=prices_of(prices),
        )
    )
    path = Path(output) / "results.json"
    if as_json:
        click.echo(path.read_text("utf-8"), nl=False)
        return
    click.echo(summary_text(summary))
    click.echo(f"\n{path}")
