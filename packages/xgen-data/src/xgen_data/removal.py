"""The second stage: which documents are copies. It looks at keys, and at few texts.

exact   of equal texts the first stays: by source, then part, then place in the part
url     of equal addresses the newest stays
near    of texts that share most of their words the first stays, once that is verified

First is what was read first: sources, their parts and the documents of a part have an order.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from xgen_core.files import atomic_file
from xgen_core.records import Record
from xgen_data.keys import KeyTable, hash_ranges
from xgen_data.overlap.estimate import estimate
from xgen_data.overlap.guard import RemovalGuard
from xgen_data.overlap.near_duplicates import find_near_duplicates
from xgen_data.overlap.urls import find_older
from xgen_data.recipe import DataRecipe

__all__ = ["NEAR_DUPLICATES", "RemovalCount", "remove_copies"]

NEAR_DUPLICATES = "near-duplicates.jsonl"
"""Every near-duplicate that went, with what it resembles and how much."""
_EXAMPLES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovalCount(Record):
    """How many documents of a source went as copies of one kind."""

    source: str
    kind: str
    documents: int


def remove_copies(
    recipe: DataRecipe,
    tables: Sequence[KeyTable],
    directory: Path,
    memory: int,
    say: Callable[[str], None],
) -> list[RemovalCount]:
    """Clear `kept` of every copy.

    Args:
        recipe: says what a copy is.
        tables: of all parts, in the order of sources and parts.
        directory: for working files and the evidence, `NEAR_DUPLICATES`.
        memory: bytes of keys to hold at a time.
        say: told what near-duplicates will cost, before they are looked for.

    Returns:
        Counts by source and kind, where there are any.

    Raises:
        InputError: more of a source would go than expected.
    """
    directory.mkdir(parents=True, exist_ok=True)
    removers: dict[str, Callable[[], None]] = {"exact": lambda: _exact(tables, memory)}
    if recipe.deduplicate.url:
        removers["url"] = lambda: _older(tables, memory)
    if recipe.deduplicate.near is not None:
        removers["near"] = lambda: _near(recipe, tables, directory, memory, say)
    counts: list[RemovalCount] = []
    for kind, remove in removers.items():
        before = [table.kept.copy() for table in tables]
        remove()
        counts += _count(recipe, tables, before, kind)
    return counts


def _count(
    recipe: DataRecipe,
    tables: Sequence[KeyTable],
    before: Sequence[npt.NDArray[np.uint8]],
    kind: str,
) -> list[RemovalCount]:
    """Count what one remover took of each source, and stop where that is more than expected."""
    guard = RemovalGuard(expected=recipe.deduplicate.expected_removal)
    counts: list[RemovalCount] = []
    for index, source in enumerate(recipe.sources):
        mine = [(t, b) for t, b in zip(tables, before, strict=True) if t.source == index]
        gone = [(table, np.flatnonzero(old > table.kept)) for table, old in mine]
        removed = sum(len(rows) for _, rows in gone)
        examples = [table.document(row)["id"] for table, rows in gone for row in rows[:_EXAMPLES]]
        guard.check(
            source=source.name,
            what=f"{kind} copies",
            documents=sum(int(old.sum()) for _, old in mine),
            removed=removed,
            examples=examples[:_EXAMPLES],
        )
        if removed:
            counts.append(RemovalCount(source=source.name, kind=kind, documents=removed))
    return counts


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
        _clear(tables, number[copy], place[copy])


def _clear(
    tables: Sequence[KeyTable], number: npt.NDArray[np.int64], place: npt.NDArray[np.int64]
) -> None:
    for index in np.unique(number).tolist():
        tables[index].kept[place[number == index]] = 0


def _by_precedence(tables: Sequence[KeyTable]) -> tuple[npt.NDArray[np.int64], ...]:
    """Number of the table and place in it of every kept document, in the order of reading."""
    number = np.concatenate([np.full(int(t.kept.sum()), i) for i, t in enumerate(tables)])
    place = np.concatenate([np.flatnonzero(table.kept) for table in tables])
    read = np.concatenate([table.keys["number"][table.kept > 0] for table in tables])
    order = np.lexsort((read, number))  # tables come in the order of sources and parts
    return number[order], place[order]


def _older(tables: Sequence[KeyTable], memory: int) -> None:
    number, place = _by_precedence(tables)
    urls, dates = np.empty(len(place), np.uint64), np.empty(len(place), np.int64)
    for index, table in enumerate(tables):
        mine = number == index
        urls[mine] = table.keys["url"][place[mine]]
        dates[mine] = table.keys["date"][place[mine]]
    older = find_older(urls, dates, memory=memory)
    _clear(tables, number[older], place[older])


def _near(
    recipe: DataRecipe,
    tables: Sequence[KeyTable],
    directory: Path,
    memory: int,
    say: Callable[[str], None],
) -> None:
    settings, minhash = recipe.deduplicate.near, recipe.deduplicate.minhash
    number, place = _by_precedence(tables)
    size = sum(int(table.keys["bytes"][table.kept > 0].sum()) for table in tables)
    cost = estimate(len(place), size, minhash=minhash, settings=settings, memory=memory)
    say(f"near-duplicates among {len(place):,} documents: at most {cost}")
    bands = np.lib.format.open_memmap(
        directory / "bands.npy", "w+", np.uint64, (len(place), minhash.bands)
    )
    for index, table in enumerate(tables):
        mine = number == index
        bands[mine] = table.bands(minhash.bands)[place[mine]]

    def document(row: int) -> dict[str, str]:
        return tables[number[row]].document(int(place[row]))

    found = find_near_duplicates(
        bands,
        lambda rows: [document(row)["text"] for row in rows],
        settings,
        memory=memory,
        directory=directory,
    )
    rows = zip(*(x.tolist() for x in (found.removed, found.kept, found.jaccard)), strict=True)
    with atomic_file(directory / NEAR_DUPLICATES) as handle:
        handle.writelines(_evidence(rows, document))
    _clear(tables, number[found.removed], place[found.removed])
    del bands
    (directory / "bands.npy").unlink()


def _evidence(
    rows: Iterator[tuple[int, int, float]], document: Callable[[int], dict[str, str]]
) -> Iterator[bytes]:
    for removed, kept, jaccard in rows:
        gone, stays = document(removed), document(kept)
        line = {
            "source": gone["source"],
            "id": gone["id"],
            "like_source": stays["source"],
            "like_id": stays["id"],
            "jaccard": round(jaccard, 4),
        }
        yield json.dumps(line, ensure_ascii=False).encode("utf-8") + b"\n"
