"""Pieces of text ranked by a query: BM25 or the cosine of TF-IDF vectors, in numpy."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from xgen_core import InputError
from xgen_core.codec import unknown_name
from xgen_reason.evidence import Evidence
from xgen_reason.knowledge.injection import suspicion
from xgen_reason.knowledge.words import content_words

__all__ = ["Bm25", "Ranker", "TfidfCosine", "best_evidence", "open_ranker"]

_DIGITS = 6
"""Of a score: what lies behind depends on the machine's order of additions."""


class Ranker(Protocol):
    """Says how well each text fits a query."""

    def scores(self, query: str, texts: Sequence[str]) -> NDArray[np.float64]:
        """One score for each text `[n]`; higher is better."""
        ...

    @property
    def floor(self) -> float:
        """What a text has to exceed to be about the query at all; minus infinity where unknown."""
        ...

    @property
    def titled(self) -> bool:
        """Whether a text is ranked with its document's title, which names what a pronoun means."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Bm25:
    """Okapi BM25; how rare a word is comes from the texts that are ranked.

    Attributes:
        k1: how soon repeating a word stops helping.
        b: how much long texts are held back, 0 to 1.
    """

    k1: float = 1.2
    b: float = 0.75

    @property
    def floor(self) -> float:
        """A text that shares no word has 0."""
        return 0.0

    @property
    def titled(self) -> bool:
        """Yes: words of the title count."""
        return True

    def scores(self, query: str, texts: Sequence[str]) -> NDArray[np.float64]:
        """Sums over query words of `idf · tf (k1 + 1) / (tf + k1 (1 - b + b · length / mean))`.

        A length is in content words.
        """
        counts, lengths = _counts(query, texts)
        if not counts.size:
            return np.zeros(len(texts))
        mean = lengths.mean() or 1.0
        holding = self.k1 * (1 - self.b + self.b * lengths / mean)
        gains = counts * (self.k1 + 1) / (counts + holding[:, None])
        return gains @ _rarity(counts)


@dataclass(frozen=True, slots=True, kw_only=True)
class TfidfCosine:
    """Cosine of vectors `(1 + log tf) · idf` over the words of query and texts."""

    @property
    def floor(self) -> float:
        """A text that shares no word has 0."""
        return 0.0

    @property
    def titled(self) -> bool:
        """Yes: words of the title count."""
        return True

    def scores(self, query: str, texts: Sequence[str]) -> NDArray[np.float64]:
        """Between 0 and 1."""
        bags = [Counter(content_words(text)) for text in texts]
        asked = Counter(content_words(query))
        holding: Counter[str] = Counter(word for bag in bags for word in bag)
        idf = {word: math.log1p(len(texts) / (1 + holding[word])) for word in {*holding, *asked}}

        def weights(bag: Counter[str]) -> dict[str, float]:
            return {word: (1 + math.log(count)) * idf[word] for word, count in bag.items()}

        wanted = weights(asked)
        size = math.hypot(*wanted.values())
        result = np.zeros(len(texts))
        for place, bag in enumerate(bags):
            there = weights(bag)
            norm = size * math.hypot(*there.values())
            if norm:
                shared = math.fsum(w * there[word] for word, w in wanted.items() if word in there)
                result[place] = shared / norm
        return result


def _counts(query: str, texts: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How often each query word stands in each text `[n, q]`, and the texts' lengths `[n]`."""
    vocabulary = sorted(set(content_words(query)))
    bags = [Counter(content_words(text)) for text in texts]
    counts = np.array([[bag[word] for word in vocabulary] for bag in bags], np.float64)
    lengths = np.array([bag.total() for bag in bags], np.float64)
    return counts, lengths


def _rarity(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Inverse document frequency of each query word `[q]`, never negative."""
    holding = (counts > 0).sum(axis=0)
    return np.log1p((len(counts) - holding + 0.5) / (holding + 0.5))


def open_ranker(name: str) -> Ranker:
    """`bm25`, `tfidf`, or `dense` (the extra of that name).

    Raises:
        InputError: another name.
        MissingExtraError: `dense` is not installed.
    """
    if name == "bm25":
        return Bm25()
    if name == "tfidf":
        return TfidfCosine()
    if name in ("dense", "dense-cosine"):
        from xgen_reason.knowledge.dense import Dense

        return Dense(measure="cosine" if name.endswith("cosine") else "euclidean")
    known = ["bm25", "dense", "dense-cosine", "tfidf"]
    raise InputError(unknown_name(name, known, "ranking"))


def best_evidence(
    topic: str, pieces: Sequence[Evidence], ranker: Ranker, *, limit: int, keep: bool = False
) -> tuple[Evidence, ...]:
    """The pieces that fit best, each text once, marked where they read like orders.

    Args:
        topic: what they are ranked by.
        pieces: candidates; among equals the earlier one wins.
        ranker: gives the scores.
        limit: pieces at most.
        keep: also those that are not about the topic at all, behind the others.
    """
    texts: dict[str, Evidence] = {}
    for piece in pieces:
        texts.setdefault(piece.text, piece)
    ranked_by = [f"{p.title} {p.text}" if ranker.titled else p.text for p in texts.values()]
    scores = [round(float(s), _DIGITS) for s in ranker.scores(topic, ranked_by)]
    ranked = sorted(zip(scores, texts.values(), strict=True), key=lambda pair: -pair[0])
    return tuple(
        replace(piece, score=score, suspicious=suspicion(piece.text) or suspicion(piece.title))
        for score, piece in ranked[:limit]
        if keep or score > ranker.floor
    )
