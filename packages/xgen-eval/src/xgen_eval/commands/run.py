"""`xgen eval run`: tasks on a model, with resume."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from xgen_core.command.calls import call_options

if TYPE_CHECKING:
    from xgen_eval.results import Results
    from xgen_eval.task import Task

__all__ = ["results_text", "run_tasks"]


@click.command("run")
@click.option("--model", "-m", required=True, help="scheme:rest, or a checkpoint directory.")
@click.option("--task", "-t", "names", multiple=True, required=True, help="Task; repeatable.")
@click.option(
    "--documents",
    "-d",
    multiple=True,
    help="Held-out .jsonl or text file, or a directory of them; repeatable.",
)
@click.option("--output", "-o", required=True, type=click.Path(), help="The run directory.")
@click.option("--seed", default=0, show_default=True, help="Decides whatever is drawn.")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many items a task.")
@click.option(
    "--max-bytes",
    type=click.IntRange(min=1),
    help="Whole documents in file order, up to so many bytes in all.",
)
@click.option(
    "--window",
    "windows",
    multiple=True,
    type=click.IntRange(min=2),
    help="Window length in tokens; repeatable. position_nll compares all of them, other tasks take "
    "the longest. Default: the model's context length.",
)
@click.option("--prompt", "prompts", multiple=True, help="Prompt for the task samples; repeatable.")
@click.option(
    "--set", "settings", multiple=True, metavar="TASK.FIELD=VALUE", help="A task's setting."
)
@click.option(
    "--data",
    type=click.Path(),
    help="Directory of benchmark data (see `xgen eval data`); default: XGEN_EVAL_DATA, or "
    "xgen/eval in the user's cache.",
)
@click.option(
    "--concurrency",
    type=click.IntRange(min=1),
    default=64,
    show_default=True,
    help="Generation requests in flight at once.",
)
@click.option(
    "--allow-failures",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="So many requests of a task may fail; they count as wrong.",
)
@call_options
@click.option("--json", "as_json", is_flag=True, help="Print results.json instead of a table.")
def run_tasks(
    model: str,
    names: tuple[str, ...],
    documents: tuple[str, ...],
    output: str,
    seed: int,
    limit: int | None,
    max_bytes: int | None,
    windows: tuple[int, ...],
    prompts: tuple[str, ...],
    settings: tuple[str, ...],
    data: str | None,
    concurrency: int,
    allow_failures: int,
    limits: tuple[str, ...],
    prices: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Run tasks on a model; the same command again resumes, or prints what it found.

    \b
    Example:
      xgen eval run --model runs/base/checkpoints --task bits_per_byte --task position_nll \\
        --documents store/documents/validation --output runs/eval --window 512 --window 2048
    """
    import asyncio
    from pathlib import Path

    from xgen_core import open_model
    from xgen_core.command.calls import budget_of, plan_text
    from xgen_eval.evaluation import evaluate, plan
    from xgen_eval.inputs import Inputs

    tasks = _tasks(names, windows, prompts, settings)
    inputs = Inputs(documents, seed=seed, limit=limit, max_bytes=max_bytes, data=data)
    for task in tasks:
        task.files(inputs)  # what is missing is said before the model is loaded
    budget = budget_of(limits, prices)
    needs = "score" if any(task.needs == "score" for task in tasks) else "generate"
    uri = f"local:{model}" if Path(model).is_dir() else model

    if dry_run:
        counter, notes = asyncio.run(
            plan(open_model(uri, needs=needs), tasks, inputs, output=output)
        )
        click.echo("\n".join([plan_text(counter, prices), *notes]))
        return

    async def work() -> Results:
        async with open_model(uri, needs=needs) as opened:
            return await evaluate(
                opened,
                tasks,
                output=output,
                documents=documents,
                seed=seed,
                limit=limit,
                max_bytes=max_bytes,
                data=data,
                concurrency=concurrency,
                allow_failures=allow_failures,
                budget=budget,
            )

    results = asyncio.run(work())
    path = Path(output) / "results.json"
    if as_json:
        click.echo(path.read_text("utf-8"), nl=False)
        return
    click.echo(results_text(results))
    click.echo(f"\n{path}")


def _tasks(
    names: Sequence[str], windows: Sequence[int], prompts: Sequence[str], settings: Sequence[str]
) -> list[Task]:
    """The tasks with their settings; `--set` comes last and so wins over the short options."""
    import dataclasses

    from xgen_core import RecipeError, apply_settings
    from xgen_core.codec import unknown_name
    from xgen_eval.task import load_task

    tasks: dict[str, Any] = {name: load_task(name) for name in dict.fromkeys(names)}
    short = {
        "windows": tuple(sorted(set(windows))),
        "window": max(windows, default=None),
        "prompts": tuple(prompts),
    }
    used: set[str] = set()
    for name, task in tasks.items():
        fields = {f.name for f in dataclasses.fields(task)}
        values = {k: v for k, v in short.items() if v and k in fields}
        used |= set(values)
        try:
            tasks[name] = dataclasses.replace(task, **values)
        except ValueError as error:
            raise RecipeError(f"{name}: {error}") from error
    if windows and not used & {"window", "windows"}:
        raise RecipeError("--window is given, but no task of this run has windows")
    if prompts and "prompts" not in used:
        raise RecipeError(
            "--prompt is given, but no task of this run takes prompts: --task samples"
        )
    for setting in settings:
        name, dot, rest = setting.partition(".")
        if not dot:
            raise RecipeError(f"--set takes TASK.FIELD=VALUE, got {setting!r}")
        if name not in tasks:
            raise RecipeError(f"--set {setting}: {unknown_name(name, list(tasks), 'task')}")
        tasks[name] = apply_settings(tasks[name], [rest])
    return list(tasks.values())


def results_text(results: Results) -> str:
    """Results for people: a line a metric, breakdowns left out."""
    from xgen_eval.results import is_breakdown

    rows = [("task", "metric", "value", "uncertainty", "n", "unit")]
    hidden = 0
    for task, record in results.tasks.items():
        for name, metric in record.metrics.items():
            if is_breakdown(name, record.metrics):
                hidden += 1
                continue
            rows.append(
                (
                    task,
                    name,
                    f"{metric.value:.4f}",
                    metric.uncertainty,
                    f"{metric.n}",
                    metric.unit,
                )
            )
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "  ".join(
            cell.rjust(width) if i in (2, 4) else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    lines.insert(0, f"{results.model.identity}  seed {results.seed}\n")
    lines.append("\n± is one standard error; a range is the 95 % interval.")
    if hidden:
        lines.append(f"{hidden} finer figures are in results.json and on the report page.")
    return "\n".join(lines)
