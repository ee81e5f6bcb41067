"""`xgen distill run`: one round of the loop, with resume."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import click

from xgen_core.command.calls import call_options

if TYPE_CHECKING:
    from xgen_core.lm import PlannedModel
    from xgen_distill.results import RunResults
    from xgen_distill.spending import Spending

__all__ = ["results_text", "run"]


@click.command("run")
@click.argument("file", metavar="TASKS", type=click.Path())
@click.option("--student", "-s", required=True, help="Who tries: scheme:rest, local:DIR say.")
@click.option("--teacher", "-t", required=True, help="Who repairs: scheme:rest, openai:NAME say.")
@click.option("--output", "-o", required=True, type=click.Path(), help="The run directory.")
@click.option("--limit", type=click.IntRange(min=1), help="The first so many tasks.")
@click.option(
    "--told",
    type=click.Choice(["shown", "all"]),
    default="shown",
    show_default=True,
    help="Whose failures student and teacher are told: the shown tests', or all tests'.",
)
@click.option(
    "--gold-in-context/--no-gold-in-context",
    default=False,
    show_default=True,
    help="Let the teacher read the direct solution before it repairs.",
)
@click.option(
    "--variant",
    type=click.Choice(["v0", "v1", "v2", "nl"]),
    default="v1",
    show_default=True,
    help="Of the teacher's prompt: repair; stay close or rewrite; stay close; mistakes in words.",
)
@click.option(
    "--closest",
    type=click.Choice(["text", "tokens", "tree"]),
    default="tokens",
    show_default=True,
    help="Of several refinements that pass the closest to the attempt is taken, by this.",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="FIELD=VALUE",
    help="attempts.samples, refinements.samples, .temperature, .top_p, .max_tokens, "
    "limits.wall_seconds, template.examples, …; repeatable.",
)
@click.option(
    "--student-chat/--no-student-chat",
    default=None,
    help="Send the student its prompts as messages. Default: to openai:.",
)
@click.option("--seed", default=0, show_default=True, help="Of what is sampled.")
@click.option(
    "--round",
    "round_",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Of the loop; the student of round 2 was tuned after round 1.",
)
@click.option("--previous", type=click.Path(), help="The run of the round before.")
@click.option(
    "--retried",
    type=click.Choice(["all", "failed"]),
    default="all",
    show_default=True,
    help="What a later round tries again: all tasks, or those that no earlier attempt solved.",
)
@click.option(
    "--union", is_flag=True, help="Build the sets from all rounds so far, not from this one alone."
)
@click.option(
    "--combined",
    type=click.Choice(["repair", "direct"]),
    default="repair",
    show_default=True,
    help="What persd-combined has beside persd-refine: repairs, or direct solutions.",
)
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
@click.option(
    "--max-cost",
    type=click.FloatRange(min=0),
    help="Stop before more money is spent; needs --prices. Short for --budget money=…",
)
@click.option(
    "--student-prices",
    metavar="PROMPT,COMPLETION",
    help="Money for a million tokens of the student. Default: none; --prices are the teacher's.",
)
@call_options
@click.option("--json", "as_json", is_flag=True, help="Print results.json instead of a table.")
def run(
    file: str,
    student: str,
    teacher: str,
    output: str,
    limit: int | None,
    told: Literal["shown", "all"],
    gold_in_context: bool,
    variant: Literal["v0", "v1", "v2", "nl"],
    closest: Literal["text", "tokens", "tree"],
    settings: tuple[str, ...],
    student_chat: bool | None,
    seed: int,
    round_: int,
    previous: str | None,
    retried: Literal["all", "failed"],
    union: bool,
    combined: Literal["repair", "direct"],
    concurrency: int,
    workers: int | None,
    unsafe: bool,
    max_cost: float | None,
    student_prices: str | None,
    limits: tuple[str, ...],
    prices: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Let STUDENT try the tasks of a file and TEACHER repair what fails; the same again resumes.

    TASKS is what `xgen distill tasks` writes, or any file that it reads. Every attempt is run,
    every failure is repaired after its first failing test, every repair is run by all tests, and
    all seven sets are built of what passes.

    \b
    Example:
      xgen distill run tasks.jsonl --student local:runs/base --teacher openai:gpt-4o-mini \\
        --prices 0.15,0.6 --max-cost 5 -o runs/d
      xgen distill run tasks.jsonl --student local:runs/tuned --teacher openai:gpt-4o-mini \\
        --round 2 --previous runs/d -o runs/d2
    """
    import asyncio
    from pathlib import Path

    from xgen_core import ModelError
    from xgen_core.recipe import apply_settings
    from xgen_distill.configuration import Configuration
    from xgen_distill.items import read_earlier
    from xgen_distill.planning import plan_loop
    from xgen_distill.runs import run_loop
    from xgen_distill.tasks import read_tasks

    read = read_tasks(file)
    tasks = read.tasks[:limit]
    configuration = Configuration(
        student=student,
        teacher=teacher,
        variant=variant,
        gold_in_context=gold_in_context,
        told=told,
        closest=closest,
        student_chat=student.startswith("openai:") if student_chat is None else student_chat,
        round=round_,
        retried=retried,
        seed=seed,
    )
    configuration = apply_settings(configuration, settings)
    spending = _spending(limits, max_cost, student_prices, prices)
    earlier = read_earlier(previous) if previous else None
    if dry_run:
        plans = asyncio.run(plan_loop(configuration, tasks, output=output, earlier=earlier))
        click.echo(_plans_text(plans, student_prices, prices))
        return
    finished = asyncio.run(
        run_loop(
            configuration,
            tasks,
            output=output,
            files=[read.file],
            refused=read.counts,
            earlier=earlier,
            union=union,
            combined=combined,
            concurrency=concurrency,
            workers=workers,
            allow_weak=unsafe,
            spending=spending,
        )
    )
    unanswered = finished.items.failed.get("attempts", {})
    if unanswered and not finished.items.attempts:
        reason = next(iter(unanswered.values())).reason
        raise ModelError(f"the student answered none of {len(unanswered)} prompts: {reason}")
    path = Path(output) / "results.json"
    if as_json:
        click.echo(path.read_text("utf-8"), nl=False)
        return
    click.echo(f"{results_text(finished.results)}\n\n{path}")


def _spending(
    limits: Sequence[str], max_cost: float | None, student_prices: str | None, prices: str | None
) -> Spending:
    from xgen_core.command.calls import budget_of, prices_of
    from xgen_distill.spending import Spending

    budget = budget_of(limits, prices, max_cost)
    return Spending(
        calls=budget.calls if budget else None,
        tokens=budget.tokens if budget else None,
        money=budget.money if budget else None,
        student=prices_of(student_prices),
        teacher=prices_of(prices),
    )


def _plans_text(
    plans: Sequence[PlannedModel], student_prices: str | None, prices: str | None
) -> str:
    from xgen_core.command.calls import plan_text

    student, teacher = plans
    return "\n".join(
        [
            f"student  {plan_text(student, student_prices)}",
            f"teacher  {plan_text(teacher, prices)}",
            "as if every attempt that is not known yet failed, and was as long as it may get",
        ]
    )


def results_text(results: RunResults) -> str:
    """Results for people: what is left after each stage, what was rejected and why, the sets."""
    left = results.stages
    stages = (
        ("tasks", left.tasks),
        ("usable", left.usable),
        ("executable", left.executable),
        ("attempted", left.attempted),
        ("failed", left.failed),
        ("refined", left.refined),
        ("valid", left.valid),
    )
    lines = [f"round {results.round}", ""]
    lines += [f"{name:<12}{count:>8,} tasks" for name, count in stages]
    lines += ["", *(f"{name:<16}{count:>8,} rows" for name, count in left.rows.items()), ""]
    if results.errors:
        mix = ", ".join(f"{count:,} {kind}" for kind, count in results.errors.items())
        lines.append(f"errors: {mix}")
    for stage, counts in results.rejected.items():
        lines += [f"rejected {stage}: {count:,} × {reason}" for reason, count in counts.items()]
    for stage, counts in results.unanswered.items():
        lines += [f"unanswered {stage}: {count:,} × {why}" for why, count in counts.items()]
    for measure, like in results.likeness.items():
        lines.append(
            f"likeness by {measure}: attempt ~ repair {like.attempt_refinement:.3f}, attempt ~ "
            f"direct {like.attempt_gold:.3f}, repair ~ direct {like.refinement_gold:.3f}; "
            f"{like.closer:.0%} closer, {like.same:.0%} the same as the direct one"
        )
    for stage, cost in results.costs.items():
        money = "" if cost.money is None else f", cost {cost.money:,.4f}"
        lines.append(
            f"{stage}: {cost.calls:,} calls, {cost.prompt_tokens:,} tokens read, "
            f"{cost.completion_tokens:,} written{money}"
        )
    return "\n".join(lines)
