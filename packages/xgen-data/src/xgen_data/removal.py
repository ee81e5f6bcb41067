"""The second stage: which documents are copies. It looks at keys, and at few texts.

exact   of equal texts the first stays: by source, then part, then place in the part
url     of equal addresses the newest stays
near    of texts that share most of their words the first stays, once that is verified
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xgen_core import InputError
from xgen_core.records import Record
from xgen_data.keys import KeyTable, hash_ranges
from xgen_data.recipe import DataRecipe

__all__ = ["RemovalCount", "remove_copies"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovalCount(Record):
    """How many documents of a source went as copies of one kind."""

    source: str
    kind: str
    documents: int


def remove_copies(
    recipe: DataRecipe, tables: Sequence[KeyTable], memory: int
) -> list[RemovalCount]:
    """Clear `kept` of every copy.

    Args:
        recipe: says what a copy is.
        tables: of all parts, in the order of sources and parts.
        memory: bytes of keys to hold at a time.

    Returns:
        Counts by source and kind, where there are any.

    Raises:
        InputError: more of a source would go than expected.
    """
    kinds = {"exact": _exact}
    counts: list[RemovalCount] = []
    for kind, remove in kinds.items():
        before = _kept(recipe, tables)
        remove(tables, memory)
        after = _kept(recipe, tables)
        counts += [
            RemovalCount(source=source.name, kind=kind, documents=b - a)
            for source, b, a in zip(recipe.sources, before, after, strict=True)
            if b > a
        ]
    _guard(recipe, tables, counts)
    return counts


def _kept(recipe: DataRecipe, tables: Sequence[KeyTable]) -> list[int]:
    counts = [0] * len(recipe.sources)
    for table in tables:
        counts[table.source] += int(table.kept.sum())
    return counts


def _guard(recipe: DataRecipe, tables: Sequence[KeyTable], counts: Sequence[RemovalCount]) -> None:
    for index, source in enumerate(recipe.sources):
        total = sum(len(table.keys) for table in tables if table.source == index)
        gone = {count.kind: count.documents for count in counts if count.source == source.name}
        share = sum(gone.values()) / max(1, total)
        if share > recipe.deduplicate.expected_removal and sum(gone.values()) < total:
            kinds = ", ".join(f"{n} {kind}" for kind, n in gone.items())
            raise InputError(
                f"source {source.name!r}: {share:.0%} of {total} documents are copies ({kinds}), "
                f"more than the expected {recipe.deduplicate.expected_removal:.0%}; look at the "
                "source and the settings, or allow it: --set deduplicate.expected_removal=1"
            )


def _exact(tables: Sequence[KeyTable], memory: int) -> None:
    for slices in hash_ranges(tables, memory):
        columns = [
            (
                table.keys["high"][part],
                table.keys["low"][part],
                np.full(part.stop - part.start, number),
                np.arange(part.start, part.stop),
            )
            for number, (table, part) in enumerate(zip(tables, slices, strict=True))
        ]
        high, low, number, place = (np.concatenate(column) for column in zip(*columns, strict=True))
        order = np.lexsort((number, low, high))  # tables come in the order of precedence
        high, low = high[order], low[order]
        copy = order[1:][(high[1:] == high[:-1]) & (low[1:] == low[:-1])]
        for index in np.unique(number[copy]).tolist():
            tables[index].kept[place[copy[number[copy] == index]]] = 0
