"""The paper's table, as data."""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal

from xgen_core.codec import decode
from xgen_core.records import Record
from xgen_distill.sets.row import SetName

__all__ = ["Benchmark", "PublishedRow", "PublishedScores", "published_scores"]

Benchmark = Literal["humaneval", "mbpp"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedRow(Record):
    """One method.

    Attributes:
        method: as the paper names it.
        set: the training set that it is.
        data: how many rows it has, as printed.
        humaneval, mbpp: by step, from the first, then by k; in percent. Methods that are not
            trained to refine have one step.
    """

    method: str
    set: SetName
    data: str
    humaneval: tuple[tuple[float, ...], ...]
    mbpp: tuple[tuple[float, ...], ...]

    def of(self, benchmark: Benchmark) -> tuple[tuple[float, ...], ...]:
        """The figures of one benchmark."""
        return self.humaneval if benchmark == "humaneval" else self.mbpp


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedScores(Record):
    """All of the table.

    Attributes:
        title: what it shows.
        source: where it is printed.
        ks: of its columns.
        notes: on how it was measured.
        rows: in the paper's order.
    """

    title: str
    source: str
    ks: tuple[int, ...]
    notes: tuple[str, ...]
    rows: tuple[PublishedRow, ...]

    def __post_init__(self) -> None:
        for row in self.rows:
            for figures in (*row.humaneval, *row.mbpp):
                if len(figures) != len(self.ks):
                    raise ValueError(f"{row.method}: {len(figures)} figures, not {len(self.ks)}")

    def find(self, name: SetName, benchmark: Benchmark, step: int, k: int) -> float | None:
        """One figure in percent; None where none is published."""
        for row in self.rows:
            figures = row.of(benchmark)
            if row.set == name and step <= len(figures) and k in self.ks:
                return figures[step - 1][self.ks.index(k)]
        return None


@functools.cache
def published_scores() -> PublishedScores:
    """The table that comes with the package."""
    text = (files("xgen_distill.evaluation") / "published.toml").read_text("utf-8")
    return decode(PublishedScores, tomllib.loads(text))
