"""A keyed pseudo-random permutation of `0 … size - 1`, any element of it in constant time.

Shuffling a block by writing the shuffled order down costs memory that grows with the data, and a
restarted run has to build it again. Here the i-th place is *computed*: a Feistel network over a
rectangle of `wide × high ≥ size` places. Each round adds to one coordinate a hash of the other,
which can be undone by subtracting it, so every round, and with it the whole, is a bijection of the
rectangle. Places outside `0 … size - 1` are sent round again until they fall inside ("cycle
walking"; Black and Rogaway, *Ciphers with arbitrary finite domains*, 2002): following a cycle of a
bijection from inside returns inside, so what remains is a bijection of `0 … size - 1`. As the
rectangle is less than one column larger than `size`, few places go round twice.

The sequence is part of the token store's promise: changing a constant here reorders every run.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["UInts", "mix", "permute"]

UInts = npt.NDArray[np.uint64]
_ROUND_KEYS = np.arange(1, 9, dtype=np.uint64) * np.uint64(0xD1342543DE82EF95)
"""Added to the key, one a round: multiples of an odd number, so they all differ."""


def mix(value: UInts) -> UInts:
    """The finaliser of SplitMix64 (Steele, Lea and Flood 2014): a bijection of 64-bit words.

    Args:
        value: uint64 array; arithmetic wraps.
    """
    value = value + np.uint64(0x9E3779B97F4A7C15)
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


def permute(index: UInts, size: UInts, key: UInts) -> UInts:
    """Where the permutation that `key` names, of `0 … size - 1`, puts `index`.

    Args:
        index: `[n]`, each below its size.
        size: `[n]`, each from 1 to 2^52 (square roots are exact enough there on any machine).
        key: `[n]`; equal keys and sizes name the same permutation.

    Returns:
        `[n]`, each below its size; distinct for distinct indices under one key and size.
    """
    wide = np.sqrt(size).astype(np.uint64)
    high = (size + wide - np.uint64(1)) // wide
    place = index.copy()
    pending = np.arange(len(place))
    while pending.size:
        moved = _feistel(place[pending], wide[pending], high[pending], key[pending])
        place[pending] = moved
        pending = pending[moved >= size[pending]]
    return place


def _feistel(place: UInts, wide: UInts, high: UInts, key: UInts) -> UInts:
    left = place // high
    right = place - left * high
    for even, odd in _ROUND_KEYS.reshape(-1, 2):
        left = (left + mix(right ^ (key + even)) % wide) % wide
        right = (right + mix(left ^ (key + odd)) % high) % high
    return left * high + right
