"""Sorting documents by content hash and keeping the first of equal ones, in bounded memory.

Hash order is at once the exact deduplication, a shuffle of the whole corpus, and the same whatever
order the files came in. Rows stay in memory until they exceed a budget; then they are spilled into
256 files by the next byte of the hash, and each file is sorted in turn by the same means.
"""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

__all__ = ["Row", "UniqueSorter"]

_HEADER = struct.Struct("<32sIQ")
_OVERHEAD = 300  # of a row in memory, beside its line: tuple, digest, dictionary slot


class Row(NamedTuple):
    """A document on its way through the sorter.

    Attributes:
        digest: 32 bytes, sha256 of the text in UTF-8.
        key: whatever is to be known of the document without reading it again.
        line: the document as one line of JSON.
    """

    digest: bytes
    key: bytes
    line: bytes


class UniqueSorter:
    """Takes rows in any order of hash; yields them by hash, of equal hashes the first added.

    Args:
        directory: where spill files may go; it exists, and its files are gone after iteration.
        memory: bytes of rows to hold at most, before they are spilled.
        depth: how many bytes of the hash all rows share already.
    """

    def __init__(self, directory: Path, memory: int, depth: int = 0) -> None:
        self._directory = directory
        self._memory = memory
        self._depth = depth
        self._rows: dict[bytes, Row] = {}
        self._held = 0
        self._spill: dict[int, BinaryIO] = {}
        self.duplicates = 0
        """Rows dropped; complete once iteration has ended."""

    def add(self, row: Row) -> None:
        """Take one row."""
        if self._spill:
            self._write(row)
        elif row.digest in self._rows:
            self.duplicates += 1
        else:
            self._rows[row.digest] = row
            self._held += len(row.line) + len(row.key) + _OVERHEAD
            if self._held > self._memory and len(self._rows) > 1:
                self._begin_spill()

    def _begin_spill(self) -> None:
        for row in self._rows.values():
            self._write(row)
        self._rows.clear()

    def _write(self, row: Row) -> None:
        byte = row.digest[self._depth]
        handle = self._spill.get(byte)
        if handle is None:
            handle = (self._directory / f"{self._depth}-{byte:02x}").open("w+b")
            self._spill[byte] = handle
        handle.write(_HEADER.pack(row.digest, len(row.key), len(row.line)))
        handle.write(row.key)
        handle.write(row.line)

    def __iter__(self) -> Iterator[Row]:
        if not self._spill:
            for digest in sorted(self._rows):
                yield self._rows[digest]
            return
        for _, handle in sorted(self._spill.items()):
            child = UniqueSorter(self._directory, self._memory, self._depth + 1)
            with contextlib.closing(child):
                handle.seek(0)
                while header := handle.read(_HEADER.size):
                    digest, key, line = _HEADER.unpack(header)
                    child.add(Row(digest, handle.read(key), handle.read(line)))
                handle.close()
                Path(handle.name).unlink()
                yield from child
                self.duplicates += child.duplicates

    def close(self) -> None:
        """Close spill files, of which some are open if iteration did not come to its end."""
        for handle in self._spill.values():
            with contextlib.suppress(OSError):  # what is left in buffers is not wanted any more
                handle.close()
