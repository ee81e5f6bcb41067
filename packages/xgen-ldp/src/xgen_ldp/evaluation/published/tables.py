"""The published figures, each column told by what it is the score of."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

from xgen_core.records import Record
from xgen_ldp.evaluation.scores import Kind
from xgen_ldp.languages import Language, find_language, language_group
from xgen_ldp.line import Direction

__all__ = ["GroupColumn", "PairColumn", "PublishedTable", "published_tables"]

_GROUPS = {"indic13": "Indic13", "afri21": "Afri21"}


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupColumn(Record):
    """A mean over a group of languages: chrF++ and BLEU.

    Attributes:
        group: as `language_group` knows it.
        kind: into English or from it.
    """

    group: str
    kind: Kind

    def __post_init__(self) -> None:
        language_group(self.group)

    @property
    def metrics(self) -> tuple[str, ...]:
        """What a row has of it, in order."""
        return ("chrF++", "BLEU")

    @property
    def heading(self) -> str:
        """As the table prints it: `Indic13-En`."""
        name = _GROUPS[self.group]
        return f"{name}-En" if self.kind == "into-english" else f"En-{name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PairColumn(Record):
    """One direction between two languages other than English: chrF++.

    Attributes:
        source, target: codes.
    """

    source: str
    target: str

    @property
    def metrics(self) -> tuple[str, ...]:
        """What a row has of it."""
        return ("chrF++",)

    @property
    def direction(self) -> Direction:
        """Of the column."""
        return Direction(source=find_language(self.source), target=find_language(self.target))

    @property
    def heading(self) -> str:
        """As the table prints it, in codes of two letters: `Vi-Fr`."""
        direction = self.direction
        return f"{_short(direction.source)}-{_short(direction.target)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt(Record):
    """What is doubtful of one row."""

    row: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedTable(Record):
    """A table as it was printed.

    Attributes:
        title: what it shows.
        source: where it is printed.
        columns: in order.
        rows: by system, the values of each column's metrics in turn.
        notes: what is not known of all of it.
        doubts: of single rows.
    """

    title: str
    source: str
    columns: tuple[GroupColumn | PairColumn, ...]
    rows: Mapping[str, tuple[float, ...]]
    notes: tuple[str, ...] = ()
    doubts: tuple[Doubt, ...] = ()

    def __post_init__(self) -> None:
        width = sum(len(column.metrics) for column in self.columns)
        for row, values in self.rows.items():
            if len(values) != width:
                raise ValueError(f"rows.{row}: expected {width} values, got {len(values)}")
        for doubt in self.doubts:
            if doubt.row not in self.rows:
                raise ValueError(f"a doubt about {doubt.row!r}, which is not in the table")

    def value(self, row: str, column: GroupColumn | PairColumn, metric: str = "chrF++") -> float:
        """One figure.

        Raises:
            ValueError: the column is not in the table, or has no such metric.
        """
        place = 0
        for known in self.columns:
            if known == column:
                return self.rows[row][place + known.metrics.index(metric)]
            place += len(known.metrics)
        raise ValueError(f"{column.heading} is not in the table")


def _short(language: Language) -> str:
    return next(code for code in language.codes if len(code) == 2).capitalize()


@functools.cache
def published_tables() -> tuple[PublishedTable, ...]:
    """Both tables of LDP: means over groups, and pairs without English."""
    here = files("xgen_ldp.evaluation.published")
    return tuple(
        PublishedTable.from_json(tomllib.loads((here / f"{name}.toml").read_text("utf-8")))
        for name in ("ldp-groups", "ldp-pairs")
    )
