"""Tables on a terminal, and as JSON for machines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from xgen_core.report import Table

__all__ = ["show_tables"]


def show_tables(tables: Mapping[str, Table], as_json: bool) -> None:
    """Print tables in columns, or all of them as one JSON object, rows by column name."""
    if as_json:
        rows = {
            name: [dict(zip(table.columns, row, strict=True)) for row in table.rows]
            for name, table in tables.items()
        }
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    for table in tables.values():
        cells = [[_cell(value) for value in row] for row in (table.columns, *table.rows)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        numeric = [isinstance(v, int | float) for v in table.rows[0]] if table.rows else []
        numeric += [False] * (len(table.columns) - len(numeric))
        for row in cells:
            line = (
                text.rjust(width) if number else text.ljust(width)
                for text, width, number in zip(row, widths, numeric, strict=True)
            )
            click.echo("  ".join(line).rstrip())


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int | float) else str(value)
