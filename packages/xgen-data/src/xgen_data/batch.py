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
    ids = np.zeros((b, t + 1), np.int32)
    begins = np.zeros((b, t + 1), np.int32)  # 1 where a document begins, the left edge apart
    for row, (line, start, length) in enumerate(windows):
        if length:
            ids[row, : length + 1] = line.read(start, start + length + 1)
            begins[row, line.document_starts(start + 1, start + length + 1) - start] = 1
    inside = begins[:, :-1]
    column = np.arange(t, dtype=np.int32)
    batch = Batch(
        inputs=ids[:, :-1].copy(),
        targets=ids[:, 1:].copy(),
        segment_ids=np.cumsum(inside, axis=1, dtype=np.int32) + 1,
        positions=column - np.maximum.accumulate(inside * column, axis=1),
        loss_mask=1 - begins[:, 1:],
    )
    for row, (_, _, length) in enumerate(windows):
        if length < t:
            for array in batch:
                array[row, length:] = 0
    return batch
