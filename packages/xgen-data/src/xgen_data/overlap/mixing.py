"""Mixing 64-bit integers: what turns polynomial hashes into evenly spread ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["U64", "mix", "odd_constants"]

U64 = NDArray[np.uint64]
_CHUNK = 2**13  # values mixed together: they stay in the L1 cache over all eight passes
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


def mix(values: U64) -> U64:
    """The finaliser of SplitMix64 (Steele, Lea, Flood 2014): a bijection that spreads all bits.

    Args:
        values: one axis; they stay as they are.
    """
    result = values.copy()
    scratch = np.empty(min(len(result), _CHUNK), np.uint64)
    for begin in range(0, len(result), _CHUNK):
        part = result[begin : begin + _CHUNK]
        shifted = scratch[: len(part)]
        np.right_shift(part, 30, out=shifted)
        part ^= shifted
        part *= _FIRST
        np.right_shift(part, 27, out=shifted)
        part ^= shifted
        part *= _SECOND
        np.right_shift(part, 31, out=shifted)
        part ^= shifted
    return result


def odd_constants(count: int, seed: int) -> U64:
    """Pseudo-random odd numbers that depend on `seed` alone, the same with every numpy.

    Numpy promises the stream of a generator only within a release, and hashes outlive it on disk;
    so these come from a counter through `mix`.
    """
    counter = np.arange(1, count + 1, dtype=np.uint64)
    counter *= np.uint64(0x9E3779B97F4A7C15)
    counter += mix(np.asarray([seed], np.uint64))[0]
    return mix(counter) | np.uint64(1)
