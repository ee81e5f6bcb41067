"""From windows to arrays: ids, segments, positions and loss mask of one batch.

Letters: `b` rows, `t` time.
"""

from __future__ import annotations

import hashlib
import math
import threading
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from xgen_core import Batch
from xgen_data.fragments import Fragments, step_fragments
from xgen_data.order import Order
from xgen_data.store import TokenLine, TokenStore

__all__ = ["batch_digest", "read_batch", "validation_batches"]

Array = npt.NDArray[np.int32]
_SLAB = 2**22  # integers: 16 MiB


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
    lines = {i: store.line(split, order.sources[i]) for i in set(found.source.tolist())}
    return _assemble(found, lines, int(found.row[-1]) + 1 if len(found.row) else 0)


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
            start = np.array(chosen)
            row = np.arange(len(start))
            length = np.minimum(sequence_length, line.tokens - 1 - start)
            zero = np.zeros_like(row)
            found = Fragments(sequence_length, row, zero, zero, start, length, zero - 1)
            yield source, _assemble(found, {0: line}, batch_size)


def batch_digest(batch: Batch[Array]) -> str:
    """Sixteen hex digits that differ when the arrays or their shapes do."""
    digest = hashlib.sha256(repr(batch.inputs.shape).encode())
    for array in batch:
        digest.update(np.ascontiguousarray(array, "<i4").data)
    return digest.hexdigest()[:16]


class _Slab(threading.local):
    """Memory of one thread that its next batches are cut from."""

    left: Array = np.empty(0, np.int32)


_slab = _Slab()


def _allocate(shape: tuple[int, ...]) -> Array:
    """Fresh memory, cut from a larger piece that lives as long as any batch in it.

    Pages that the system hands out anew cost more than filling them, and a batch that is kept while
    the next is made always gets new ones; a piece of many MB gets huge pages, of which there are
    few.
    """
    size = math.prod(shape)
    if len(_slab.left) < size:
        _slab.left = np.empty(max(size, _SLAB), np.int32)
    taken, _slab.left = _slab.left[:size], _slab.left[size:]
    return taken.reshape(shape)


def _assemble(found: Fragments, lines: Mapping[int, TokenLine], b: int) -> Batch[Array]:
    """Arrays `[b, t]` from fragments; a row that they do not fill is padded at its end."""
    t = found.sequence_length
    arrays = _allocate((5, b, t))
    inputs, targets, segment_ids, positions, loss_mask = arrays
    loss_mask.fill(1)
    filled = np.bincount(found.row, found.length, b).astype(np.int64)
    before = np.cumsum(found.length) - found.length  # tokens of all rows before each fragment
    row_begin = np.cumsum(filled) - filled
    flat = found.row * t + before - row_begin[found.row]  # where each fragment goes

    columns = (found.source, flat, found.start, found.length)
    flat_inputs, flat_targets = inputs.reshape(-1), targets.reshape(-1)
    for source, at, start, length in zip(*(c.tolist() for c in columns), strict=True):
        line = lines[source]
        ids = line.read(start, start + length + 1)
        flat_inputs[at : at + length] = ids[:-1]
        flat_targets[at : at + length] = ids[1:]
        if line.masked:
            mask = line.read_mask(start + 1, start + length + 1)
            loss_mask.reshape(-1)[at : at + length] = mask

    # Where documents begin, as flat positions; a pack's fragment has none but right behind it.
    begins = [(flat + found.length)[found.ends == 1]]
    for source, line in lines.items():
        mine = np.flatnonzero((found.source == source) & (found.ends < 0))
        if len(mine):
            which, place = line.inner_starts(found.start[mine], found.length[mine])
            begins.append(place + (flat - found.start)[mine][which])
    begin = np.concatenate(begins)
    loss_mask.reshape(-1)[begin - 1] = 0

    # Runs of one segment: each fragment begins one, and so does each document inside a fragment. A
    # document that begins right behind a fragment falls on the next one's beginning, or a row's.
    row_starts = np.arange(b) * t
    run = np.unique(np.concatenate([row_starts, flat, begin[begin < b * t]]))
    length_of_run = np.diff(run, append=b * t)
    number = np.arange(1, len(run) + 1) - np.searchsorted(run, row_starts)[run // t]
    segment_ids.reshape(-1)[:] = np.repeat(number.astype(np.int32), length_of_run)
    run_start = np.repeat(run.astype(np.int32), length_of_run)
    np.subtract(np.arange(b * t, dtype=np.int32), run_start, out=positions.reshape(-1))
    for row in np.flatnonzero(filled < t).tolist():
        arrays[:, row, filled[row] :] = 0
    return Batch(*arrays)
