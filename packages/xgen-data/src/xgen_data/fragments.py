"""From the windows of the order to stretches of the line: the last step that needs no ids.

A window that stands in the line is one fragment. A best-fit pack is several, worked out from the
segment's document boundaries.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from xgen_data.order import Order, Windows
from xgen_data.packing import Packs
from xgen_data.store import TokenStore

__all__ = ["Fragments", "read_windows", "step_fragments"]

Ints = npt.NDArray[np.int64]


class Fragments(NamedTuple):
    """Stretches of lines that make up rows; all arrays are int64 `[n]`, in the order of the rows.

    Attributes:
        sequence_length: T.
        row: ascending, from 0.
        source: index into `Order.sources`.
        epoch: which pass over the line.
        start, length: on the source's line, in tokens; the lengths of a row sum to T.
        ends: of a pack's fragment, whether it ends a document, 1 or 0: it holds no other edge. -1
            for a stretch of the line in which any number of documents may begin.
    """

    sequence_length: int
    row: Ints
    source: Ints
    epoch: Ints
    start: Ints
    length: Ints
    ends: Ints


def step_fragments(
    store: TokenStore,
    order: Order,
    step: int,
    *,
    rows: slice = slice(None),
    split: str = "train",
) -> Fragments:
    """What `order` reads at a step, as stretches of the lines in `store`.

    Raises:
        IndexError: no such step.
        ValueError: the store's lines have other lengths than the order's.
    """
    return read_windows(store, order, order.windows(step, rows), split)


def read_windows(
    store: TokenStore, order: Order, windows: Windows, split: str = "train"
) -> Fragments:
    """`step_fragments` of any windows of the order."""
    for index in set(windows.source.tolist()):
        name = order.sources[index]
        tokens = store.line(split, name).tokens
        if tokens != order.lines[name].tokens:
            raise ValueError(
                f"source {name!r} has {tokens} tokens in {store.location}, but the order was made "
                f"for {order.lines[name].tokens}"
            )
    if not windows.packed.any():
        return Fragments(
            windows.sequence_length,
            windows.row,
            windows.source,
            windows.epoch,
            windows.start,
            windows.length,
            np.full(len(windows.row), -1),
        )
    return _unpack(store, order, split, windows)


class _Found(NamedTuple):
    """Fragments of some pieces; int64 `[n]`, `piece` tells which."""

    piece: Ints
    start: Ints
    length: Ints
    ends: Ints


def _unpack(store: TokenStore, order: Order, split: str, windows: Windows) -> Fragments:
    plain = np.flatnonzero(windows.packed == 0)
    found = [_Found(plain, windows.start[plain], windows.length[plain], np.full(len(plain), -1))]
    whole = (windows.packed > 0) & (windows.length == windows.unit)
    segments = np.stack([windows.source, windows.low, windows.high, windows.unit], 1)
    for segment in {tuple(row) for row in segments[windows.packed > 0].tolist()}:
        source, low, high, unit = segment
        packs = store.line(split, order.sources[source]).packs(low, high, unit)
        mine = (segments == segment).all(1) & (windows.packed > 0)
        found.append(_whole_packs(packs, low, np.flatnonzero(mine & whole), windows.place))
        for piece in np.flatnonzero(mine & ~whole).tolist():
            found.append(_part_of_pack(packs, low, piece, windows))
    piece, start, length, ends = (np.concatenate(column) for column in zip(*found, strict=True))
    turn = np.argsort(piece, kind="stable")
    piece = piece[turn]
    return Fragments(
        windows.sequence_length,
        windows.row[piece],
        windows.source[piece],
        windows.epoch[piece],
        start[turn],
        length[turn],
        ends[turn],
    )


def _whole_packs(packs: Packs, low: int, pieces: Ints, place: Ints) -> _Found:
    """The fragments of pieces that are whole packs of one segment."""
    first = packs.offsets[place[pieces]]
    counts = packs.offsets[place[pieces] + 1] - first
    index = np.arange(counts.sum()) + np.repeat(first - np.cumsum(counts) + counts, counts)
    return _Found(
        np.repeat(pieces, counts),
        packs.start[index] + low,
        packs.length[index],
        packs.ends[index].astype(np.int64),
    )


def _part_of_pack(packs: Packs, low: int, piece: int, windows: Windows) -> _Found:
    """The fragments of a part of a pack, which an earlier stage left over."""
    begin, place = int(windows.begin[piece]), windows.place[piece]
    stop = begin + int(windows.length[piece])
    mine = slice(packs.offsets[place], packs.offsets[place + 1])
    start, size, ends = packs.start[mine] + low, packs.length[mine], packs.ends[mine]
    last = np.cumsum(size)
    first = last - size
    cut_first, cut_last = np.maximum(first, begin), np.minimum(last, stop)
    there = cut_last > cut_first
    return _Found(
        np.full(there.sum(), piece),
        (start + cut_first - first)[there],
        (cut_last - cut_first)[there],
        (ends & (cut_last == last))[there].astype(np.int64),
    )
