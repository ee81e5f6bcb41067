"""Whether an instruction is new: unlike every earlier one, by ROUGE-L and by MinHash.

ROUGE-L's F-measure is at most 2c / (a + b), where two texts have a and b words and c in common,
each counted as often as both have it. So only texts that share enough words need be compared, and
what is found is what a comparison with all of them finds. Texts that say the same words in another
order are near-duplicates by the Jaccard similarity of their sets of words, whose candidates come
from MinHash band hashes.
"""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xgen_core.records import Record
from xgen_data.overlap import NO_SHINGLES, MinHash, split_words
from xgen_eval.metrics.rouge import rouge

__all__ = ["JACCARD", "ROUGE_L", "Likeness", "Novelty"]

ROUGE_L = 0.7
"""F-measure above which an instruction is not new; Self-Instruct's and CodeAlpaca's."""

JACCARD = 0.8
"""Similarity of word sets from which on an instruction is not new."""

_OTHER = re.compile(r"[^a-z0-9]+")
_HASH = MinHash(ngram=1, bands=32, rows=4, numbers=False)
"""Misses a pair of similarity 0.8 with a probability of 5e-8."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness(Record):
    """What an instruction resembles.

    Attributes:
        like: id of the earlier one.
        measure: `"rouge-l"` or `"minhash"`.
        similarity: by it.
    """

    like: str
    measure: str
    similarity: float


class Novelty:
    """Instructions so far, to which others are compared.

    Args:
        rouge_l: an instruction with a higher F-measure to an earlier one is not new.
        jaccard: nor is one whose set of words is at least so similar to an earlier one's.
    """

    def __init__(self, rouge_l: float = ROUGE_L, jaccard: float = JACCARD) -> None:
        if not 0 < rouge_l <= 1 or not 0 < jaccard <= 1:
            raise ValueError(f"thresholds lie in (0, 1], got {rouge_l} and {jaccard}")
        self._rouge_l = rouge_l
        self._jaccard = jaccard
        self._ids: list[str] = []
        self._texts: list[str] = []
        self._lengths = array("q")
        self._places: dict[tuple[str, int], array[int]] = {}  # by word and its how-manieth
        self._sets: list[frozenset[str]] = []
        self._bands: dict[tuple[int, int], list[int]] = {}

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, id: str, instruction: str) -> None:
        """Remember an instruction."""
        number = len(self._ids)
        self._ids.append(id)
        self._texts.append(instruction)
        words = _words(instruction)
        self._lengths.append(len(words))
        for key in _counted(words):
            self._places.setdefault(key, array("q")).append(number)
        self._sets.append(_word_set(instruction))
        for key in _band_keys(instruction):
            self._bands.setdefault(key, []).append(number)

    def find(self, instruction: str, *, apart: Collection[str] = ()) -> Likeness | None:
        """The earlier instruction that it is most like, where it is too like one; else None.

        Args:
            instruction: to be compared.
            apart: ids that are passed over, of its ancestors say.
        """
        passed = set(apart)
        return self._by_order(instruction, passed) or self._by_words(instruction, passed)

    def _by_order(self, instruction: str, passed: Collection[str]) -> Likeness | None:
        """The highest ROUGE-L above the threshold; of equal ones the earliest."""
        best: tuple[float, int] | None = None
        numbers, bounds = self._bounds(_words(instruction))
        for number, bound in zip(numbers, bounds, strict=True):
            if best is not None and bound < best[0]:
                break
            if self._ids[number] in passed:
                continue
            score = rouge(instruction, self._texts[number])["rougeL"]
            if score > self._rouge_l and (best is None or (-score, number) < (-best[0], best[1])):
                best = score, number
        if best is None:
            return None
        return Likeness(like=self._ids[best[1]], measure="rouge-l", similarity=round(best[0], 6))

    def _bounds(self, words: Sequence[str]) -> tuple[list[int], list[float]]:
        """Numbers of those that may be above the threshold, and how high at most, highest first."""
        found = [self._places[key] for key in _counted(words) if key in self._places]
        if not found:
            return [], []
        common = np.bincount(
            np.concatenate([np.frombuffer(places, np.int64) for places in found]),
            minlength=len(self._ids),
        )
        lengths: NDArray[np.int64] = np.frombuffer(self._lengths, np.int64) + len(words)
        bounds = 2 * common / np.maximum(lengths, 1)  # as `rouge` computes it, so rounded alike
        numbers = np.flatnonzero(bounds > self._rouge_l)
        order = np.lexsort((numbers, -bounds[numbers]))
        return numbers[order].tolist(), bounds[numbers[order]].tolist()

    def _by_words(self, instruction: str, passed: Collection[str]) -> Likeness | None:
        words = _word_set(instruction)
        best: tuple[float, int] | None = None
        seen = {n for key in _band_keys(instruction) for n in self._bands.get(key, ())}
        for number in sorted(seen):
            if self._ids[number] in passed:
                continue
            other = self._sets[number]
            score = len(words & other) / len(words | other)
            if score >= self._jaccard and (best is None or score > best[0]):
                best = score, number
        if best is None:
            return None
        return Likeness(like=self._ids[best[1]], measure="minhash", similarity=round(best[0], 6))


def _words(text: str) -> list[str]:
    """Words as `xgen_eval.metrics.rouge` takes them."""
    return _OTHER.sub(" ", text.lower()).split()


def _counted(words: Sequence[str]) -> list[tuple[str, int]]:
    """Each word with how often it came before, so that sets of them intersect as multisets do."""
    before: Counter[str] = Counter()
    found: list[tuple[str, int]] = []
    for word in words:
        found.append((word, before[word]))
        before[word] += 1
    return found


def _word_set(text: str) -> frozenset[str]:
    return frozenset(split_words(text, numbers=False))


def _band_keys(text: str) -> list[tuple[int, int]]:
    (bands,) = _HASH.hash_bands([text]).tolist()
    return [(place, band) for place, band in enumerate(bands) if band != NO_SHINGLES]
