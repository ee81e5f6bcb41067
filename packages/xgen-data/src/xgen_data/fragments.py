"""From the windows of the order to stretches of the line: the last step that needs no ids.

A window that stands in the line is one fragment. A best-fit pack is several, worked out from the
segment's document boundaries.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from xgen_data.order import Order, Windows
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


def _unpack(store: TokenStore, order: Order, split: str, windows: Windows) -> Fragments:
    starts: list[Ints] = []
    lengths: list[Ints] = []
    ends: list[Ints] = []
    columns = (windows.source, windows.low, windows.high, windows.unit, windows.place)
    pieces = zip(*(c.tolist() for c in (*columns, windows.begin, windows.length)), strict=True)
    for index, (source, low, high, unit, place, begin, length) in enumerate(pieces):
        if not windows.packed[index]:
            starts.append(windows.start[index : index + 1])
            lengths.append(windows.length[index : index + 1])
            ends.append(np.full(1, -1))
            continue
        line = store.line(split, order.sources[source])
        packs = line.packs(low, high, unit)
        mine = slice(packs.offsets[place], packs.offsets[place + 1])
        start, size, last = packs.start[mine] + low, packs.length[mine], packs.ends[mine]
        if length < unit:  # part of a pack that an earlier stage left over
            end = np.cumsum(size)
            low_end, high_end = np.maximum(end - size, begin), np.minimum(end, begin + length)
            last = last & (high_end == end)
            start, size = start + low_end - (end - size), high_end - low_end
            start, size, last = start[size > 0], size[size > 0], last[size > 0]
        starts.append(start)
        lengths.append(size)
        ends.append(last.astype(np.int64))
    counts = np.array([len(start) for start in starts])
    return Fragments(
        windows.sequence_length,
        np.repeat(windows.row, counts),
        np.repeat(windows.source, counts),
        np.repeat(windows.epoch, counts),
        np.concatenate(starts),
        np.concatenate(lengths),
        np.concatenate(ends),
    )
