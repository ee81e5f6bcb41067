"""Which documents share a band hash, and into which independent groups they fall."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from xgen_data.overlap.grouping import group, in_part, parts_needed
from xgen_data.overlap.minhash import NO_SHINGLES
from xgen_data.overlap.mixing import U64, mix

__all__ = ["Candidates", "Memberships", "find_candidates"]

_ROW = 48  # bytes a row of one band costs while it is grouped: value, order, copies of both, masks
_CHUNK = 2**20
_I64 = NDArray[np.int64]


class Memberships(NamedTuple):
    """Which documents are in which buckets, by component, in it by document.

    Attributes:
        documents: int64 `[memberships]`.
        buckets: int64 `[memberships]`.
        components: int64 `[components + 1]`, where each component begins.
    """

    documents: _I64
    buckets: _I64
    components: _I64


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Candidates:
    """Documents that share buckets. A bucket is what has one hash in one band.

    Documents in different components share no bucket with each other, directly or through others,
    so what is decided in one component has no bearing on another: they may be dealt to workers.

    Attributes:
        labels: int64 `[documents]`, the lowest document of each document's component.
        pairs: int64 `[memberships, 2]`, (document, bucket), for buckets of at least two.
    """

    labels: _I64
    pairs: _I64

    def part(self, index: int, parts: int) -> Memberships:
        """The components that fall to worker `index` of `parts`; all of them with `(0, 1)`.

        Costs a scan of all memberships, and memory for those of the part.
        """
        if not 0 <= index < parts:
            raise ValueError(f"part {index} of {parts}: expected 0 ≤ index < parts")
        found: list[_I64] = []
        for begin in range(0, len(self.pairs), _CHUNK):
            chunk = np.asarray(self.pairs[begin : begin + _CHUNK])
            owners = mix(self.labels[chunk[:, 0]].view(np.uint64)) % np.uint64(parts)
            found.append(chunk[owners == index])
        pairs = np.concatenate(found) if found else np.zeros((0, 2), np.int64)
        labels = self.labels[pairs[:, 0]]
        order = np.lexsort((pairs[:, 1], pairs[:, 0], labels))
        pairs, labels = pairs[order], labels[order]
        edges = np.flatnonzero(labels[1:] != labels[:-1]) + 1
        components = np.concatenate([[0], edges, [len(pairs)]]) if len(pairs) else np.zeros(1)
        return Memberships(pairs[:, 0].copy(), pairs[:, 1].copy(), components.astype(np.int64))


def find_candidates(
    bands: U64, *, memory: int = 2**30, directory: Path | None = None
) -> Candidates:
    """Group documents by band hash, one band after the other.

    Args:
        bands: uint64 `[documents, bands]` from `MinHash`, in memory or a `numpy.memmap`. A file is
            read once a band and part: in Fortran order (a band's hashes side by side) that is each
            byte once a part, in C order each byte `bands` times.
        memory: bytes for grouping; a band that needs more is taken in parts, by its leading bits.
        directory: where (document, bucket) pairs go, 16 bytes each, in a file that has no name and
            is gone with the result; in memory if None.
    """
    count = len(bands)
    labels = np.arange(count, dtype=np.int64)
    held: list[_I64] = []
    buckets = written = 0
    with contextlib.ExitStack() as stack:
        spill = stack.enter_context(tempfile.TemporaryFile(dir=directory)) if directory else None
        for band in range(bands.shape[1]):
            for values, rows in _parts(bands, band, memory):
                documents, numbers = group(values, rows)
                if not len(documents):
                    continue
                firsts = np.flatnonzero(np.diff(numbers, prepend=-1))
                labels = _unite(labels, documents, documents[firsts][numbers])
                pairs = np.stack([documents, numbers + buckets], axis=1)
                buckets += int(numbers[-1]) + 1
                written += len(pairs)
                if spill is not None:
                    spill.write(pairs.tobytes())
                else:
                    held.append(pairs)
        if spill is not None and written:
            spill.flush()
            pairs = np.memmap(spill, np.int64, "r", shape=(written, 2))  # holds the file open
        else:
            pairs = np.concatenate(held) if held else np.zeros((0, 2), np.int64)
    return Candidates(labels=labels, pairs=pairs)


def _parts(bands: U64, band: int, memory: int) -> Iterator[tuple[U64, _I64]]:
    """A band's hashes with their documents; all of one hash in the same part, documents rising."""
    count = len(bands)
    parts = parts_needed(count, _ROW, memory)
    for part in range(parts):
        values: list[U64] = []
        rows: list[_I64] = []
        for begin in range(0, count, _CHUNK):
            chunk = np.asarray(bands[begin : begin + _CHUNK, band])
            mine = in_part(chunk, part, parts) & (chunk != NO_SHINGLES)
            at = np.flatnonzero(mine)
            values.append(chunk[at])
            rows.append(at + begin)
        if values:
            yield np.concatenate(values), np.concatenate(rows)


def _unite(labels: _I64, left: _I64, right: _I64) -> _I64:
    """Join the components of each `left[i]` and `right[i]`; takes and returns labels that are flat.

    Flat means that each label labels itself: `labels[labels] == labels`.
    """
    while True:
        a, b = labels[left], labels[right]
        apart = a != b
        if not apart.any():
            return labels
        left, right, a, b = left[apart], right[apart], a[apart], b[apart]
        np.minimum.at(labels, np.maximum(a, b), np.minimum(a, b))
        while True:
            flat = labels[labels]
            if np.array_equal(flat, labels):
                break
            labels = flat
