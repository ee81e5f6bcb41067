"""Key tables: what a build knows of each document without its text.

A part that has been read is three files below `work/read`, all in the order of the content hash:

    web-00012.jsonl   the documents
    web-00012.keys    one `KEY` a document
    web-00012.bands   MinHash bands, uint64 `[documents, bands]`; only where near-duplicates go
    web-00012.json    the receipt, written last

Which documents are kept is decided on keys alone; texts are moved once, when all is decided.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["KEY", "KeyTable", "hash_ranges", "open_keys"]

KEY = np.dtype(
    [
        ("high", "<u8"),  # the first and second eight bytes of sha256, big-endian: hash order
        ("low", "<u8"),
        ("offset", "<u8"),  # of the document's line in the .jsonl
        ("length", "<u4"),  # of that line, in bytes
        ("bytes", "<u4"),  # of the text in UTF-8
        ("number", "<u4"),  # which of the part's documents it was
        ("held_out", "u1"),
        ("url", "<u8"),  # hash of the normalised address, 0 where there is none
        ("date", "<i8"),
    ]
)


@dataclass(frozen=True, slots=True)
class KeyTable:
    """The keys of one part.

    Attributes:
        stem: path of the part's files, without suffix.
        source: index of its source.
        keys: `[documents]` of `KEY`, ascending by `(high, low)`.
        kept: `[documents]` uint8, 1 while the document is wanted.
    """

    stem: Path
    source: int
    keys: npt.NDArray[np.void]
    kept: npt.NDArray[np.uint8]

    def document(self, row: int) -> dict[str, Any]:
        """The document in its JSON form, read from the part's file."""
        lines = _mapped(self.stem.with_suffix(".jsonl"), np.dtype(np.uint8))
        begin = int(self.keys["offset"][row])
        return json.loads(lines[begin : begin + int(self.keys["length"][row])].tobytes())

    def bands(self, count: int) -> npt.NDArray[np.uint64]:
        """`[documents, count]`, mapped."""
        return _mapped(self.stem.with_suffix(".bands"), np.dtype("<u8")).reshape(-1, count)


def open_keys(stem: Path, source: int) -> KeyTable:
    """Map the keys of a part that was read; all of them kept."""
    keys = _mapped(stem.with_suffix(".keys"), KEY)
    return KeyTable(stem, source, keys, np.ones(len(keys), np.uint8))


def _mapped(path: Path, dtype: np.dtype) -> np.ndarray:
    if not path.stat().st_size:  # an empty file cannot be mapped
        return np.empty(0, dtype)
    return np.memmap(path, dtype, mode="r")


def hash_ranges(tables: Sequence[KeyTable], memory: int) -> Iterator[list[slice]]:
    """Cut the hash space so that the keys of a range fit into memory; yields a slice a table.

    Equal hashes lie in one range.

    Args:
        tables: in any order.
        memory: bytes that the keys of one range may take (they do if hashes are uniform).
    """
    total = sum(len(table.keys) for table in tables) * KEY.itemsize
    ranges = max(1, -(-2 * total // memory))
    edges = np.array([k * 2**64 // ranges for k in range(1, ranges)], np.uint64)
    cuts = [
        [0, *np.searchsorted(table.keys["high"], edges).tolist(), len(table.keys)]
        for table in tables
    ]
    for k in range(ranges):
        yield [slice(cut[k], cut[k + 1]) for cut in cuts]
