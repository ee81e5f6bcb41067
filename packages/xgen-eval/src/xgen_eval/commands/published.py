"""`xgen eval compare RUN --published`: a run beside what others published."""

from __future__ import annotations

import json

import click

__all__ = ["show_published"]


def show_published(
    directory: str, name: str, model: str, output: str | None, as_json: bool
) -> None:
    """Print a run beside published tables, and write a page if asked.

    Args:
        directory: of the run.
        name: of the table; empty for all that have one of its tasks.
        model: beside which row; empty for each table's reference.
        output: run directory for the page, or None.
        as_json: print the standings as JSON.

    Raises:
        InputError: an unknown table or model, or no table has a task of the run.
    """
    from pathlib import Path

    from xgen_core import InputError, Run
    from xgen_core.files import write_json
    from xgen_core.report import Section
    from xgen_eval.analysis.items import open_runs
    from xgen_eval.analysis.terminal import paragraph, table_text
    from xgen_eval.published import find_table, published_tables, stand
    from xgen_eval.published.page import (
        notes,
        ranks_table,
        reasons,
        standing_table,
        table_blocks,
        tables_of,
    )

    (run,) = open_runs([directory])
    tables = (find_table(name),) if name else tables_of(run.results)
    if not tables:
        tasks = sorted(frozenset().union(*(table.tasks for table in published_tables())))
        raise InputError(
            f"{directory}: no published table has one of its tasks; there are numbers of: "
            f"{', '.join(tasks)}"
        )
    if model and not name:
        raise click.UsageError("--model needs the table: --published TABLE --model NAME")
    standings = {table.name: stand(table, run.results, model) for table in tables}
    body = {name: [s.to_json() for s in found] for name, found in standings.items()}
    if output is not None:
        keys = {task: record.key for task, record in run.results.tasks.items()}
        recipe = {"run": keys, "tables": list(standings), "model": model}
        page = Run.create(output, "published", recipe)
        for number, table in enumerate(tables):
            blocks = tuple(table_blocks(table, run.results, model))
            title = f"{run.name} beside {table.name}"
            page.write_section(f"{10 + number}-{table.name}", Section(title=title, blocks=blocks))
        header = {"format": "xgen-published", "version": 1}
        write_json(Path(output) / "published.json", header | body)
    if as_json:
        click.echo(json.dumps(body, indent=2, ensure_ascii=False))
        return
    for table in tables:
        click.echo(f"{table.title}\n{table.source}\n")
        ranked = ranks_table(table, model, names=False)
        for block in (standing_table(table, standings[table.name]), ranked):
            click.echo("\n".join([table_text(block), "", paragraph(block.caption), ""]))
        for note in (*reasons(standings[table.name]), *notes(table)):
            click.echo(paragraph(note))
        click.echo("")
    if output is not None:
        click.echo(f"{output}: xgen report {output}")
