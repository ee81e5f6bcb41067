"""Which documents count as the same, beside exact copies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from xgen_core import Document
from xgen_core.records import Scalar
from xgen_data.overlap.minhash import MinHash
from xgen_data.overlap.near_duplicates import NearDuplicates
from xgen_data.overlap.urls import NO_URL, hash_url

__all__ = ["Deduplication", "date_number"]

_NO_DATE = -(2**63)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deduplication:
    """Settings of the removal of copies.

    Of copies the first that is read stays: by source, then by place in the source.

    Attributes:
        url: metadata key of a document's address; of equal addresses the newest document stays.
            Empty: addresses are not looked at.
        date: metadata key of its date, ISO 8601 or a number; without one a document is the oldest.
        near: how similar near-duplicates are, verified on the texts; None lets them stay.
        minhash: how candidates for near-duplicates are found.
        expected_removal: a build stops when a larger share of a source's documents would go as
            copies: a wrong setting is likelier than such data. Sources of fewer than 100 documents
            are let pass.
    """

    url: str = ""
    date: str = ""
    near: NearDuplicates | None = None
    minhash: MinHash = field(default_factory=MinHash)
    expected_removal: float = 0.5

    def __post_init__(self) -> None:
        if not 0 < self.expected_removal <= 1:
            raise ValueError(f"expected_removal lies in (0, 1], got {self.expected_removal}")

    def bands(self, texts: Sequence[str]) -> list[bytes]:
        """MinHash bands of each text as little-endian bytes; empty where near-duplicates stay."""
        if self.near is None:
            return [b""] * len(texts)
        return [row.tobytes() for row in self.minhash.hash_bands(texts).astype("<u8")]

    def address(self, document: Document) -> tuple[int, int]:
        """Hash of the document's address, 0 where it has none, and its date as a number."""
        address = document.metadata.get(self.url) if self.url else None
        if not isinstance(address, str):
            return NO_URL, _NO_DATE
        return hash_url(address), date_number(document.metadata.get(self.date))


def date_number(value: Scalar) -> int:
    """A date that sorts: microseconds since 1970 of an ISO date, a number as it is; no date first.

    A date without a time zone is taken as UTC.
    """
    if isinstance(value, bool) or value is None:
        return _NO_DATE
    if isinstance(value, int | float):
        return int(value)
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return _NO_DATE
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1_000_000)
