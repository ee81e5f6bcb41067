"""A report table on the terminal, written as the page writes it."""

from __future__ import annotations

import textwrap

from xgen_core.report import Table
from xgen_core.report.cells import column_cells

__all__ = ["paragraph", "table_text"]

_WIDTH = 100


def table_text(table: Table) -> str:
    """The table in columns, numbers aligned right."""
    columns: list[list[str]] = []
    for number, name in enumerate(table.columns):
        cells = column_cells([row[number] for row in table.rows])
        texts = [name, *(cell.text for cell in cells)]
        width = max(map(len, texts))
        right = any(cell.number for cell in cells)
        columns.append([t.rjust(width) if right else t.ljust(width) for t in texts])
    return "\n".join("  ".join(cells).rstrip() for cells in zip(*columns, strict=True))


def paragraph(text: str) -> str:
    """Text in lines that fit a terminal."""
    return textwrap.fill(text, _WIDTH, break_long_words=False, break_on_hyphens=False)
