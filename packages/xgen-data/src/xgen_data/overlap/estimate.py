"""What near-duplicate removal will cost, before it begins."""

from __future__ import annotations

from dataclasses import dataclass

from xgen_core.records import Record
from xgen_data.overlap.minhash import MinHash
from xgen_data.overlap.near_duplicates import NearDuplicates

__all__ = ["Estimate", "estimate"]

_BYTES_PER_SECOND = 25e6  # text hashed by one core; `tools/bench/dedup.py` measures it
_ROW_SECONDS = 1.5e-7  # to sort one hash of one band among many, likewise
_DECISION_SECONDS = 5e-5  # for one candidate, beside hashing its text
_SHINGLE_PER_BYTE = 1 / 6  # an English word and its space
_FETCHED = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate(Record):
    """Bytes and seconds on one core; bounds with room, except where a corpus is all boilerplate.

    Attributes:
        memory: bytes at the peak, beside the interpreter.
        disk: bytes of band hashes and of memberships.
        seconds: of one core; the reading of texts comes on top.
    """

    memory: int
    disk: int
    seconds: float

    def __str__(self) -> str:
        return (
            f"about {self.memory / 2**30:.2f} GiB of memory, {self.disk / 2**30:.2f} GiB of disk "
            f"and {self.seconds / 3600:.2f} core-hours"
        )


def estimate(
    documents: int,
    text_bytes: int,
    *,
    minhash: MinHash | None = None,
    settings: NearDuplicates | None = None,
    share: float = 0.3,
    memory: int = 2**30,
    spilled: bool = True,
) -> Estimate:
    """Estimate what `MinHash.hash_bands` and `find_near_duplicates` will cost.

    Args:
        documents: how many.
        text_bytes: of their texts in UTF-8.
        minhash: as it will run.
        settings: as they will be.
        share: documents that share a bucket with another; web crawls and code lie below 0.5.
        memory: the budget that `find_near_duplicates` will get.
        spilled: whether it will get a directory for memberships.
    """
    if min(documents, text_bytes) < 0 or not 0 <= share <= 1:
        raise ValueError(
            f"expected counts from 0 and a share in [0, 1], got {documents}, {text_bytes}, {share}"
        )
    minhash = minhash or MinHash()
    settings = settings or NearDuplicates()
    candidates = share * documents
    memberships = 16 * candidates * minhash.bands  # at most: each in a bucket of every band
    bands = 8 * documents * minhash.bands
    labels = 8 * documents
    grouping = 3 * labels + min(memory, 48 * documents)
    shingles = 8 * _SHINGLE_PER_BYTE * text_bytes
    per_document = text_bytes / max(documents, 1)
    resolving = (
        labels
        + min(memory, 4 * memberships)
        + min(settings.cache, share * shingles)
        + _FETCHED
        * per_document
        * 8  # texts, their bytes, 64-bit words and shingles, several times
    )
    held = 0 if spilled else memberships + bands
    seconds = (
        (1 + share) * text_bytes / _BYTES_PER_SECOND
        + documents * minhash.bands * _ROW_SECONDS
        + candidates * _DECISION_SECONDS
    )
    return Estimate(
        memory=int(held + max(grouping, resolving)),
        disk=int(bands + memberships) if spilled else 0,
        seconds=seconds,
    )
