"""A table as SQL sees it, and as a prompt shows it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from xgen_core.codec import encode
from xgen_core.records import Record
from xgen_reason.knowledge.columns import Cell, Column, columns_of, safe_name
from xgen_reason.knowledge.injection import suspicion
from xgen_reason.question import Table

__all__ = ["SqlTable"]

_WIDEST = 60
"""Characters of a cell that a prompt shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlTable(Record):
    """Named columns and typed rows.

    Attributes:
        name: what queries call it.
        alias: a second name, made from the title; empty where there is none.
        title: for people.
        columns: in order.
        rows: a cell for each of `names`; row 1 is the first.
        more: whether the file that has the table has more rows than these.
    """

    name: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    alias: str = ""
    title: str = ""
    more: bool = False

    @classmethod
    def of(cls, table: Table) -> SqlTable:
        """The table `data`, also known by its title."""
        columns, rows = columns_of(table.columns, table.rows)
        alias = safe_name(table.title, "")
        return cls(
            name="data",
            alias="" if alias == "data" else alias,
            title=table.title,
            columns=columns,
            rows=tuple(map(tuple, rows)),
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Of all columns that are stored: each original follows its number."""
        return tuple(n for c in self.columns for n in (c.name, c.original) if n)

    @property
    def fingerprint(self) -> str:
        """Hex sha256 of everything in it."""
        return hashlib.sha256(json.dumps(encode(self)).encode()).hexdigest()

    @property
    def headings(self) -> dict[str, str]:
        """What people call a stored column: its heading, or its name where that is blank."""
        spoken: dict[str, str] = {}
        for column in self.columns:
            spoken[column.name] = " ".join(column.heading.split()) or column.name
            if column.original:
                spoken[column.original] = spoken[column.name]
        return spoken

    def layout(self, first: int = 3) -> str:
        """Name, columns with their kinds, and the first rows, as prompts show them.

        A cell that reads like an order to the model is not shown.

        Args:
            first: how many rows.
        """
        lines = [f"Table {self.name}" + (f": {self.title}" if self.title else "")]
        named: list[str] = []
        for column in self.columns:
            named.append(f"{column.name} ({column.kind})")
            if column.original:
                named.append(f"{column.original} (text)")
        lines.append("Columns: " + ", ".join(named))
        total = "more than " * self.more + f"{len(self.rows)}"
        lines.append(f"First {min(first, len(self.rows))} of {total} rows:")
        lines.append(" | ".join(self.names))
        lines += [" | ".join(map(_short, row)) for row in self.rows[:first]]
        return "\n".join(lines).replace("</", "< /")  # no cell ends the part that prompts call data

    def read_aloud(self, names: Sequence[str], cells: Sequence[Cell]) -> str:
        """One row in words: `Year = 2013, Award = Tony Award`; originals in place of numbers.

        Args:
            names: of the cells; names that are no column's stay as they are.
            cells: of one row.
        """
        headings = self.headings
        originals = {c.name: c.original for c in self.columns if c.original in names}
        instead = {name: cells[names.index(original)] for name, original in originals.items()}
        hidden = {original for name, original in originals.items() if name in names}
        return ", ".join(
            f"{headings.get(name, name)} = {_shown(instead.get(name, cell))}"
            for name, cell in zip(names, cells, strict=True)
            if name not in hidden
        )


def _shown(cell: Cell) -> str:
    return "(empty)" if cell is None else " ".join(f"{cell}".split())


def _short(cell: Cell) -> str:
    text = "" if cell is None else _shown(cell)
    if suspicion(text):
        return "(reads like an order)"
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"
