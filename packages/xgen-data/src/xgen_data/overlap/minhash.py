"""MinHash band hashes: documents that share one are candidates for near-duplicates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xgen_data.overlap.mixing import U64, mix, odd_constants
from xgen_data.overlap.shingles import NGRAM, Shingles, shingle

__all__ = ["NO_SHINGLES", "MinHash"]

NO_SHINGLES = 2**64 - 1
"""Band hash of a document without words, which resembles nothing; no other document has it."""
_BATCH = 2**19  # characters signed together
_RANDOM_ROUNDS = 16  # balances both ways to fill a bin; see `_signatures`
_EMPTY = np.uint64(2**64 - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class MinHash:
    """Signatures of `bands × rows` minima, hashed band by band.

    Each row of two documents' signatures agrees with a probability equal to the Jaccard similarity
    J of their shingle sets; so at least one of b bands of r rows agrees with probability

        recall(J) = 1 - (1 - J**r)**b

    With 16 × 8 that is 0.994 at J = 0.85, 0.947 at 0.8, 0.613 at 0.7, 0.06 at 0.5 (datatrove's
    14 × 8: 0.988 at 0.85). Candidates are verified later, so bands are chosen for recall alone.

    A row is not the minimum under a permutation of its own, which would cost bands × rows
    operations a shingle, but a bin of a *fast similarity sketch* (Dahlgaard, Knudsen, Thorup,
    "Fast Similarity Sketching", FOCS 2017): a shingle enters one bin a round, and bins that are
    empty after a round get another. A document of n shingles costs about max(n, 1000) operations,
    and the agreement of a row is still exactly J in expectation, with less variance.

    Attributes:
        ngram: words in a shingle.
        bands: hashes of a document that are compared.
        rows: minima behind each of them.
        seed: of the hash functions; hashes under different seeds are not comparable.
        numbers: whether all numbers count as the same word, as in datatrove.
    """

    ngram: int = NGRAM
    bands: int = 16
    rows: int = 8
    seed: int = 0
    numbers: bool = True

    def __post_init__(self) -> None:
        if min(self.ngram, self.bands, self.rows) < 1:
            raise ValueError(
                f"ngram, bands and rows must be positive, got {self.ngram}, {self.bands}, "
                f"{self.rows}"
            )
        if self.seed < 0:
            raise ValueError(f"seed must not be negative, got {self.seed}")

    def recall(self, similarity: float) -> float:
        """The probability that two documents of this Jaccard similarity become candidates."""
        return 1 - (1 - similarity**self.rows) ** self.bands

    def hash_bands(self, texts: Sequence[str]) -> U64:
        """Band hashes of documents, uint64 `[documents, bands]`; batching does not matter."""
        rows = [self._bands(self._sign(batch)) for batch in _batch(texts)]
        return np.concatenate(rows) if rows else np.zeros((0, self.bands), np.uint64)

    def signatures(self, texts: Sequence[str]) -> U64:
        """The minima themselves, uint64 `[documents, bands * rows]`."""
        rows = [self._sign(batch) for batch in _batch(texts)]
        return np.concatenate(rows) if rows else np.zeros((0, self.bands * self.rows), np.uint64)

    def _sign(self, texts: list[str]) -> U64:
        return self._signatures(shingle(texts, ngram=self.ngram, numbers=self.numbers))

    def _bands(self, signatures: U64) -> U64:
        rows = signatures.reshape(-1, self.bands, self.rows)
        base = odd_constants(1, self.seed + 1)[0]
        result = np.zeros(rows.shape[:2], np.uint64)
        for row in range(self.rows):
            result *= base
            result += rows[:, :, row]
        result = mix(result.reshape(-1)).reshape(result.shape)
        result[result == _EMPTY] -= np.uint64(1)  # the one value that is taken
        result[signatures[:, 0] == _EMPTY] = _EMPTY
        return result

    def _signatures(self, shingles: Shingles) -> U64:
        """Fill every bin with its minimum over (round, hash), which is the order of the rounds.

        A bin's content comes from the first round in which a shingle of the document fell into it.
        Take two documents and the shingle that wins the bin for their union: all shingles of the
        union are equally likely to, and the bins are equal just when it is in both. That holds for
        any plan of rounds that does not look at the document, such as this one: `_RANDOM_ROUNDS`
        in which each shingle falls into one bin drawn at random, then one for each bin into which
        all shingles fall. Filled bins are skipped, which changes nothing but the cost.
        """
        size = self.bands * self.rows
        hashes, offsets = shingles
        counts = np.diff(offsets)
        bins = np.full((len(counts), size), _EMPTY)
        flat = bins.reshape(-1)
        salts = odd_constants(_RANDOM_ROUNDS + size, self.seed)
        active = np.flatnonzero(counts)
        owners = np.repeat(np.arange(len(counts)) * size, counts)
        for number in range(_RANDOM_ROUNDS):
            keys = mix(hashes ^ salts[number])
            # 32 high bits choose the bin; all but 8 bits, below the round's number, order it
            places = ((keys >> np.uint64(32)) * np.uint64(size)) >> np.uint64(32)
            places = places.view(np.int64)
            places += owners
            keys >>= np.uint64(8)
            keys |= np.uint64(number << 56)
            np.minimum.at(flat, places, keys)
            wanting = (bins[active] == _EMPTY).any(axis=1)
            if not wanting.any():
                return bins
            keep = np.repeat(wanting, counts[active])
            hashes, owners, active = hashes[keep], owners[keep], active[wanting]
        _fill(bins, active, hashes, counts[active], salts[_RANDOM_ROUNDS:])
        return bins


def _fill(
    bins: U64, active: NDArray[np.int64], hashes: U64, counts: NDArray[np.int64], salts: U64
) -> None:
    """Put into each bin still empty the minimum over all shingles, under a salt of the bin's own.

    Args:
        bins: signatures `[documents, bins]`, changed in place.
        active: documents that may have empty bins.
        hashes: their shingles, one document after the other.
        counts: how many each has, at least one.
        salts: one for each bin.
    """
    rows, columns = np.nonzero(bins[active] == _EMPTY)
    if not len(rows):
        return
    begins = np.cumsum(counts) - counts
    lengths = counts[rows]
    ends = np.cumsum(lengths)
    inside = np.arange(ends[-1]) - np.repeat(ends - lengths, lengths)
    keys = mix(
        hashes[np.repeat(begins[rows], lengths) + inside] ^ np.repeat(salts[columns], lengths)
    )
    keys >>= np.uint64(8)
    keys |= np.uint64(_RANDOM_ROUNDS << 56)
    bins[active[rows], columns] = np.minimum.reduceat(keys, ends - lengths)


def _batch(texts: Sequence[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    held = 0
    for text in texts:
        batch.append(text)
        held += len(text)
        if held >= _BATCH:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch
