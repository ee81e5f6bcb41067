"""From windows to arrays: ids, segments, positions and loss mask of one batch.

Letters: `b` rows, `t` time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from xgen_core import Batch
from xgen_data.order import Order
from xgen_data.store import TokenLine, TokenStore

__all__ = ["batch_digest", "read_batch", "validation_batches"]

Array = npt.NDArray[np.int32]


class _Window(NamedTuple):
    """`length` inputs of a line from `start` on, and the id after them."""

    line: TokenLine
    start: int
    length: int


def read_batch(
    store: TokenStore,
    order: Order,
    step: int,
    *,
    rows: slice = slice(None),
    split: str = "train",
) -> Batch[Array]:
    """Read what `order` says of a step.

    Args:
        store: must hold the lines that `order` was made for.
        order: the schedule.
        step: from 0.
        rows: a contiguous part of the rows, such as one host's.
        split: which lines to read.

    Returns:
        int32 `[b, t]` arrays as `xgen_core.Batch` describes them. A document that the window's left
        edge cuts counts as segment 1 with positions from 0; there is no padding.

    Raises:
        IndexError: no such step.
        ValueError: the store's lines have other lengths than the order's.
    """
    windows = order.windows(step, rows)
    lines: dict[int, TokenLine] = {}
    for index in set(windows.source.tolist()):
        name = order.sources[index]
        lines[index] = line = store.line(split, name)
        if line.tokens != order.lines[name].tokens:
            raise ValueError(
                f"source {name!r} has {line.tokens} tokens in {store.path}, but the order was made "
                f"for {order.lines[name].tokens}"
            )
    length = windows.sequence_length
    where = zip(windows.source.tolist(), windows.start.tolist(), strict=True)
    return _assemble([_Window(lines[i], start, length) for i, start in where], length)


def validation_batches(
    store: TokenStore,
    sequence_length: int,
    batch_size: int,
    *,
    sources: Sequence[str] | None = None,
    limit: int | None = None,
    split: str = "validation",
) -> Iterator[tuple[str, Batch[Array]]]:
    """Yield source name and batch for the windows of a split, in order, source by source.

    Every token with a successor in its document is a target exactly once. All batches have shape
    `[batch_size, sequence_length]`; what is short at a line's end is padded (segment 0, mask 0).

    Args:
        store: where to read.
        sequence_length: T.
        batch_size: rows.
        sources: which, in this order; all that the split has by default.
        limit: at most so many batches of each source.
        split: which split.

    Raises:
        InputError: no such source in the split.
    """
    for source in store.sources(split) if sources is None else sources:
        line = store.line(split, source)
        starts = range(0, line.tokens - 1, sequence_length)
        batches = range(0, len(starts), batch_size)
        for first in batches if limit is None else batches[:limit]:
            chosen = starts[first : first + batch_size]
            windows = [_Window(line, s, min(sequence_length, line.tokens - 1 - s)) for s in chosen]
            padding = [_Window(line, 0, 0)] * (batch_size - len(windows))
            yield source, _assemble(windows + padding, sequence_length)


def batch_digest(batch: Batch[Array]) -> str:
    """Sixteen hex digits that differ when the arrays or their shapes do."""
    digest = hashlib.sha256(repr(batch.inputs.shape).encode())
    for array in batch:
        digest.update(np.ascontiguousarray(array, "<i4").data)
    return digest.hexdigest()[:16]


def _assemble(windows: Sequence[_Window], t: int) -> Batch[Array]:
    b = len(windows)
    # One allocation for all five: the allocator keeps it for the next batch, where five smaller
    # ones go back to the system, and fresh pages cost more than filling them (measured: 2.5 times).
    arrays = np.empty((5, b, t), np.int32)
    inputs, targets, segment_ids, positions, loss_mask = arrays
    begins: list[npt.NDArray[np.int64]] = []  # where documents begin, as b·t flat positions
    for row, (line, start, length) in enumerate(windows):
        if length:
            ids = line.read(start, start + length + 1)
            inputs[row, :length], targets[row, :length] = ids[:-1], ids[1:]
            begins.append(line.document_starts(start + 1, start + length + 1) + (row * t - start))
    begin = np.concatenate(begins) if begins else np.empty(0, np.int64)
    loss_mask.fill(1)
    loss_mask.reshape(-1)[begin - 1] = 0

    # Runs of one segment: each row begins one, and so does each document inside a row. A document
    # that begins right behind a window (position t) falls on the next row's beginning or the end.
    row_starts = np.arange(b) * t
    run = np.concatenate([row_starts, begin[begin % t > 0]])
    run.sort()
    length_of_run = np.diff(run, append=b * t)
    number = np.arange(1, len(run) + 1) - np.searchsorted(run, row_starts)[run // t]
    segment_ids.reshape(-1)[:] = np.repeat(number.astype(np.int32), length_of_run)
    run_start = np.repeat(run.astype(np.int32), length_of_run)
    np.subtract(np.arange(b * t, dtype=np.int32), run_start, out=positions.reshape(-1))

    for row, (_, _, length) in enumerate(windows):
        if length < t:
            arrays[:, row, length:] = 0
    return Batch(*arrays)
