"""`xgen distill generate`: new tasks with tests, made up by a teacher after seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from xgen_core.command.calls import call_options

if TYPE_CHECKING:
    from xgen_distill.generation import GenerationResults

__all__ = ["generate", "generation_text"]


@click.command("generate")
@click.argument("file", metavar="SEEDS", type=click.Path())
@click.option("--teacher", "-t", required=True, help="Who makes tasks up: openai:NAME say.")
@click.option("--output", "-o", required=True, type=click.Path(), help="The run directory.")
@click.option(
    "--count",
    type=click.IntRange(min=0),
    default=100,
    show_default=True,
    help="Tasks of lists (Self-Instruct); 0 to rewrite the seeds themselves.",
)
@click.option(
    "--evolve",
    "rounds",
    metavar="ROUNDS",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Rewrite all tasks so many times (Evol-Instruct); what comes of it is added.",
)
@click.option(
    "--form",
    type=click.Choice(["tasks", "humaneval", "mbpp", "alpaca", "plain"]),
    help="Of the file of seeds. Default: by the fields of its first row.",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="FIELD=VALUE",
    help="seeds, asked, wave, rouge_l, jaccard, calls, fewest, shown, filters.most_words, "
    "lists.temperature, rewriting.max_tokens, answers.max_tokens, …; repeatable.",
)
@click.option("--seed", default=0, show_default=True, help="Of what is drawn and sampled.")
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
@call_options
@click.option("--json", "as_json", is_flag=True, help="Print results.json instead of a table.")
def generate(
    file: str,
    teacher: str,
    output: str,
    count: int,
    rounds: int,
    form: str | None,
    settings: tuple[str, ...],
    seed: int,
    concurrency: int,
    workers: int | None,
    unsafe: bool,
    max_cost: float | None,
    limits: tuple[str, ...],
    prices: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Let TEACHER make up tasks after the seeds of a file; the same again resumes.

    Lists of tasks with solutions are asked for until enough of them are new, are solved by one
    function, and have tests: calls that the teacher writes, and what its own solution gives for
    them. RUN/tasks.jsonl is what `xgen distill run` takes.

    \b
    Example:
      xgen distill generate mbpp.jsonl --teacher openai:gpt-4o-mini --count 100 \\
        --prices 0.15,0.6 --max-cost 1 -o runs/tasks
      xgen distill generate tasks.jsonl --teacher openai:gpt-4o-mini --count 0 --evolve 2 \\
        -o runs/harder
    """
    import asyncio
    from pathlib import Path
    from typing import cast

    from xgen_core import InputError, ModelError
    from xgen_core.command.calls import budget_of, plan_text, prices_of
    from xgen_core.recipe import apply_settings
    from xgen_distill.generation import Generation, generate_tasks
    from xgen_distill.generation.planning import plan_generation
    from xgen_distill.tasks import Form, read_tasks

    if not count and not rounds:
        raise click.UsageError("--count 0 makes no tasks: give --evolve ROUNDS too")
    seeds = read_tasks(file, cast("Form | None", form))
    generation = apply_settings(Generation(seed=seed), settings)
    if dry_run:
        plan = asyncio.run(
            plan_generation(
                generation, seeds.tasks, teacher=teacher, count=count, output=output, rounds=rounds
            )
        )
        click.echo(plan_text(plan, prices))
        click.echo("as if every task were as long as the seeds and none were left out")
        return
    made = asyncio.run(
        generate_tasks(
            generation,
            seeds.tasks,
            teacher=teacher,
            count=count,
            output=output,
            rounds=rounds,
            files=[seeds.file],
            concurrency=concurrency,
            workers=workers,
            allow_weak=unsafe,
            budget=budget_of(limits, prices, max_cost),
            prices=prices_of(prices),
        )
    )
    missing = next(iter(made.results.unanswered.values()), None)
    if missing and not made.candidates:
        raise ModelError(
            f"the teacher answered none of {sum(missing.values())} requests: {next(iter(missing))}"
        )
    path = Path(output) / "tasks.jsonl"
    if as_json:
        click.echo((Path(output) / "results.json").read_text("utf-8"), nl=False)
    else:
        click.echo(f"{generation_text(made.results)}\n\n{path}")
    if not made.tasks:
        raise InputError(f"no tasks came of it; {output}/candidates.jsonl says why")


def generation_text(results: GenerationResults) -> str:
    """Results for people: what is left after each stage, what was left out and why."""
    columns = ("requests", "candidates", "readable", "new", "tasks")
    lines = [results.summary, "", "".join([f"{'':<16}", *(f"{name:>12}" for name in columns)])]
    for source, one in results.made.items():
        counts = (one.requests, one.candidates, one.readable, one.new, one.tasks)
        lines.append("".join([f"{source:<16}", *(f"{count:>12,}" for count in counts)]))
    lines.append("")
    if results.operations:
        named = ", ".join(f"{count:,} {name}" for name, count in results.operations.items())
        lines.append(f"rewritten by: {named}")
    for stage, counts in results.rejected.items():
        lines += [f"left out, {stage}: {count:,} × {why}" for why, count in counts.items()]
    for stage, counts in results.unanswered.items():
        lines += [f"unanswered, {stage}: {count:,} × {why}" for why, count in counts.items()]
    for stage, cost in results.costs.items():
        money = "" if cost.money is None else f", cost {cost.money:,.4f}"
        lines.append(
            f"{stage}: {cost.calls:,} calls, {cost.prompt_tokens:,} tokens read, "
            f"{cost.completion_tokens:,} written{money}"
        )
    return "\n".join(lines)
