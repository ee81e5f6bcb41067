"""Whole examples put together into rows of equal length; none is cut.

Best-fit decreasing (Johnson et al. 1974): longest first, each into the fullest row that it fits in,
a new row where it fits in none. What is left of a row is filled up by the caller.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["lay_out"]


def lay_out(lengths: Sequence[int], room: int) -> list[list[int]]:
    """Which examples share a row.

    Args:
        lengths: tokens of each example, positive.
        room: tokens in a row.

    Returns:
        Indices by row, ascending; rows come in the order of their first example, so that any
        beginning of them has examples of all lengths.

    Raises:
        ValueError: an example is longer than a row.
    """
    rows: list[list[int]] = []
    # rows by the gap they have; `gaps` has bit g set where there is a row with a gap of g
    by_gap: dict[int, list[int]] = {}
    gaps = 0
    for index in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        length = lengths[index]
        if not 0 < length <= room:
            raise ValueError(f"example {index} of {length} tokens does not fit in rows of {room}")
        wide = gaps >> length
        if wide:
            gap = length + (wide & -wide).bit_length() - 1
            row = by_gap[gap].pop()
            if not by_gap[gap]:
                gaps ^= 1 << gap
        else:
            gap, row = room, len(rows)
            rows.append([])
        rows[row].append(index)
        left = gap - length
        if left:
            by_gap.setdefault(left, []).append(row)
            gaps |= 1 << left
    return sorted(sorted(row) for row in rows)
