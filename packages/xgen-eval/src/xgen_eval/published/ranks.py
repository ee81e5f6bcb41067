"""Inside a published table: which places in the order mean anything?"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

from xgen_core.records import Record
from xgen_eval.published.registry import Published, PublishedTable

__all__ = ["Ranks", "ranks"]

REACH = 2.0
"""Standard errors of a difference within which two numbers are not told apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranks(Record):
    """What a column's order is worth.

    Attributes:
        column: which.
        stderr: of the reference's number.
        neighbours: pairs of models next to each other in the order.
        close: of these, how many are within two standard errors of their difference.
        above, alike, below: models clearly above the reference, not told apart from it, below it.
    """

    column: str
    stderr: float
    neighbours: int
    close: int
    above: tuple[str, ...]
    alike: tuple[str, ...]
    below: tuple[str, ...]


def ranks(table: PublishedTable, model: str = "") -> tuple[Ranks, ...]:
    """Every column's order, seen from one model (the table's reference if empty).

    Models answered the same items, so their true difference is better known than two independent
    numbers tell; how much better, only their single answers would show.

    Raises:
        InputError: no such row.
    """
    return tuple(_column(table, own) for own in table.of(model or table.reference))


def _column(table: PublishedTable, own: Published) -> Ranks:
    order = sorted(table.column(own.column), key=lambda e: -e.value)
    pairs = list(itertools.pairwise(order))
    others = [e for e in order if e.model != own.model]
    apart = [e for e in others if not _alike(e, own)]
    return Ranks(
        column=own.column,
        stderr=own.stderr,
        neighbours=len(pairs),
        close=sum(_alike(a, b) for a, b in pairs),
        above=tuple(e.model for e in apart if e.value > own.value),
        alike=tuple(e.model for e in others if e not in apart),
        below=tuple(e.model for e in apart if e.value < own.value),
    )


def _alike(a: Published, b: Published) -> bool:
    return abs(a.value - b.value) <= REACH * math.hypot(a.stderr, b.stderr)
