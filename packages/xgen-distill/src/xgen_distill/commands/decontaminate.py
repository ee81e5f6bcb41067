"""`xgen distill decontaminate`: benchmark tasks in training tasks and rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from xgen_distill.decontamination import TrainingItem
    from xgen_distill.task import Task

__all__ = ["decontaminate", "read_benchmarks"]


@click.command("decontaminate")
@click.argument("training", metavar="TASKS|RUN", type=click.Path())
@click.option(
    "--against",
    "-a",
    "benchmarks",
    multiple=True,
    required=True,
    metavar="[NAME=]FILE",
    help="A benchmark: HumanEval, MBPP, or tasks of ours; repeatable.",
)
@click.option("--output", "-o", required=True, type=click.Path(), help="The run directory.")
@click.option(
    "--common",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    help="Words in a row that stand in more tasks of a benchmark than this identify none.",
)
@click.option("--unsafe", is_flag=True, help="Run code even where no strong sandbox can be had.")
@click.option("--json", "as_json", is_flag=True, help="Print contamination.json.")
def decontaminate(
    training: str,
    benchmarks: tuple[str, ...],
    output: str,
    common: int,
    unsafe: bool,
    as_json: bool,
) -> None:
    """Look for tasks of benchmarks in training tasks, or in all rows of a run's seven sets.

    Words in a row, the function's name, the tree of a solution, and whether a training solution
    passes the benchmark's tests are evidence, which is kept for every pair; ROUGE-L of the wording
    finds pairs to look at and decides none.

    \b
    Example:
      xgen distill decontaminate runs/d --against HumanEval.jsonl.gz --against mbpp.jsonl \\
        -o runs/overlap
      xgen distill evaluate humaneval.jsonl -s local:runs/tuned --clean runs/overlap -o runs/e
    """
    import asyncio
    from pathlib import Path

    from xgen_core import Run
    from xgen_distill.decontamination import find_contamination
    from xgen_distill.decontamination.section import contamination_section, counts_table
    from xgen_eval.analysis.terminal import table_text
    from xgen_eval.inputs import DataFile

    items, read = _training(Path(training))
    tasks, files = read_benchmarks(benchmarks)
    recipe = {"files": [DataFile.of(path) for path in (*read, *files)], "common": common}
    run = Run.create(output, "distill-overlap", recipe)
    found = asyncio.run(find_contamination(items, tasks, common=common, allow_weak=unsafe))
    found.write(output)
    every = [task for ones in tasks.values() for task in ones]
    run.write_section("10-overlap", contamination_section(found, items, every))
    path = Path(output) / "contamination.json"
    if as_json:
        click.echo(path.read_text("utf-8"), nl=False)
        return
    table = counts_table(found)
    lines = [table_text(table), "", f"{len(found.clean):,} of {len(found.tasks):,} tasks are clean"]
    lines += [f"leak: {pair.task} ~ {pair.item}" for pair in found.pairs if pair.verdict == "leak"][
        :20
    ]
    click.echo("\n".join([*lines, "", str(path)]))


def _training(path: Path) -> tuple[list[TrainingItem], list[Path]]:
    """What is learnt from, and the files that it was read from."""
    from xgen_core.files import read_jsonl
    from xgen_distill.decontamination import training_items
    from xgen_distill.sets import SETS, Row
    from xgen_distill.tasks import read_tasks

    if not path.is_dir():
        return training_items(read_tasks(path).tasks), [path]
    tasks = path / "tasks.jsonl"
    sets = [file for name in SETS if (file := path / "sets" / f"{name}.jsonl").is_file()]
    rows = [row for file in sets for row in read_jsonl(file, Row.from_json)]
    return training_items(read_tasks(tasks, "tasks").tasks, rows), [tasks, *sets]


def read_benchmarks(named: Sequence[str]) -> tuple[dict[str, list[Task]], list[Path]]:
    """Tasks by the benchmark's name, and the files that they were read from.

    Args:
        named: `[NAME=]FILE`; those of one name are taken together.
    """
    tasks: dict[str, list[Task]] = {}
    files: list[Path] = []
    for one in named:
        name, path, found = _benchmark(one)
        tasks.setdefault(name, []).extend(found)
        files.append(path)
    return tasks, files


def _benchmark(named: str) -> tuple[str, Path, tuple[Task, ...]]:
    """Name, file and tasks; the name is that of the tasks' origin, else of the file."""
    from pathlib import Path

    from xgen_distill.tasks import read_tasks

    name, equals, text = named.partition("=")
    path = Path(text if equals else named)
    read = read_tasks(path)
    for kind, count in read.counts.items():
        click.echo(f"{path}: {count:,} rows are no task: {kind}", err=True)
    origins = {task.origin for task in read.tasks}
    origin = origins.pop() if len(origins) == 1 else ""
    return (name if equals else origin or path.stem), path, read.tasks
