"""Which examples a step reads: each once an epoch, in an order of its own, by step and seed alone.

Epochs follow each other without a gap, so a batch may hold the end of one and the beginning of the
next, and only the last batch of a run may be short.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from xgen_data.permutation import mix, permute

__all__ = ["Epochs"]


class Epochs:
    """The order of `size` examples in batches of `rows`.

    Args:
        size: how many examples there are, at least 1.
        rows: of a batch.
        seed: of the order.
    """

    def __init__(self, size: int, rows: int, seed: int) -> None:
        if size < 1 or rows < 1:
            raise ValueError(f"{size} examples in batches of {rows}: both are at least 1")
        self.size, self.rows, self.seed = size, rows, seed

    def steps(self, epochs: int) -> int:
        """Batches that hold so many epochs."""
        return math.ceil(self.size * epochs / self.rows)

    def batch(self, step: int, epochs: int | None = None) -> npt.NDArray[np.int64]:
        """Numbers of the examples of a step, 0 for the first.

        Args:
            step: which.
            epochs: after how many the examples end; None is never.
        """
        first = step * self.rows
        last = first + self.rows
        if epochs is not None:
            last = min(last, self.size * epochs)
        place = np.arange(first, max(first, last), dtype=np.uint64)
        size = np.full(len(place), self.size, np.uint64)
        key = mix(mix(np.full(len(place), self.seed % 2**64, np.uint64)) ^ (place // size))
        return permute(place % size, size, key).astype(np.int64)
