"""Rows of equal hashes, found by sorting, a part of all hashes at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xgen_data.overlap.mixing import U64

__all__ = ["group", "in_part", "parts_needed"]


def parts_needed(rows: int, row_bytes: int, memory: int) -> int:
    """How many parts keep `rows` of `row_bytes` each within `memory` bytes; at least one."""
    return max(1, -(-rows * row_bytes // memory))


def in_part(hashes: U64, part: int, parts: int) -> NDArray[np.bool_]:
    """Whether each hash is in `part`, from 0: by its 32 leading bits, equal hashes in the same."""
    return ((hashes >> np.uint64(32)) * np.uint64(parts)) >> np.uint64(32) == part


def group(hashes: U64, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The rows whose hash another row has too.

    Returns:
        these rows, group by group, in a group in the order given; and the number of each one's
        group, from 0.
    """
    order = np.argsort(hashes, kind="stable")
    hashes = hashes[order]
    same = hashes[1:] == hashes[:-1]
    member = np.zeros(len(hashes), np.bool_)
    member[1:] |= same
    member[:-1] |= same
    first = np.ones(len(hashes), np.bool_)
    first[1:] = ~same
    return rows[order[member]], np.cumsum(first[member]) - 1
