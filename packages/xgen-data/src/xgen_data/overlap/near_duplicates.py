"""Near-duplicates, verified: what is removed is as similar as was asked to something that stays.

Band hashes only name candidates. Deleting on them alone, or whole components of them, removes text
that resembles nothing that is kept: chance agreement in a band, and chains in which each document
resembles the next but the last not the first. Here documents are looked at in order of precedence,
and one is removed only if the exact Jaccard similarity of its shingles with a *kept* document is at
least the threshold. So precision at the threshold is 1; what MinHash misses, stays.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xgen_data.overlap.candidates import Candidates, Memberships, find_candidates
from xgen_data.overlap.grouping import parts_needed
from xgen_data.overlap.mixing import U64
from xgen_data.overlap.shingles import NGRAM, jaccard, shingle_sets

__all__ = ["NearDuplicates", "Removals", "Texts", "find_near_duplicates"]

_FETCH = 64  # documents asked for at a time
_MEMBERSHIP = 64  # bytes one (document, bucket) pair costs while a part is sorted

Texts = Callable[[Sequence[int]], Sequence[str]]
"""Gives the texts of documents by index, in the order asked for; any document, more than once."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Removals:
    """What goes, and why.

    Attributes:
        removed: int64 `[removals]`, documents to leave out, ascending.
        kept: int64 `[removals]`, the kept document that each resembles; precedes it.
        jaccard: float64 `[removals]`, how much; at least the threshold.
        compared: pairs of documents whose shingles were compared.
        unchecked: pairs in one bucket left out by the cap on representatives: where it is large,
            near-duplicates may have stayed.
    """

    removed: NDArray[np.int64]
    kept: NDArray[np.int64]
    jaccard: NDArray[np.float64]
    compared: int
    unchecked: int

    @staticmethod
    def merge(parts: Sequence[Removals]) -> Removals:
        """What several workers found, as if one had."""
        removed = np.concatenate([p.removed for p in parts] or [np.zeros(0, np.int64)])
        order = np.argsort(removed)
        return Removals(
            removed=removed[order],
            kept=np.concatenate([p.kept for p in parts] or [removed])[order],
            jaccard=np.concatenate([p.jaccard for p in parts] or [np.zeros(0)])[order],
            compared=sum(p.compared for p in parts),
            unchecked=sum(p.unchecked for p in parts),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NearDuplicates:
    """How near, and how hard to look.

    Attributes:
        threshold: Jaccard similarity of shingle sets from which on a document is a duplicate.
        ngram: words in a shingle; best the same as that of the MinHash.
        numbers: whether all numbers count as the same word when similarity is verified. On, pages
            that differ in counters and dates are alike; so are tables of figures, of which only one
            may then stay: turn it off where figures are the content.
        representatives: documents of a bucket that later ones are compared with: the first that
            were kept. Bounds the work where thousands share a bucket and are not alike.
        cache: bytes of shingle sets of kept documents to hold; those that had to go are asked for
            again. The result does not depend on it.
    """

    threshold: float = 0.8
    ngram: int = NGRAM
    numbers: bool = True
    representatives: int = 16
    cache: int = 2**28

    def __post_init__(self) -> None:
        if not 0 < self.threshold <= 1:
            raise ValueError(f"threshold must lie in (0, 1], got {self.threshold}")
        if min(self.ngram, self.representatives, self.cache) < 1:
            raise ValueError("ngram, representatives and cache must be positive")

    def resolve(
        self, candidates: Candidates, texts: Texts, *, part: int = 0, parts: int = 1
    ) -> Removals:
        """Decide on the candidates of one part; `Removals.merge` joins the parts.

        Args:
            candidates: of documents whose index is their precedence: the lowest of equals stays.
            texts: gives the texts of candidates.
            part: which part, from 0.
            parts: how many; the merged result is the same for any number.
        """
        resolver = _Resolver(self, texts)
        resolver.run(candidates.part(part, parts))
        order = np.argsort(np.asarray(resolver.removed, np.int64))
        return Removals(
            removed=np.asarray(resolver.removed, np.int64)[order],
            kept=np.asarray(resolver.kept, np.int64)[order],
            jaccard=np.asarray(resolver.jaccard, np.float64)[order],
            compared=resolver.compared,
            unchecked=resolver.unchecked,
        )


def find_near_duplicates(
    bands: U64,
    texts: Texts,
    settings: NearDuplicates | None = None,
    *,
    memory: int = 2**30,
    directory: Path | None = None,
) -> Removals:
    """Find candidates and decide on them, in this process.

    Args:
        bands: uint64 `[documents, bands]`; a document's row is its precedence, lower stays.
        texts: gives texts by row.
        settings: `NearDuplicates()` by default.
        memory: bytes for grouping, and again for the memberships of a part; the shingle cache comes
            on top. The result does not depend on it.
        directory: where memberships go; in memory if None.
    """
    settings = settings or NearDuplicates()
    candidates = find_candidates(bands, memory=memory, directory=directory)
    parts = parts_needed(len(candidates.pairs), _MEMBERSHIP, memory)
    return Removals.merge(
        [settings.resolve(candidates, texts, part=part, parts=parts) for part in range(parts)]
    )


class _Sets:
    """Shingle sets of kept documents, the most recently used ones, up to a number of bytes."""

    def __init__(self, texts: Texts, settings: NearDuplicates) -> None:
        self._texts = texts
        self._settings = settings
        self._held: OrderedDict[int, U64] = OrderedDict()
        self._bytes = 0

    def load(self, documents: Sequence[int]) -> list[U64]:
        """Make the sets of documents, without keeping them."""
        texts = self._texts(documents)
        if len(texts) != len(documents):
            raise ValueError(f"asked for {len(documents)} texts, got {len(texts)}")
        return shingle_sets(texts, ngram=self._settings.ngram, numbers=self._settings.numbers)

    def put(self, document: int, shingles: U64) -> None:
        """Keep a set."""
        self._held[document] = shingles
        self._bytes += shingles.nbytes
        while self._bytes > self._settings.cache and len(self._held) > 1:
            self._bytes -= self._held.popitem(last=False)[1].nbytes

    def get(self, document: int) -> U64:
        """A set that was put once, made again if need be."""
        shingles = self._held.get(document)
        if shingles is None:
            shingles = self.load([document])[0]
            self.put(document, shingles)
        else:
            self._held.move_to_end(document)
        return shingles

    def clear(self) -> None:
        """Forget all."""
        self._held.clear()
        self._bytes = 0


class _Resolver:
    def __init__(self, settings: NearDuplicates, texts: Texts) -> None:
        self._settings = settings
        self._sets = _Sets(texts, settings)
        self._sizes: dict[int, int] = {}  # shingles of kept documents of this component
        self._members: dict[int, list[int]] = {}  # bucket → the first kept documents in it
        self._beyond: Counter[int] = Counter()  # bucket → how many more were kept
        self.removed: list[int] = []
        self.kept: list[int] = []
        self.jaccard: list[float] = []
        self.compared = 0
        self.unchecked = 0

    def run(self, memberships: Memberships) -> None:
        """Go through documents by component, in it by precedence."""
        begins = set(memberships.components.tolist())
        edges = np.flatnonzero(np.diff(memberships.documents, prepend=-1))
        for row, document, buckets, shingles in self._documents(memberships, edges):
            if row in begins:
                for state in (self._sizes, self._members, self._beyond, self._sets):
                    state.clear()
            self._decide(document, buckets, shingles)

    def _documents(
        self, memberships: Memberships, edges: NDArray[np.int64]
    ) -> Iterator[tuple[int, int, list[int], U64]]:
        ends = np.append(edges[1:], len(memberships.documents)).tolist()
        begins = edges.tolist()
        for at in range(0, len(begins), _FETCH):
            documents = memberships.documents[edges[at : at + _FETCH]].tolist()
            sets = self._sets.load(documents)
            for i, (document, shingles) in enumerate(zip(documents, sets, strict=True), at):
                buckets = memberships.buckets[begins[i] : ends[i]].tolist()
                yield begins[i], document, buckets, shingles

    def _decide(self, document: int, buckets: list[int], shingles: U64) -> None:
        shared: Counter[int] = Counter()
        for bucket in buckets:
            shared.update(self._members.get(bucket, ()))
            self.unchecked += self._beyond[bucket]
        threshold = self._settings.threshold
        # most shared buckets first, as likely the most similar; then by precedence
        for other, _ in sorted(shared.items(), key=lambda item: (-item[1], item[0])):
            sizes = sorted((self._sizes[other], len(shingles)))
            if sizes[0] < threshold * sizes[1]:
                continue  # even one inside the other would not be enough
            self.compared += 1
            similarity = jaccard(self._sets.get(other), shingles)
            if similarity >= threshold:
                self.removed.append(document)
                self.kept.append(other)
                self.jaccard.append(similarity)
                return
        self._sizes[document] = len(shingles)
        for bucket in buckets:
            members = self._members.setdefault(bucket, [])
            if len(members) < self._settings.representatives:
                members.append(document)
            else:
                self._beyond[bucket] += 1
        self._sets.put(document, shingles)
