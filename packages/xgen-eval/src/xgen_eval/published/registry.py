"""Published numbers, each with where it comes from and how far off it may be."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from xgen_core import CodecError, InputError
from xgen_core.codec import decode, unknown_name
from xgen_core.records import Record
from xgen_eval.statistics import binomial_stderr

__all__ = ["Published", "PublishedTable", "find_table", "published_tables", "read_table"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Published(Record):
    """One published number.

    Attributes:
        table: name of its table.
        column: heading in it.
        model: row in it.
        task, metric: ours that measure the same.
        variants: of our task that are the same procedure; `*` stands for anything.
        shots: solved examples before a question; None where the task has none to set.
        value: as printed.
        unit: of `value`: `"%"`, `"of 10"`.
        n: items behind it.
        stderr: one standard error in the same unit. Nobody published one: it is the binomial one of
            value and n, or what the table says it is.
        source: where it is printed.
        notes: what is doubtful of this number, and of all of its column.
    """

    table: str
    column: str
    model: str
    task: str
    metric: str
    variants: tuple[str, ...]
    shots: int | None
    value: float
    unit: str
    n: int
    stderr: float
    source: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedTable(Record):
    """A table of published numbers.

    Attributes:
        name: of the table.
        title: what it shows.
        source: where it is printed.
        reference: the model that a run is put beside, unless another is asked for.
        unit: of all values.
        notes: on all of them.
        entries: row by row.
    """

    name: str
    title: str
    source: str
    reference: str
    unit: str
    notes: tuple[str, ...]
    entries: tuple[Published, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Headings, in order."""
        return tuple(dict.fromkeys(entry.column for entry in self.entries))

    @property
    def models(self) -> tuple[str, ...]:
        """Rows, in order."""
        return tuple(dict.fromkeys(entry.model for entry in self.entries))

    @property
    def tasks(self) -> frozenset[str]:
        """Tasks of ours that measure something of it."""
        return frozenset(entry.task for entry in self.entries)

    def of(self, model: str) -> tuple[Published, ...]:
        """A model's numbers, by column.

        Raises:
            InputError: no such row; the nearest is given.
        """
        if model not in self.models:
            raise InputError(f"{self.name}: {unknown_name(model, self.models, 'model')}")
        return tuple(entry for entry in self.entries if entry.model == model)

    def column(self, name: str) -> tuple[Published, ...]:
        """All models' numbers of a column."""
        return tuple(entry for entry in self.entries if entry.column == name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """What `[[columns]]` says; `stderr` only where it is not the binomial one."""

    name: str
    task: str
    metric: str
    variants: tuple[str, ...]
    n: int
    shots: int | None = None
    stderr: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    model: str
    column: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFile:
    title: str
    source: str
    reference: str
    unit: str
    columns: tuple[Column, ...]
    rows: Mapping[str, tuple[float, ...]]
    notes: tuple[str, ...] = ()
    doubts: tuple[Doubt, ...] = ()

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        if not self.source or not self.rows or len(set(names)) != len(names) or not names:
            raise ValueError("a table needs a source, rows, and columns of different names")
        for model, values in self.rows.items():
            if len(values) != len(names):
                raise ValueError(f"rows.{model}: {len(values)} values for {len(names)} columns")
        for doubt in self.doubts:
            if doubt.model not in self.rows or doubt.column not in names:
                raise ValueError(f"a doubt about {doubt.model}, {doubt.column}: not in the table")
        if self.reference not in self.rows:
            raise ValueError(f"reference: there is no row {self.reference!r}")


@functools.cache
def published_tables() -> tuple[PublishedTable, ...]:
    """All tables that come with the package, by name."""
    here = files("xgen_eval.published") / "tables"
    texts = {item.name: item.read_text("utf-8") for item in here.iterdir()}
    return tuple(_table(name.removesuffix(".toml"), texts[name]) for name in sorted(texts))


def read_table(path: Path | str) -> PublishedTable:
    """A table of your own, in the form of those of the package.

    Raises:
        InputError: no such file, not TOML, or not such a table; names the field.
    """
    try:
        text = Path(path).read_text("utf-8")
    except (FileNotFoundError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: no such file, or not UTF-8 text") from error
    try:
        return _table(Path(path).stem, text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path}: not TOML: {error}") from error
    except CodecError as error:
        raise InputError(f"{path}: {error}") from error


def find_table(name: str) -> PublishedTable:
    """A table of the package by its name, or of your own by its path.

    Raises:
        InputError: neither; the nearest name is given.
    """
    if name.endswith(".toml"):
        return read_table(name)
    tables = {table.name: table for table in published_tables()}
    if name not in tables:
        raise InputError(unknown_name(name, list(tables), "published table"))
    return tables[name]


def _table(name: str, text: str) -> PublishedTable:
    file = decode(TableFile, tomllib.loads(text))
    doubts = {(doubt.model, doubt.column): doubt.note for doubt in file.doubts}
    entries = tuple(
        Published(
            table=name,
            column=column.name,
            model=model,
            task=column.task,
            metric=column.metric,
            variants=column.variants,
            shots=column.shots,
            value=value,
            unit=file.unit,
            n=column.n,
            stderr=_stderr(file, column, value, f"rows.{model}"),
            source=file.source,
            notes=tuple(filter(None, (doubts.get((model, column.name), ""), column.note))),
        )
        for model, values in file.rows.items()
        for column, value in zip(file.columns, values, strict=True)
    )
    return PublishedTable(
        name=name,
        title=file.title,
        source=file.source,
        reference=file.reference,
        unit=file.unit,
        notes=file.notes,
        entries=entries,
    )


def _stderr(file: TableFile, column: Column, value: float, where: str) -> float:
    if column.stderr is not None:
        return column.stderr
    if file.unit != "%" or not 0 <= value <= 100:
        raise CodecError(
            f"{where}: {value} {file.unit} is no percentage, so its column needs a stderr"
        )
    return 100 * binomial_stderr(value / 100, column.n)
