"""Documents as sets of hashed word n-grams ("shingles"): what near-duplicates have in common."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from xgen_data.overlap.mixing import U64, mix
from xgen_data.overlap.words import Words, hash_words

__all__ = ["NGRAM", "Shingles", "hash_ngrams", "jaccard", "shingle", "shingle_sets"]

NGRAM = 5
"""Words in a shingle, as in datatrove's MinHash (and so FineWeb)."""
_BASE = np.uint64(0x9FB21C651E98DF25)


class Shingles(NamedTuple):
    """Hashed n-grams of several documents, in the order of the text, repetitions included.

    Attributes:
        hashes: uint64 `[shingles]`.
        offsets: int64 `[documents + 1]`.
    """

    hashes: U64
    offsets: NDArray[np.int64]


def hash_ngrams(words: U64, n: int) -> U64:
    """The hash of the n words that begin at each position; uint64 `[max(words - n + 1, 0)]`.

    Windows run over the whole array: whoever has several documents in it must leave out those that
    cross an edge. N-grams of different n do not share hashes.
    """
    count = max(len(words) - n + 1, 0)
    result = np.full(count, n, np.uint64)
    for i in range(n):
        result *= _BASE
        result += words[i : count + i]
    return mix(result)


def shingle(texts: Sequence[str], *, ngram: int = NGRAM, numbers: bool = True) -> Shingles:
    """Hash the word n-grams of documents.

    A document of fewer than `ngram` words, but at least one, has one shingle: all its words. One
    without words has none.

    Args:
        texts: documents.
        ngram: words in a shingle.
        numbers: whether every number becomes `0` (see `hash_words`).
    """
    if ngram < 1:
        raise ValueError(f"ngram must be positive, got {ngram}")
    return _from_words(hash_words(texts, numbers=numbers), ngram)


def _from_words(words: Words, ngram: int) -> Shingles:
    hashes, offsets = words
    lengths = np.diff(offsets)
    grams = np.zeros(len(hashes), np.uint64)
    grams[: max(len(hashes) - ngram + 1, 0)] = hash_ngrams(hashes, ngram)
    starts_one = np.ones(len(hashes), np.bool_)
    for back in range(1, ngram):  # the last words of a document begin no n-gram
        at = offsets[1:][lengths >= back] - back
        starts_one[at] = False
    for length in range(1, ngram):
        at = offsets[:-1][lengths == length]
        if len(at):
            block = hashes[at[:, None] + np.arange(length)]
            grams[at] = [hash_ngrams(row, length)[0] for row in block]
            starts_one[at] = True
    counts = np.where(lengths >= ngram, lengths - ngram + 1, np.minimum(lengths, 1))
    result = np.zeros(len(offsets), np.int64)
    np.cumsum(counts, out=result[1:])
    return Shingles(grams[starts_one], result)


def shingle_sets(texts: Sequence[str], *, ngram: int = NGRAM, numbers: bool = True) -> list[U64]:
    """The set of each document's shingles: sorted, each once."""
    hashes, offsets = shingle(texts, ngram=ngram, numbers=numbers)
    return [np.unique(hashes[a:b]) for a, b in itertools.pairwise(offsets)]


def jaccard(left: U64, right: U64) -> float:
    """Size of the intersection over that of the union of two sets as `shingle_sets` gives them.

    Two empty sets have nothing in common: 0.
    """
    small, large = (left, right) if len(left) < len(right) else (right, left)
    if not len(small):
        return 0.0
    at = np.searchsorted(large, small)
    at[at == len(large)] = 0  # beyond the end: compare with anything that is smaller
    common = int(np.count_nonzero(large[at] == small))
    return common / (len(left) + len(right) - common)
