"""`xgen distill tasks`: a file of tasks read, checked, and split into shown and hidden tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from xgen_distill.tasks import TaskFile
    from xgen_distill.tasks.checking import CheckedTasks

__all__ = ["prepare_tasks"]


@click.command("tasks")
@click.argument("file", type=click.Path())
@click.option("--output", "-o", required=True, type=click.Path(), help="JSONL of sound tasks.")
@click.option(
    "--form",
    type=click.Choice(["tasks", "humaneval", "mbpp", "alpaca", "plain"]),
    help="Of the file. Default: by the fields of its first row.",
)
@click.option(
    "--mutants",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Programs with a fault to try for each task; tests that notice none refuse it.",
)
@click.option("--shown", type=click.IntRange(min=1), help="Tests that are shown. Default: 2.")
@click.option("--seed", type=int, help="Which tests are shown. Default: the first.")
@click.option(
    "--timeout", default=3.0, show_default=True, type=click.FloatRange(min=0.1), help="Seconds."
)
@click.option("--unsafe", is_flag=True, help="Run code even where no strong sandbox can be had.")
@click.option("--json", "as_json", is_flag=True, help="Print counts as JSON.")
def prepare_tasks(
    file: str,
    output: str,
    form: str | None,
    mutants: int,
    shown: int | None,
    seed: int | None,
    timeout: float,
    unsafe: bool,
    as_json: bool,
) -> None:
    """Read FILE (tasks of ours, HumanEval, MBPP, CodeAlpaca, or plain rows), and check its tasks.

    Every gold solution is run by its tests, three times; a task that it fails is refused, as is one
    without tests. Plain rows have `instruction`, `code` or `header`, and `tests`.

    \b
    Example:
      xgen distill tasks sanitized-mbpp.json --mutants 10 -o tasks.jsonl
    """
    import asyncio
    import json
    from typing import cast

    from xgen_core.files import write_jsonl
    from xgen_distill.tasks import Form, read_tasks, split_tests
    from xgen_distill.tasks.checking import check_tasks
    from xgen_eval.execution import Checker, Limits

    read = read_tasks(file, cast("Form | None", form))
    tasks = read.tasks
    if shown is not None or seed is not None:
        tasks = tuple(split_tests(task, shown or 2, seed=seed) for task in tasks)

    async def check() -> CheckedTasks:
        problems = [task.problem(task.deciding) for task in tasks if task.tests and task.gold]
        async with Checker(problems, allow_weak=unsafe) as checker:
            limits = Limits(wall_seconds=timeout, cpu_seconds=max(1, round(timeout)))
            return await check_tasks(tasks, checker, mutants=mutants, limits=limits)

    checked = asyncio.run(check())
    write_jsonl(output, (task.to_json() for task in checked.tasks))
    if as_json:
        click.echo(json.dumps(_counts(read, checked), indent=2))
        return
    click.echo(_text(read, checked, output))


def _counts(read: TaskFile, checked: CheckedTasks) -> dict[str, object]:
    return {
        "form": read.form,
        "rows": len(read.tasks) + len(read.refused),
        "tasks": len(checked.tasks),
        "refused": dict(read.counts + checked.counts),
        "untrue_examples": len(checked.untrue),
        "mutants": sum(one.mutants for one in checked.quality),
        "killed": sum(one.killed for one in checked.quality),
        "idle_tests": sum(len(one.idle) for one in checked.quality),
    }


def _text(read: TaskFile, checked: CheckedTasks, output: str) -> str:
    rows = len(read.tasks) + len(read.refused)
    lines = [f"{len(checked.tasks):,} of {rows:,} tasks ({read.form})"]
    lines += [f"refused: {n:,} × {kind}" for kind, n in (read.counts + checked.counts).items()]
    lines += [f"  {one.id}: {one.reason}" for one in (*read.refused, *checked.refused)[:10]]
    lines += [f"example taken out: {one.id}: {one.reason}" for one in checked.untrue[:10]]
    mutants = sum(one.mutants for one in checked.quality)
    if mutants:
        killed = sum(one.killed for one in checked.quality)
        idle = sum(len(one.idle) for one in checked.quality)
        lines.append(
            f"programs with a fault: {killed:,} of {mutants:,} noticed ({killed / mutants:.1%}); "
            f"{idle:,} tests notice none"
        )
    return "\n".join([*lines, "", output])
