"""`xgen distill evaluate`: a student's pass@k, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from xgen_core.command.calls import call_options

if TYPE_CHECKING:
    from xgen_distill.evaluation import EvaluationResults

__all__ = ["evaluate"]


@click.command("evaluate")
@click.argument("file", metavar="TASKS", type=click.Path())
@click.option("--student", "-s", required=True, help="Who solves: scheme:rest, local:DIR say.")
@click.option("--output", "-o", required=True, type=click.Path(), help="The run directory.")
@click.option(
    "--settings",
    "names",
    multiple=True,
    type=click.Choice(["pass1", "pass100", "greedy"]),
    default=("pass1",),
    show_default=True,
    help="pass1: 20 samples at temperature 0.2; pass100: 100 at 0.8, for pass@5, 10 and 20; "
    "greedy: one; repeatable.",
)
@click.option(
    "--steps",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    help="1 is the first program; in each further step it is rectified by its first failing test.",
)
@click.option("--samples", type=click.IntRange(min=1), help="Fewer or more than the setting has.")
@click.option(
    "--oracle",
    is_flag=True,
    help="Take the further steps also told of the tests that score: a leak, for comparison.",
)
@click.option(
    "--clean",
    type=click.Path(),
    help="Directory of xgen distill decontaminate: scores on clean tasks beside all.",
)
@click.option("--limit", type=click.IntRange(min=1), help="The first so many tasks.")
@click.option(
    "--before",
    type=click.IntRange(min=1),
    help="Tasks whose id ends in a number below this; 601 is PERsD's part of MBPP.",
)
@click.option(
    "--set",
    "changes",
    multiple=True,
    metavar="FIELD=VALUE",
    help="template.examples, limits.wall_seconds, …; repeatable.",
)
@click.option(
    "--chat/--no-chat",
    default=None,
    help="Send prompts as messages. Default: to openai:.",
)
@click.option("--seed", default=0, show_default=True, help="Of what is sampled.")
@click.option(
    "--concurrency",
    type=click.IntRange(min=1),
    default=64,
    show_default=True,
    help="Requests to an endpoint at one time.",
)
@click.option(
    "--workers", type=click.IntRange(min=1), help="Programs at one time. Default: two a processor."
)
@click.option("--unsafe", is_flag=True, help="Run programs even where the sandbox is not strict.")
@call_options
@click.option("--json", "as_json", is_flag=True, help="Print results.json instead of a table.")
def evaluate(
    file: str,
    student: str,
    output: str,
    names: tuple[str, ...],
    steps: int,
    samples: int | None,
    oracle: bool,
    clean: str | None,
    limit: int | None,
    before: int | None,
    changes: tuple[str, ...],
    chat: bool | None,
    seed: int,
    concurrency: int,
    workers: int | None,
    unsafe: bool,
    limits: tuple[str, ...],
    prices: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Let STUDENT solve the tasks of a file in several steps; the same again resumes.

    TASKS is HumanEval, MBPP, or tasks as `xgen distill tasks` writes them, which has taken out what
    docstrings show wrongly. Students are told of shown tests alone, and scored by the others.

    \b
    Example:
      xgen distill tasks HumanEval.jsonl.gz -o humaneval.jsonl
      xgen distill evaluate humaneval.jsonl --student local:runs/tuned --settings pass1 \\
        --settings pass100 --steps 2 -o runs/e
    """
    import asyncio
    from pathlib import Path

    from xgen_core import InputError, ModelError
    from xgen_core.command.calls import budget_of, plan_text, prices_of
    from xgen_core.recipe import apply_settings
    from xgen_distill.decontamination import Contamination
    from xgen_distill.evaluation.plan import EvaluationPlan
    from xgen_distill.evaluation.planning import plan_evaluation
    from xgen_distill.evaluation.run import evaluate_student
    from xgen_distill.inference import SETTINGS
    from xgen_distill.tasks import read_tasks

    read = read_tasks(file)
    for kind, count in read.counts.items():
        click.echo(f"{file}: {count:,} rows are no task: {kind}", err=True)
    tasks = [task for task in read.tasks if before is None or _number(task.id, file) < before]
    tasks = tasks[:limit]
    if not tasks:
        raise InputError(f"{file}: no task has an id below {before}")
    settings = [SETTINGS[name] for name in dict.fromkeys(names)]
    if samples is not None:
        settings = [s.with_samples(samples) if s.sampling.temperature else s for s in settings]
    plan = EvaluationPlan(
        student=student,
        settings=tuple(settings),
        steps=steps,
        oracle=oracle,
        chat=student.startswith("openai:") if chat is None else chat,
        seed=seed,
    )
    plan = apply_settings(plan, changes)
    budget = budget_of(limits, prices)
    if dry_run:
        model = asyncio.run(plan_evaluation(plan, tasks, output=output))
        click.echo(f"{plan_text(model, prices)}\nas if every program failed at every step")
        return
    done = asyncio.run(
        evaluate_student(
            plan,
            tasks,
            output=output,
            files=[read.file],
            contamination=Contamination.read(clean) if clean else None,
            concurrency=concurrency,
            workers=workers,
            allow_weak=unsafe,
            budget=budget,
            prices=prices_of(prices),
        )
    )
    if not done.results.scores:
        reason = next(reason for of in done.results.unanswered.values() for reason in of)
        raise ModelError(f"the student answered for none of {len(tasks)} tasks: {reason}")
    path = Path(output) / "results.json"
    if as_json:
        click.echo(path.read_text("utf-8"), nl=False)
        return
    click.echo(f"{_text(done.results)}\n\n{path}")


def _number(identity: str, file: str) -> int:
    from xgen_core import InputError

    digits = identity.rpartition("/")[2]
    if not digits.isdecimal():
        raise InputError(f"{file}: task {identity}: --before needs ids that end in a number")
    return int(digits)


def _text(results: EvaluationResults) -> str:
    from xgen_distill.evaluation.sections import metrics_table, steps_table
    from xgen_distill.evaluation.tables import comparison_table
    from xgen_eval.analysis.terminal import paragraph, table_text

    compared = comparison_table({"this student": results})
    parts = [table_text(metrics_table(results)), table_text(steps_table(results))]
    parts += [table_text(compared), paragraph(compared.caption)]
    for setting, reasons in results.unanswered.items():
        parts += [f"{setting}: unanswered: {n:,} × {reason}" for reason, n in reasons.items()]
    money = "" if results.money is None else f", cost {results.money:,.4f}"
    parts.append(
        f"{results.calls:,} calls, {results.prompt_tokens:,} tokens read, "
        f"{results.completion_tokens:,} written{money}"
    )
    return "\n\n".join(parts)
