"""Sharing out: whole budgets by weight, and slots among the sources that own the budgets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt

__all__ = ["deal", "dealt", "largest_remainder"]

Ints = npt.NDArray[np.int64]


def largest_remainder(total: int, weights: Sequence[float]) -> list[int]:
    """Share `total` units by weight in whole numbers that sum to it (Hamilton's method).

    Weights are taken as the exact rationals that the floats are; ties go to the earlier one.
    """
    exact = [Fraction(weight) for weight in weights]
    quotas = [total * weight / sum(exact) for weight in exact]
    shares = [math.floor(quota) for quota in quotas]
    by_remainder = sorted(range(len(shares)), key=lambda i: shares[i] - quotas[i])
    for i in by_remainder[: total - sum(shares)]:
        shares[i] += 1
    return shares


def deal(budgets: Sequence[int], first: int, count: int) -> tuple[Ints, Ints]:
    """Source and turn of the slots `first … first + count - 1`.

    A chain of Bresenham splits: the first source, owed `w` of the `W` units, takes slot `p` if and
    only if `⌊(p+1)·w/W⌋ > ⌊p·w/W⌋`, and it is its turn number `⌊p·w/W⌋`; the slots that it leaves
    are numbered anew and dealt to the others likewise.

    Slots are kept as `first + offset` with `first` an unbounded Python integer, so the products
    that numpy sees are at most `(count + 1) · sum(budgets)`, however late in the stage.

    Args:
        budgets: what each source is owed; any unit, only their proportions matter.
        first: the first slot.
        count: how many.

    Returns:
        `[count]` index of the source, and `[count]` how many slots it had before.
    """
    source, turn = np.empty(count, np.int64), np.empty(count, np.int64)
    row = offset = np.arange(count)  # rows not dealt yet, and their slots' offsets from `first`
    total = sum(budgets)
    for index, budget in enumerate(budgets):
        if not budget:
            continue
        base, rest = divmod(first * budget, total)
        before = (rest + offset * budget) // total  # ⌊p·w/W⌋ - base
        mine = (rest + (offset + 1) * budget) // total > before
        source[row[mine]] = index
        turn[row[mine]] = base + before[mine]
        row, offset = row[~mine], (offset - before)[~mine]
        first, total = first - base, total - budget
    return source, turn


def dealt(budgets: Sequence[int], slots: int) -> list[int]:
    """How many of the first `slots` slots `deal` gives to each source."""
    counts: list[int] = []
    total = sum(budgets)
    for budget in budgets:
        taken = slots * budget // total if budget else 0
        counts.append(taken)
        slots, total = slots - taken, total - budget
    return counts
