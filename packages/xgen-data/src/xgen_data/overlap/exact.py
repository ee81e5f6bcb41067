"""Equal documents: of those with the same digest the first in precedence stays."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from xgen_data.overlap.grouping import group, in_part, parts_needed

__all__ = ["find_repeats"]

_ROW = 64  # bytes a row costs while its part is sorted
_CHUNK = 2**20


def find_repeats(
    digests: NDArray[np.uint8],
    *,
    precedence: NDArray[np.int64] | None = None,
    memory: int = 2**30,
) -> NDArray[np.bool_]:
    """Mark documents whose digest one before them in precedence has too.

    Args:
        digests: uint8 `[documents, size]` with size a multiple of 8, such as 32 for sha256; may be
            a `numpy.memmap`. All bytes are compared.
        precedence: `[documents]`, lower stays, of equal ones the lower row; the row by default.
        memory: bytes for sorting; more rows than that are taken in parts, by leading bits, which
            reads the digests once a part.

    Returns:
        bool `[documents]`, true for what goes.
    """
    count, size = digests.shape
    if size % 8 or not size:
        raise ValueError(f"expected digests of a multiple of 8 bytes, got {size}")
    removed = np.zeros(count, np.bool_)
    for prefixes, rows in _parts(digests, memory):
        members, _ = group(prefixes, rows)
        if not len(members):
            continue
        # equal in 8 bytes: hardly ever different in the others, but that is not taken for granted
        keys = np.ascontiguousarray(digests[members]).view(">u8")
        ranks = members if precedence is None else precedence[members]
        order = np.lexsort((members, ranks, *keys.T[::-1]))
        keys = keys[order]
        removed[members[order[1:]]] = (keys[1:] == keys[:-1]).all(axis=1)
    return removed


def _parts(
    digests: NDArray[np.uint8], memory: int
) -> Iterator[tuple[NDArray[np.uint64], NDArray[np.int64]]]:
    """First 8 bytes of digests with their rows; equal digests are in the same part."""
    count = len(digests)
    parts = parts_needed(count, _ROW, memory)
    for part in range(parts):
        prefixes: list[NDArray[np.uint64]] = []
        rows: list[NDArray[np.int64]] = []
        for begin in range(0, count, _CHUNK):
            chunk = np.ascontiguousarray(digests[begin : begin + _CHUNK, :8])
            values = chunk.view(">u8").reshape(-1).astype(np.uint64)
            at = np.flatnonzero(in_part(values, part, parts))
            prefixes.append(values[at])
            rows.append(at + begin)
        if rows:
            yield np.concatenate(prefixes), np.concatenate(rows)
