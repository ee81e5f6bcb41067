"""`xgen eval compare`: do runs differ, and on which items?"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xgen_eval.comparison import Comparison
    from xgen_eval.items import FinishedRun

__all__ = ["compare"]


@click.command("compare")
@click.argument("runs", nargs=-1, required=True, type=click.Path())
@click.option("--task", "-t", "tasks", multiple=True, help="Only this task; repeatable.")
@click.option("--metric", "metrics", multiple=True, help="Only this metric; repeatable.")
@click.option("--output", "-o", type=click.Path(), help="Run directory for the report page.")
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as JSON.")
def compare(
    runs: tuple[str, ...],
    tasks: tuple[str, ...],
    metrics: tuple[str, ...],
    output: str | None,
    as_json: bool,
) -> None:
    """Compare run directories item by item; every further one with the first.

    \b
    Example:
      xgen eval compare runs/base runs/tuned
      xgen eval compare runs/base runs/tuned --metric acc_norm -o runs/compared
      xgen report runs/compared
    """
    from xgen_eval.comparison import compare_runs
    from xgen_eval.comparison_page import comparison_table, evidence_table
    from xgen_eval.items import open_runs
    from xgen_eval.terminal import paragraph, table_text

    if len(runs) < 2:
        raise click.UsageError("give two run directories or more")
    opened = open_runs(runs)
    comparison = compare_runs(opened, tasks, metrics)
    if output is not None:
        _write(output, comparison, opened)
    if as_json:
        click.echo(json.dumps(comparison.to_json(), indent=2, ensure_ascii=False))
        return
    for table in (comparison_table(comparison), evidence_table(comparison)):
        click.echo("\n".join([table_text(table), "", paragraph(table.caption), ""]))
    for note in comparison.notes:
        click.echo(paragraph(note))
    if output is not None:
        click.echo(f"\n{output}: xgen report {output}")


def _write(output: str, comparison: Comparison, runs: Sequence[FinishedRun]) -> None:
    """A run directory with the comparison, and a browser for each task."""
    from pathlib import Path

    from xgen_core import Run
    from xgen_core.files import write_json
    from xgen_eval.comparison import pair_task
    from xgen_eval.comparison_page import changes_section, comparison_section

    recipe = {
        "runs": {
            run.name: {name: record.key for name, record in run.results.tasks.items()}
            for run in runs
        },
        "lines": [[line.run, line.task, line.metric] for line in comparison.lines],
    }
    directory = Run.create(output, "compare", recipe)
    directory.write_section("10-comparison", comparison_section(comparison))
    seen: set[tuple[str, str]] = set()
    for number, run in enumerate(runs[1:], 1):
        for line in comparison.lines:
            if line.run != run.name or (run.name, line.task) in seen:
                continue
            seen.add((run.name, line.task))
            paired = pair_task(runs[0], run, line.task, [])
            if paired is not None:
                section = changes_section(paired, line.metric, (runs[0].name, run.name))
                if section is not None:
                    directory.write_section(f"20-{line.task}-{number}", section)
    header = {"format": "xgen-comparison", "version": 1}
    write_json(Path(output) / "comparison.json", header | comparison.to_json())
