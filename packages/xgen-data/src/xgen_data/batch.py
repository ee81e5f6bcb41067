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
from xgen_data.fragments import step_fragments
from xgen_data.order import Order
from xgen_data.store import TokenLine, TokenStore

__all__ = ["batch_digest", "read_batch", "validation_batches"]

Array = npt.NDArray[np.int32]


class _Piece(NamedTuple):
    """`length` inputs of a line from `start` on, and the id after them, put at `at` in a row."""

    line: TokenLine
    row: int
    at: int
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
        int32 `[b, t]` arrays as `xgen_core.Batch` describes them. What is left of a document that
        an edge cuts is a segment of its own, with positions from 0; there is no padding.

    Raises:
        IndexError: no such step.
        ValueError: the store's lines have other lengths than the order's.
    """
    found = step_fragments(store, order, step, rows=rows, split=split)
    t = found.sequence_length
    lines = {i: store.line(split, order.sources[i]) for i in set(found.source.tolist())}
    end = np.cumsum(found.length)
    at = (end - found.length) % t  # rows are full, so the fragments lie end to end
    columns = (found.source, found.row, at, found.start, found.length)
    pieces = zip(*(column.tolist() for column in columns), strict=True)
    return _assemble([_Piece(lines[i], *where) for i, *where in pieces], int(end[-1]) // t, t)


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
            pieces = [
                _Piece(line, row, 0, start, min(sequence_length, line.tokens - 1 - start))
                for row, start in enumerate(chosen)
            ]
            yield source, _assemble(pieces, batch_size, sequence_length)


def batch_digest(batch: Batch[Array]) -> str:
    """Sixteen hex digits that differ when the arrays or their shapes do."""
    digest = hashlib.sha256(repr(batch.inputs.shape).encode())
    for array in batch:
        digest.update(np.ascontiguousarray(array, "<i4").data)
    return digest.hexdigest()[:16]


def _assemble(pieces: Sequence[_Piece], b: int, t: int) -> Batch[Array]:
    """Arrays from pieces, which are in the order of their places; a row's end may be missing."""
    # One allocation for all five: the allocator keeps it for the next batch, where five smaller
    # ones go back to the system, and fresh pages cost more than filling them (measured: 2.5 times).
    arrays = np.empty((5, b, t), np.int32)
    inputs, targets, segment_ids, positions, loss_mask = arrays
    loss_mask.fill(1)
    begins: list[npt.NDArray[np.int64]] = []  # where documents begin, as b·t flat positions
    for line, row, at, start, length in pieces:
        ids = line.read(start, start + length + 1)
        inputs[row, at : at + length], targets[row, at : at + length] = ids[:-1], ids[1:]
        if line.masked:
            loss_mask[row, at : at + length] = line.read_mask(start + 1, start + length + 1)
        shift = row * t + at - start
        begins.append(line.document_starts(start + 1, start + length + 1) + shift)
    begin = np.concatenate(begins) if begins else np.empty(0, np.int64)
    loss_mask.reshape(-1)[begin - 1] = 0

    # Runs of one segment: each piece begins one, and so does each document inside a piece. A
    # document that begins right behind a piece falls on the next piece's beginning, or on a row's.
    row_starts = np.arange(b) * t
    piece_starts = np.array([piece.row * t + piece.at for piece in pieces], np.int64)
    run = _union(np.union1d(row_starts, piece_starts), begin[begin < b * t])
    length_of_run = np.diff(run, append=b * t)
    number = np.arange(1, len(run) + 1) - np.searchsorted(run, row_starts)[run // t]
    segment_ids.reshape(-1)[:] = np.repeat(number.astype(np.int32), length_of_run)
    run_start = np.repeat(run.astype(np.int32), length_of_run)
    np.subtract(np.arange(b * t, dtype=np.int32), run_start, out=positions.reshape(-1))

    filled = np.zeros(b, np.int64)
    for piece in pieces:
        filled[piece.row] = piece.at + piece.length
    for row in np.flatnonzero(filled < t).tolist():
        arrays[:, row, filled[row] :] = 0
    return Batch(*arrays)


def _union(one: npt.NDArray[np.int64], other: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    both = np.concatenate([one, other])
    both.sort()
    return both[np.concatenate([[True], both[1:] > both[:-1]])]
