"""What the commands of `xgen eval judge` share: options, the task, its run, and what is shown."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import click

from xgen_core.command.calls import call_options

if TYPE_CHECKING:
    from xgen_core import Model
    from xgen_core.records import Scalar
    from xgen_eval.judges.judge import JudgedTask
    from xgen_eval.results import Results
    from xgen_eval.task import Task

__all__ = ["JudgeOptions", "judge_options", "judge_task", "rows_of", "run_judged", "show"]


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeOptions:
    """What all four commands take."""

    output: str
    model: str | None
    seed: int
    limit: int | None
    concurrency: int
    allow_failures: int
    settings: tuple[str, ...]
    limits: tuple[str, ...]
    prices: str | None
    dry_run: bool
    as_json: bool


def judge_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that all four commands take; the command gets them as one `JudgeOptions`."""
    names = [field.name for field in dataclasses.fields(JudgeOptions)]

    @functools.wraps(command)
    def gathered(**given: Any) -> None:
        options = JudgeOptions(**{name: given.pop(name) for name in names})
        command(options, **given)

    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print results.json, not a table."),
        call_options,
        click.option(
            "--set", "settings", multiple=True, metavar="FIELD=VALUE", help="Any other setting."
        ),
        click.option(
            "--allow-failures",
            type=click.IntRange(min=0),
            default=0,
            show_default=True,
            help="So many requests may fail; they are left out of the means, and counted.",
        ),
        click.option(
            "--concurrency",
            type=click.IntRange(min=1),
            default=64,
            show_default=True,
            help="Requests in flight at once.",
        ),
        click.option("--limit", type=click.IntRange(min=1), help="At most so many items."),
        click.option("--seed", default=0, show_default=True, help="Of answers and judgments."),
        click.option(
            "--repeats",
            type=click.IntRange(min=1),
            help="Judge everything so often; give the judge a temperature then "
            "(--set judge_temperature=0.7).",
        ),
        click.option("--judge", help="The judge: a model by URI."),
        click.option("--model", "-m", help="Ask this model for answers, in the place of a file."),
        click.option("--output", "-o", required=True, type=click.Path(), help="Run directory."),
    ):
        gathered = option(gathered)
    return gathered


def judge_task(
    kind: type[JudgedTask],
    answers: str | None,
    options: JudgeOptions,
    fields: Mapping[str, object],
) -> JudgedTask:
    """The task with its settings; `--set` comes last and so wins over the options.

    Args:
        kind: of task.
        answers: the file of answers, if there is one.
        options: what all commands take.
        fields: settings by the names of the task's fields; None leaves the default.

    Raises:
        click.UsageError: neither answers nor a model were given, or both.
        RecipeError: a setting does not fit.
    """
    from pathlib import Path

    from xgen_core import RecipeError, apply_settings
    from xgen_core.codec import decode

    if (answers is None) == (options.model is None):
        raise click.UsageError("give either a file of answers or --model URI")
    values = {name: value for name, value in fields.items() if value is not None}
    if values.get("judge") and Path(f"{values['judge']}").is_dir():
        values["judge"] = f"local:{values['judge']}"
    if answers is not None:
        values["answers"] = answers
    try:
        task = decode(kind, values)
    except ValueError as error:
        raise RecipeError(f"{error}") from error
    return apply_settings(task, options.settings)


def run_judged(judged: JudgedTask, options: JudgeOptions) -> Results | None:
    """The results; None after a dry run."""
    import asyncio
    from pathlib import Path

    from xgen_core import open_model
    from xgen_core.command.calls import budget_of, plan_text
    from xgen_eval.evaluation import evaluate, plan
    from xgen_eval.inputs import Inputs
    from xgen_eval.judges.given import GivenAnswers

    task = cast("Task", judged)
    inputs = Inputs(seed=options.seed, limit=options.limit)
    task.files(inputs)  # what is missing is said before a model is loaded
    budget = budget_of(options.limits, options.prices)
    model: Model
    if judged.answers is not None:
        model = GivenAnswers(judged.answers)
    else:
        assert options.model is not None
        is_directory = Path(options.model).is_dir()
        model = open_model(f"local:{options.model}" if is_directory else options.model)
    if options.dry_run:
        counter, notes = asyncio.run(plan(model, [task], inputs, output=options.output))
        click.echo("\n".join([plan_text(counter, options.prices), *notes]))
        return None

    async def work() -> Results:
        async with model as opened:
            return await evaluate(
                opened,
                [task],
                output=options.output,
                seed=options.seed,
                limit=options.limit,
                concurrency=options.concurrency,
                allow_failures=options.allow_failures,
                budget=budget,
            )

    return asyncio.run(work())


def rows_of(task: JudgedTask, options: JudgeOptions) -> list[dict[str, Scalar]]:
    """The rows that the task wrote."""
    from pathlib import Path

    from xgen_core.files import read_jsonl

    return list(read_jsonl(Path(options.output) / "items" / f"{task.name}.jsonl"))


def show(results: Results, options: JudgeOptions) -> None:
    """Print the results as the user asked."""
    from pathlib import Path

    from xgen_eval.commands.run import results_text

    path = Path(options.output) / "results.json"
    if options.as_json:
        click.echo(path.read_text("utf-8"), nl=False)
    else:
        click.echo(f"{results_text(results)}\n\n{path}")
