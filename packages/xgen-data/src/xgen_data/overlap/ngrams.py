"""An index of word n-grams of short texts, looked up in a batch of documents at once."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from xgen_data.overlap.mixing import U64
from xgen_data.overlap.shingles import hash_ngrams
from xgen_data.overlap.words import hash_words

__all__ = ["Matches", "NgramIndex"]

_I64 = NDArray[np.int64]
_SPARSE = 32  # slots of the filter for one n-gram: few words of other text pass it


class Matches(NamedTuple):
    """Places in documents where an n-gram of the index stands.

    Attributes:
        documents: int64 `[matches]`, number in the batch.
        positions: int64 `[matches]`, in words.
        lengths: int64 `[matches]`, in words.
        ngrams: int64 `[matches]`, number in the index.
    """

    documents: _I64
    positions: _I64
    lengths: _I64
    ngrams: _I64


class NgramIndex:
    """N-grams and the items that they are from.

    Case and punctuation do not count; numbers do, as questions may differ in them alone.

    Args:
        items: the texts of each item: its question, its choices, its solution.
        groups: number of each item's benchmark; equal ones side by side.
        n: words in an n-gram.
        minimum: a text of fewer than n but at least this many words is one n-gram, whole. If all
            texts of an item are shorter, they are tried joined together in their order.
        common: n-grams in more items of a group than this do not count for them, as they identify
            none: templates, instructions.

    Attributes:
        sizes: int64 `[items]`, distinct n-grams of each; 0 where an item cannot be looked for.
    """

    def __init__(
        self,
        items: Sequence[Sequence[str]],
        groups: Sequence[int],
        *,
        n: int,
        minimum: int,
        common: int,
    ) -> None:
        if not 1 <= minimum <= n:
            raise ValueError(f"expected 1 ≤ minimum ≤ n, got minimum {minimum} and n {n}")
        hashes, owners, lengths = _item_ngrams(items, n, minimum)
        order = np.lexsort((owners, hashes))
        hashes, owners, lengths = hashes[order], owners[order], lengths[order]
        first = np.ones(len(hashes), np.bool_)  # of equal (hash, item)
        first[1:] = (hashes[1:] != hashes[:-1]) | (owners[1:] != owners[:-1])
        hashes, owners, lengths = hashes[first], owners[first], lengths[first]
        group = np.asarray(groups, np.int64)[owners]
        run = np.ones(len(hashes), np.bool_)  # begins a run of equal (hash, group)
        run[1:] = (hashes[1:] != hashes[:-1]) | (group[1:] != group[:-1])
        numbers = np.cumsum(run) - 1
        telling = np.bincount(numbers)[numbers] <= common
        hashes, owners, lengths = hashes[telling], owners[telling], lengths[telling]
        self._hashes, begins = np.unique(hashes, return_index=True)
        self._begins = np.append(begins, len(hashes))
        self._owners = owners
        self._lengths = [int(length) for length in np.unique(lengths)]
        self.sizes = np.bincount(owners, minlength=len(items)).astype(np.int64)
        bits = max(12, int(len(self._hashes) * _SPARSE).bit_length())
        self._shift = np.uint64(64 - bits)
        self._filter = np.zeros(2**bits, np.bool_)
        self._filter[self._hashes >> self._shift] = True

    def items(self, ngram: int) -> _I64:
        """The items that an n-gram is from."""
        return self._owners[self._begins[ngram] : self._begins[ngram + 1]]

    def find(self, texts: Sequence[str]) -> Matches:
        """All places where n-grams of the index stand, by length, then in the order of the text."""
        hashes, offsets = hash_words(texts, numbers=False)
        found: list[tuple[_I64, _I64, _I64, _I64]] = []
        for length in self._lengths:
            grams = hash_ngrams(hashes, length)
            positions = np.flatnonzero(self._filter[grams >> self._shift])
            numbers = np.searchsorted(self._hashes, grams[positions])
            numbers[numbers == len(self._hashes)] = 0
            equal = self._hashes[numbers] == grams[positions]
            positions, numbers = positions[equal], numbers[equal]
            documents = np.searchsorted(offsets, positions, side="right") - 1
            inside = positions + length <= offsets[documents + 1]
            positions, numbers, documents = positions[inside], numbers[inside], documents[inside]
            positions = positions - offsets[documents]
            found.append((documents, positions, np.full(len(positions), length), numbers))
        if not found:
            nothing = np.zeros(0, np.int64)
            return Matches(nothing, nothing, nothing, nothing)
        return Matches(*map(np.concatenate, zip(*found, strict=True)))


def _item_ngrams(items: Sequence[Sequence[str]], n: int, minimum: int) -> tuple[U64, _I64, _I64]:
    """Hash, item and length of the n-grams of all items, repetitions included."""
    hashes: list[U64] = []
    owners: list[int] = []
    lengths: list[int] = []
    words, offsets = hash_words([text for texts in items for text in texts], numbers=False)
    edges = offsets.tolist()
    text = 0
    for item, texts in enumerate(items):
        ends = edges[text : text + len(texts) + 1]
        text += len(texts)
        spans = [(a, b) for a, b in itertools.pairwise(ends) if b - a >= minimum]
        for begin, end in spans or [(ends[0], ends[-1])]:
            length = min(n, end - begin)
            if length >= minimum:
                hashes.append(hash_ngrams(words[begin:end], length))
                owners.append(item)
                lengths.append(length)
    counts = [len(grams) for grams in hashes]
    return (
        np.concatenate([*hashes, np.zeros(0, np.uint64)]),
        np.repeat(np.asarray(owners, np.int64), counts),
        np.repeat(np.asarray(lengths, np.int64), counts),
    )
