"""`xgen eval slice`: results by groups of items, and on items that training data may contain."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xgen_eval.analysis.contamination import CleanDirty, Findings
    from xgen_eval.analysis.items import FinishedRun, TaskItems
    from xgen_eval.analysis.slices import Slice

__all__ = ["slice_run"]


@click.command("slice")
@click.argument("run", type=click.Path())
@click.option("--by", "attributes", multiple=True, help="Attribute of the items; repeatable.")
@click.option(
    "--protected",
    multiple=True,
    help="Protected attribute (gender, religion, …), read by the four-fifths rule; repeatable.",
)
@click.option(
    "--contamination",
    type=click.Path(),
    help="Findings of xgen data decontaminate: clean and dirty scores.",
)
@click.option("--task", "-t", "tasks", multiple=True, help="Only this task; repeatable.")
@click.option(
    "--metric", "metrics", multiple=True, help="Default: the first of each task; repeatable."
)
@click.option("--output", "-o", type=click.Path(), help="Run directory for the report page.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def slice_run(
    run: str,
    attributes: tuple[str, ...],
    protected: tuple[str, ...],
    contamination: str | None,
    tasks: tuple[str, ...],
    metrics: tuple[str, ...],
    output: str | None,
    as_json: bool,
) -> None:
    """Show the results of a run by groups of items, and how far the groups lie apart.

    \b
    Example:
      xgen eval slice runs/base --task mmlu --by subject
      xgen eval slice runs/base --by subject --protected gender -o runs/slices
      xgen eval slice runs/base --contamination runs/web/eval
    """
    from xgen_eval.analysis.contamination import clean_and_dirty, read_findings
    from xgen_eval.analysis.items import open_runs
    from xgen_eval.analysis.slices_page import contamination_table, disparity_table, group_table
    from xgen_eval.analysis.terminal import paragraph, table_text

    if not attributes and not protected and contamination is None:
        raise click.UsageError("give --by, --protected or --contamination")
    (opened,) = open_runs([run])
    items = [opened.items(task) for task in tasks or opened.results.tasks]
    slices = _slices(items, attributes, protected, metrics, named=bool(tasks))
    findings = None if contamination is None else read_findings(contamination)
    lines = () if findings is None else clean_and_dirty(items, findings, metrics)
    if findings is not None and not lines:
        _refuse(findings, items)
    if output is not None:
        _write(output, opened, slices, items, findings, lines)
    if as_json:
        body = {
            "slices": [s.to_json() for s in slices],
            "contamination": [line.to_json() for line in lines],
        }
        click.echo(json.dumps(body, indent=2, ensure_ascii=False))
        return
    tables = [group_table(s) for s in slices]
    tables += [disparity_table(slices)] if slices else []
    tables += [contamination_table({opened.name: lines})] if lines else []
    for sliced, table in zip([*slices, None, None], tables, strict=False):
        heading = f"{sliced.task}: {sliced.metric} by {sliced.attribute}\n" if sliced else ""
        click.echo("\n".join([heading + table_text(table), "", paragraph(table.caption), ""]))
    if output is not None:
        click.echo(f"{output}: xgen report {output}")


def _slices(
    items: Sequence[TaskItems],
    attributes: Sequence[str],
    protected: Sequence[str],
    metrics: Sequence[str],
    *,
    named: bool,
) -> list[Slice]:
    """Each task by each attribute; a task that was not asked for by name may lack one."""
    from xgen_core import InputError
    from xgen_core.progress import Progress
    from xgen_eval.analysis.slices import slice_items

    found: list[Slice] = []
    kinds = [*((name, False) for name in attributes), *((name, True) for name in protected)]
    wanted = [(task, metric) for task in items for metric in metrics or ("",)]
    with Progress("slice", len(kinds) * len(wanted), unit="slices") as progress:
        for attribute, is_protected in kinds:
            reasons: list[str] = []
            for task, metric in wanted:
                try:
                    found.append(slice_items(task, attribute, metric, protected=is_protected))
                except InputError as error:
                    if named:
                        raise
                    reasons.append(str(error))
                progress.advance()
            if len(reasons) == len(wanted):
                raise InputError("; ".join(reasons))
    return found


def _refuse(findings: Findings, items: Sequence[TaskItems]) -> None:
    from xgen_core import InputError

    benchmarks = ", ".join(findings.by_benchmark) or "nothing"
    tasks = ", ".join(task.name for task in items)
    raise InputError(f"{findings.path}: findings of {benchmarks}, but the tasks are {tasks}")


def _write(
    output: str,
    run: FinishedRun,
    slices: Sequence[Slice],
    items: Sequence[TaskItems],
    findings: Findings | None,
    lines: Sequence[CleanDirty],
) -> None:
    """A run directory with a section for each slice, and for the flagged items."""
    from xgen_core import Run
    from xgen_core.report import Section
    from xgen_eval.analysis.slices_page import contamination_table, flagged_browser, slice_section

    recipe = {
        "run": {task.name: task.record.key for task in items},
        "slices": [[s.task, s.metric, s.attribute, s.protected] for s in slices],
        "contamination": [line.to_json() for line in lines],
    }
    page = Run.create(output, "slice", recipe)
    for number, sliced in enumerate(slices):
        page.write_section(
            f"10-{number:03}-{sliced.task}-{sliced.attribute}", slice_section(sliced)
        )
    if findings is None:
        return
    browsers = [
        flagged_browser(task, flagged, task.metrics[0])
        for task in items
        if (flagged := findings.flagged(task))
    ]
    section = Section(
        title="Items that training data may contain",
        summary=f"share {findings.threshold:g} or more",
        blocks=(contamination_table({run.name: lines}), *browsers),
    )
    page.write_section("20-contamination", section)
