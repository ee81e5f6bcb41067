"""Pairs of texts that are nearly the same, by word shingles, without comparing all with all.

Jaccard similarity of the sets of `SHINGLE`-word runs. Candidates come from MinHash signatures cut
into bands (Broder 1997; Leskovec, Rajaraman and Ullman, *Mining of Massive Datasets*, ch. 3), and
every candidate is verified with the exact similarity, so there are no false pairs. The bands are
chosen so that a pair at the threshold is missed with a probability of at most 1 %.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple, Protocol

import numpy as np

from xgen_data.instruction.parts import words
from xgen_data.permutation import UInts, mix

__all__ = ["Blocking", "NearPair", "groups", "near_pairs"]

SHINGLE = 3
"""Words a shingle; a text of fewer words is one shingle."""
HASHES = 96
_CROWD = 64
"""In a bucket of more texts than this each is compared with the first and its neighbours only."""
_SIGN_CHUNK = 2**20


class NearPair(NamedTuple):
    """Indices of two texts, `left < right`, and their Jaccard similarity."""

    left: int
    right: int
    similarity: float


class Blocking(Protocol):
    """Finds near pairs; `near_pairs` is one, and any other of its contract may stand in."""

    def __call__(self, texts: Sequence[str], *, threshold: float) -> list[NearPair]:
        """All pairs of texts at least `threshold` similar, ordered, each once."""
        ...


def near_pairs(texts: Sequence[str], *, threshold: float = 0.8) -> list[NearPair]:
    """Pairs of texts whose similarity is at least `threshold`, ordered by (left, right).

    Deterministic. Texts without words pair with nothing. Of more than 64 texts that share a band
    not every pair is looked at, but all are linked to the first of them.

    Raises:
        ValueError: the threshold is not in (0, 1].
    """
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold lies in (0, 1], got {threshold}")
    shingles = [_shingles(text) for text in texts]
    kept = [index for index, found in enumerate(shingles) if found.size]
    if len(kept) < 2:
        return []
    rows = _rows_a_band(threshold)
    signatures = _signatures([shingles[i] for i in kept])
    pairs: list[NearPair] = []
    for a, b in sorted(_candidates(signatures, rows)):
        left, right = kept[a], kept[b]
        similarity = _jaccard(shingles[left], shingles[right])
        if similarity >= threshold:
            pairs.append(NearPair(left, right, similarity))
    return pairs


def groups(count: int, pairs: Sequence[tuple[int, int]]) -> list[int]:
    """For each of `count` items the smallest item that pairs link it to, itself included."""
    parent = list(range(count))

    def root(item: int) -> int:
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    for left, right in pairs:
        a, b = root(left), root(right)
        parent[max(a, b)] = min(a, b)
    return [root(item) for item in range(count)]


def _shingles(text: str) -> UInts:
    """Sorted distinct 64-bit hashes of the text's shingles."""
    found = words(text)
    count = max(1, len(found) - SHINGLE + 1) if found else 0
    runs = {" ".join(found[i : i + SHINGLE]) for i in range(count)}
    raw = b"".join(hashlib.blake2b(run.encode(), digest_size=8).digest() for run in runs)
    return np.unique(np.frombuffer(raw, np.uint64))


def _rows_a_band(threshold: float) -> int:
    """The longest bands that miss at most 1 % of the pairs at the threshold."""
    for rows in range(16, 1, -1):
        if (1 - threshold**rows) ** (HASHES // rows) <= 0.01:
            return rows
    return 1


def _signatures(shingles: Sequence[UInts]) -> UInts:
    """`[n, HASHES]`: for each hash function the least value over a text's shingles."""
    keys = mix(np.arange(HASHES, dtype=np.uint64))
    signatures = np.empty((len(shingles), HASHES), np.uint64)
    start = 0
    while start < len(shingles):  # a stretch of texts at a time, so that memory is bounded
        stop, size = start, 0
        while stop < len(shingles) and (stop == start or size < _SIGN_CHUNK):
            size += shingles[stop].size
            stop += 1
        flat = np.concatenate(shingles[start:stop])
        offsets = np.cumsum([0, *(s.size for s in shingles[start : stop - 1])])
        for number, key in enumerate(keys):
            signatures[start:stop, number] = np.minimum.reduceat(mix(flat ^ key), offsets)
        start = stop
    return signatures


def _candidates(signatures: UInts, rows: int) -> Iterator[tuple[int, int]]:
    seen: set[tuple[int, int]] = set()
    for band in range(HASHES // rows):
        part = signatures[:, band * rows : (band + 1) * rows]
        _, bucket = np.unique(part, axis=0, return_inverse=True)
        bucket = bucket.reshape(-1)
        order = np.argsort(bucket, kind="stable")
        edges = np.flatnonzero(np.diff(bucket[order])) + 1
        for members in np.split(order, edges):
            if len(members) > 1:
                seen.update(_pairs_of(members.tolist()))
    yield from seen


def _pairs_of(members: list[int]) -> Iterator[tuple[int, int]]:
    if len(members) > _CROWD:
        first = members[0]
        for before, item in pairwise(members):
            yield (first, item)
            yield (before, item)
        return
    for index, left in enumerate(members):
        for right in members[index + 1 :]:
            yield (left, right)


def _jaccard(left: UInts, right: UInts) -> float:
    shared = len(np.intersect1d(left, right, assume_unique=True))
    return shared / math.fsum((left.size, right.size, -shared))
