"""Headings as names that SQL can say, and cells as the numbers that they mean."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from xgen_core.records import Record

__all__ = ["Cell", "Column", "columns_of", "number_of", "safe_name", "safe_names"]

Cell = str | int | float | None
"""What a table holds for SQL; None is an empty cell."""

_LONGEST = 60
"""Characters of a name, and of a cell that may be a number."""

_SPOKEN = {"%": " percent ", "#": " number ", "№": " number ", "&": " and ", "+": " plus "}
_RESERVED = frozenset(
    """abort action add after all alter always analyze and as asc attach autoincrement before
    begin between by cascade case cast check collate column commit conflict constraint create
    cross current current_date current_time current_timestamp database default deferrable
    deferred delete desc detach distinct do drop each else end escape except exclude exclusive
    exists explain fail filter first following for foreign from full generated glob group
    groups having if ignore immediate in index indexed initially inner insert instead
    intersect into is isnull join key last left like limit match materialized natural no not
    nothing notnull null nulls of offset on or order others outer over partition plan pragma
    preceding primary query raise range recursive references regexp reindex release rename
    replace restrict returning right rollback row rows savepoint select set table temp
    temporary then ties to transaction trigger unbounded union unique update using vacuum
    values view virtual when where window with without rowid oid _rowid_ true false""".split()  # noqa: SIM905 - words, not quotes
)
"""SQLite's keywords, and the names that mean a row's number whatever the columns are called."""

_EMPTY = frozenset({"", "-", "–", "—", "−", "n/a", "na", "none", "null", "?", "..", "…"})
_MARKS = re.compile(r"(?:\[[^\[\]]{1,12}\]|[\s*†‡§^])+$")
_NUMBER = re.compile(r"([+\-−–]?)\s*[$€£¥]?\s*(\d{1,3}(?:,\d{3})+|\d+)?(\.\d+)?\s*%?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column(Record):
    """A column of a table, as SQL sees it.

    Attributes:
        heading: as its source wrote it.
        name: unique in its table whatever the case, and no word of SQL's own.
        kind: whether its cells are numbers.
        original: name of a column beside it that holds the cells as they were written; empty where
            nothing was lost.
    """

    heading: str
    name: str
    kind: Literal["text", "number"] = "text"
    original: str = ""


def safe_name(text: str, otherwise: str) -> str:
    """A name that SQL takes without quotes: lower case, letters, digits and `_`.

    Letters of any script stay, with their marks. A name that would begin with a digit or with
    SQLite's own prefix gets `_` before it, a word of SQL's own `_` behind it.

    Args:
        text: in a person's words.
        otherwise: the name where nothing is left of them.
    """
    spoken = "".join(_SPOKEN.get(c, c) for c in unicodedata.normalize("NFKC", text))
    kept = "".join(c if unicodedata.category(c)[0] in "LNM" else " " for c in spoken.lower())
    name = "_".join(kept.split())[:_LONGEST].rstrip("_")
    if not name:
        return otherwise
    if name[0].isnumeric() or name.startswith("sqlite_"):
        name = f"_{name}"
    return f"{name}_" if name in _RESERVED else name


def safe_names(headings: Sequence[str]) -> tuple[str, ...]:
    """A name for each heading, all different: blank ones are `column_N`, repeated ones numbered."""
    taken: set[str] = set()
    return tuple(
        _claim(safe_name(heading, f"column_{place}"), taken)
        for place, heading in enumerate(headings, 1)
    )


def number_of(text: str) -> int | float | None:
    """The number that a cell states, or None where it states none, or more than one.

    Comma groups, a sign (minus and en-dash are signs), a currency sign before, `%` behind and
    footnote marks (`[2]`, `*`, `†`) are read as such: `−1,234.5 %[a]` is -1234.5. Digits that begin
    with a needless 0 are a code, not a number.
    """
    if len(text) > _LONGEST:
        return None
    found = _NUMBER.fullmatch(_MARKS.sub("", text.strip()))
    if found is None or not (found[2] or found[3]):
        return None
    whole = (found[2] or "0").replace(",", "")
    if len(whole) > 15 or not whole.isascii() or (len(whole) > 1 and whole[0] == "0"):
        return None
    value = float(whole + found[3]) if found[3] else int(whole)
    return -value if found[1] and found[1] != "+" else value


def columns_of(
    headings: Sequence[str], rows: Sequence[Sequence[str]]
) -> tuple[tuple[Column, ...], list[list[Cell]]]:
    """Columns with names and kinds, and the rows as they are stored under them.

    A column is numeric if every cell that is not blank states a number. Where that changes how a
    cell reads (`1,234`), a column `NAME_text` with the original cells follows it.

    Args:
        headings: may repeat or be blank.
        rows: as long as the headings.

    Returns:
        The columns, and rows with a cell for each column and for each column of originals, in the
        order that `names` of a `SqlTable` gives.
    """
    names = safe_names(headings)
    taken = set(names)
    columns: list[Column] = []
    stored: list[list[Cell]] = [[] for _ in rows]
    for place, (heading, name) in enumerate(zip(headings, names, strict=True)):
        texts = [_storable(row[place]) for row in rows]
        numbers = [number_of(text) for text in texts]
        numeric = any(n is not None for n in numbers) and all(
            n is not None or text.casefold() in _EMPTY
            for n, text in zip(numbers, texts, strict=True)
        )
        originals: list[Cell] = [text or None for text in texts]
        lossy = numeric and any(
            text and text != str(n) for n, text in zip(numbers, texts, strict=True)
        )
        original = _claim(f"{name}_text", taken) if lossy else ""
        kind = "number" if numeric else "text"
        columns.append(Column(heading=heading, name=name, kind=kind, original=original))
        for cells, number, text in zip(stored, numbers, originals, strict=True):
            cells.append(number if numeric else text)
            if original:
                cells.append(text)
    return tuple(columns), stored


def _claim(name: str, taken: set[str]) -> str:
    free, number = name, 1
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    taken.add(free)
    return free


def _storable(text: str) -> str:
    """Without half surrogate pairs and NULs, which SQLite takes for errors or an end."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", " ").strip()
