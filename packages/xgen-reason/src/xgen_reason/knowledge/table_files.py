"""Tables from files: CSV, TSV, JSON, JSON lines, and SQLite databases."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast
from urllib.parse import quote

from xgen_core import CodecError, InputError
from xgen_core.files import read_json, read_jsonl
from xgen_reason.knowledge.columns import Cell, Column
from xgen_reason.knowledge.sql_table import SqlTable
from xgen_reason.question import Table

__all__ = ["SEARCHED", "is_database", "read_database", "read_table"]

MAX_ROWS = 200_000
MAX_BYTES = 64 * 2**20
MAX_ROW = 50_000
"""Bytes of one row: what a query can return of it is bounded by `sql_worker.LIMITS`."""

SEARCHED = 2000
"""Rows of a table that are searched by words; of one in a database, those that are read at all."""


def is_database(path: Path) -> bool:
    """Whether a file is called a SQLite database."""
    return path.suffix in (".db", ".sqlite", ".sqlite3")


def read_table(path: Path) -> Table:
    """The table of a file, titled by the file's name.

    Known are `.csv` and `.tsv` with a line of headings, `.jsonl` and `.json` with an object for
    each row, and `.json` with a list of lists, headings first.

    Raises:
        InputError: no such file, another kind, rows that do not fit the headings, or too many; file
            and line are named.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    if path.stat().st_size > MAX_BYTES:
        raise InputError(f"{path}: a table of more than {MAX_BYTES >> 20} MiB; use a .db file")
    if path.suffix in (".csv", ".tsv"):
        rows = _separated(path, "\t" if path.suffix == ".tsv" else ",")
    elif path.suffix == ".jsonl":
        rows = _objects(path, list(read_jsonl(path)))
    elif path.suffix == ".json":
        rows = _objects(path, read_json(path))
    else:
        raise InputError(f"{path}: expected .csv, .tsv, .json, .jsonl, or a database .db, .sqlite")
    headings: tuple[str, ...] = ()
    cells: list[tuple[str, ...]] = []
    for where, row in rows:
        if not headings:
            headings = row
        elif len(row) != len(headings):
            raise InputError(f"{where}: {len(row)} cells, expected {len(headings)}")
        elif sum(len(cell.encode("utf-8", "replace")) for cell in row) > MAX_ROW:
            raise InputError(f"{where}: a row of more than {MAX_ROW:,} bytes")
        elif len(cells) == MAX_ROWS:
            raise InputError(f"{where}: more than {MAX_ROWS:,} rows; use a .db file")
        else:
            cells.append(row)
    if not headings:
        raise InputError(f"{path}: expected headings, and the file is empty")
    return Table(columns=headings, rows=tuple(cells), title=path.stem)


def read_database(path: Path) -> tuple[SqlTable, ...]:
    """The tables of a SQLite file with their first rows; a single one is also called `data`.

    Raises:
        InputError: no such file, no SQLite database, or no tables.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        connection = sqlite3.connect(f"file:{quote(f'{path.absolute()}')}?mode=ro", uri=True)
        try:
            connection.execute("PRAGMA trusted_schema = OFF")
            names = [
                name
                for name, made in connection.execute(
                    "SELECT name, sql FROM sqlite_schema WHERE type = 'table' ORDER BY name"
                )
                if not name.startswith("sqlite_") and not made.upper().startswith("CREATE VIRTUAL")
            ]
            alone = len(names) == 1 and names[0].lower() != "data"
            tables = tuple(
                _shown(connection, name, "data" if alone else "", path.stem) for name in names
            )
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise InputError(f"{path}: not a SQLite database that can be read: {error}") from error
    if not tables:
        raise InputError(f"{path}: the database has no tables")
    return tables


def _shown(connection: sqlite3.Connection, name: str, alias: str, title: str) -> SqlTable:
    quoted = '"' + name.replace('"', '""') + '"'
    cursor = connection.execute(f"SELECT * FROM {quoted}")  # noqa: S608 - quoted
    rows = [tuple(map(_cell, row)) for row in cursor.fetchmany(SEARCHED)]
    more = cursor.fetchone() is not None
    columns: list[Column] = []
    for place, (heading, *_) in enumerate(cursor.description):
        cells = [row[place] for row in rows if row[place] is not None]
        numeric = bool(cells) and not any(isinstance(cell, str) for cell in cells)
        kind = "number" if numeric else "text"
        columns.append(Column(heading=heading, name=heading, kind=kind))
    return SqlTable(
        name=name,
        alias=alias,
        title=title,
        columns=tuple(columns),
        rows=tuple(rows),
        more=more,
    )


def _cell(value: object) -> Cell:
    return value if isinstance(value, (str, int, float)) or value is None else "(bytes)"


def _separated(path: Path, delimiter: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text: {error}") from error
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for row in reader:
            if row:
                yield f"{path}:{reader.line_num}", tuple(row)
    except csv.Error as error:
        raise InputError(f"{path}:{reader.line_num}: not {path.suffix[1:]}: {error}") from error


def _objects(path: Path, value: object) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Rows of objects, the headings in the order in which they first appear, or of lists."""
    if not isinstance(value, list) or not value:
        raise InputError(f"{path}: expected a list of rows")
    rows = cast("list[object]", value)
    headings: dict[str, None] = {}
    for row in rows:
        if isinstance(row, Mapping):
            headings.update(dict.fromkeys(map(str, cast("Mapping[object, object]", row))))
    if headings:
        yield f"{path}: row 1", tuple(headings)
    for number, row in enumerate(rows, 1):
        where = f"{path}: row {number}"
        try:
            if isinstance(row, Mapping) and headings:
                fields = cast("Mapping[str, object]", row)
                yield where, tuple(_text(fields.get(name), name) for name in headings)
            elif isinstance(row, list) and not headings:
                cells = enumerate(cast("Sequence[object]", row), 1)
                yield where, tuple(_text(cell, f"cell {place}") for place, cell in cells)
            else:
                raise CodecError(f"expected rows all objects or all lists, got {row!r:.60}")
        except CodecError as error:
            raise InputError(f"{where}: {error}") from error


def _text(cell: object, name: str) -> str:
    if cell is None or isinstance(cell, str):
        return cell or ""
    if isinstance(cell, (bool, int, float)):
        return json.dumps(cell)
    raise CodecError(f"{name}: expected text or a number, got {cell!r:.60}")
