"""Reading a token store: lines of tokens, memory-mapped, that know nothing of sequence lengths."""

from __future__ import annotations

import bisect
import itertools
import threading
from collections import OrderedDict
from pathlib import Path

import numpy as np
import numpy.typing as npt

from xgen_core import FormatError, InputError
from xgen_core.codec import unknown_name
from xgen_core.files import sha256_file
from xgen_data.manifest import Line, Manifest, read_manifest
from xgen_data.packing import Packs, pack
from xgen_data.schedule import LineSize

__all__ = ["TokenLine", "TokenStore"]

_SEGMENTS = 8  # whose packs a line remembers; reading in order needs one, at a stage's edge two


class TokenStore:
    """A finished store, opened by `TokenStore.open`.

    Attributes:
        path: its directory.
        manifest: what it holds.
    """

    def __init__(self, path: Path, manifest: Manifest) -> None:
        self.path = path
        self.manifest = manifest
        self._lines: dict[tuple[str, str], TokenLine] = {}

    @classmethod
    def open(cls, path: Path | str) -> TokenStore:
        """Open a store and check that every file has its size.

        Raises:
            InputError: there is no finished store.
            FormatError: its manifest or a file is damaged, or of another version.
        """
        directory = Path(path)
        store = cls(directory, read_manifest(directory))
        for file, size, _ in store._files():
            found = file.stat().st_size if file.exists() else None
            if found != size:
                state = "missing" if found is None else f"{found} bytes long"
                raise FormatError(
                    f"{file}: {state}, but the manifest says {size} bytes; build the store again"
                )
        return store

    def _files(self) -> list[tuple[Path, int, str]]:
        width = np.dtype(self.manifest.dtype).itemsize
        files: list[tuple[Path, int, str]] = []
        for lines in self.manifest.splits.values():
            for shard in itertools.chain.from_iterable(line.shards for line in lines.values()):
                stem = self.path / shard.file
                files += [
                    (stem.with_suffix(".ids"), shard.tokens * width, shard.sha256),
                    (
                        stem.with_suffix(".offsets"),
                        (shard.documents + 1) * 8,
                        shard.offsets_sha256,
                    ),
                ]
                if shard.mask_sha256 is not None:
                    files.append((stem.with_suffix(".mask"), shard.tokens, shard.mask_sha256))
        return files

    def verify(self) -> list[Path]:
        """Files whose bytes are not what was written; reads the whole store."""
        return [file for file, _, digest in self._files() if sha256_file(file) != digest]

    @property
    def fingerprint(self) -> str:
        """Hex sha256 of the manifest, and by its checksums of all that the store holds."""
        return sha256_file(self.path / "manifest.json")

    def sources(self, split: str) -> tuple[str, ...]:
        """Names of the sources that have tokens in a split."""
        return tuple(self.manifest.splits.get(split, {}))

    def line(self, split: str, source: str) -> TokenLine:
        """A source's line of tokens.

        Raises:
            InputError: no such split or source.
        """
        if (split, source) not in self._lines:
            lines = self.manifest.splits.get(split, {})
            if source not in lines:
                raise InputError(
                    f"{self.path}: "
                    + unknown_name(source, list(lines), f"source in split {split!r}")
                )
            self._lines[split, source] = TokenLine(self.path, lines[source], self.manifest.dtype)
        return self._lines[split, source]

    def line_sizes(self, split: str = "train") -> dict[str, LineSize]:
        """What `Order` needs to know of each line."""
        block = self.manifest.block_tokens
        return {
            name: LineSize(tokens=line.tokens, block_tokens=block)
            for name, line in self.manifest.splits.get(split, {}).items()
        }


class TokenLine:
    """The shards of one source and split as one array of tokens, opened as they are touched.

    Attributes:
        tokens: how many.
        documents: how many.
        masked: whether some of its tokens are no targets of the loss.
    """

    def __init__(self, store: Path, line: Line, dtype: str) -> None:
        self.tokens = line.tokens
        self.documents = line.documents
        self.masked = any(shard.mask_sha256 is not None for shard in line.shards)
        self._store = store
        self._shards = line.shards
        self._dtype = np.dtype(dtype).newbyteorder("<")
        self._starts = [0, *itertools.accumulate(shard.tokens for shard in line.shards)]
        self._ids: list[np.ndarray | None] = [None] * len(line.shards)
        self._offsets: list[np.ndarray | None] = [None] * len(line.shards)
        self._masks: list[np.ndarray | None] = [None] * len(line.shards)
        self._packs: OrderedDict[tuple[int, int, int], Packs] = OrderedDict()
        self._lock = threading.Lock()

    def _shard_ids(self, number: int) -> np.ndarray:
        found = self._ids[number]
        if found is None:
            path = self._store / f"{self._shards[number].file}.ids"
            found = self._ids[number] = np.asarray(np.memmap(path, self._dtype, mode="r"))
        return found

    def _shard_offsets(self, number: int) -> np.ndarray:
        found = self._offsets[number]
        if found is None:  # read as signed: unsigned ones turn into floats beside Python's ints
            path = self._store / f"{self._shards[number].file}.offsets"
            found = self._offsets[number] = np.asarray(np.memmap(path, "<i8", mode="r"))
        return found

    def _shard_mask(self, number: int) -> np.ndarray:
        found = self._masks[number]
        if found is None:
            shard = self._shards[number]
            if shard.mask_sha256 is None:
                found = np.broadcast_to(np.uint8(1), shard.tokens)
            else:
                found = np.asarray(np.memmap(self._store / f"{shard.file}.mask", "u1", mode="r"))
            self._masks[number] = found
        return found

    def _parts(self, start: int, stop: int) -> list[tuple[int, int, int]]:
        """Shard, first and last + 1 token inside it, for a range of tokens."""
        if not 0 <= start <= stop <= self.tokens:
            raise IndexError(f"tokens {start}..{stop} lie outside a line of {self.tokens}")
        parts: list[tuple[int, int, int]] = []
        number = bisect.bisect_right(self._starts, start) - 1
        while start < stop:
            base, end = self._starts[number], min(stop, self._starts[number + 1])
            parts.append((number, start - base, end - base))
            start, number = end, number + 1
        return parts

    def read(self, start: int, stop: int) -> npt.NDArray[np.unsignedinteger]:
        """Ids `start … stop - 1`, `[stop - start]`, in the store's dtype; a view where it can be.

        Raises:
            IndexError: outside the line.
        """
        parts = [self._shard_ids(n)[a:b] for n, a, b in self._parts(start, stop)]
        if len(parts) == 1:
            return parts[0]
        return np.concatenate(parts) if parts else np.empty(0, self._dtype)

    def read_mask(self, start: int, stop: int) -> npt.NDArray[np.uint8]:
        """For each of the tokens `start … stop - 1` whether it is a target of the loss, 1 or 0.

        Raises:
            IndexError: outside the line.
        """
        parts = [self._shard_mask(n)[a:b] for n, a, b in self._parts(start, stop)]
        return np.concatenate(parts) if parts else np.empty(0, np.uint8)

    def document_starts(self, start: int, stop: int) -> npt.NDArray[np.int64]:
        """Tokens in `start … stop - 1` at which a document begins, ascending.

        Raises:
            IndexError: outside the line.
        """
        found: list[np.ndarray] = []
        for number, first, last in self._parts(start, stop):
            offsets = self._shard_offsets(number)
            low, high = offsets[:-1].searchsorted((first, last))
            found.append(offsets[low:high] + self._starts[number])
        if len(found) == 1:
            return found[0]
        return np.concatenate(found) if found else np.empty(0, np.int64)

    def inner_starts(
        self, start: npt.NDArray[np.int64], length: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """`document_starts(start + 1, start + length + 1)` of many stretches at once.

        Args:
            start: `[n]`, where each stretch begins.
            length: `[n]`, its tokens; the token behind it is on the line too.

        Returns:
            Which stretch, and where on the line; `[found]`, in the order of the stretches.

        Raises:
            IndexError: outside the line.
        """
        edges = np.asarray(self._starts)
        first = np.searchsorted(edges, start + 1, "right") - 1
        if len(start) and not (start.min() >= 0 and (start + length).max() < self.tokens):
            raise IndexError(f"a stretch lies outside a line of {self.tokens} tokens")
        inside = start + length < edges[first + 1]
        which: list[npt.NDArray[np.int64]] = []
        where: list[npt.NDArray[np.int64]] = []
        for shard in np.unique(first[inside]).tolist():
            mine = np.flatnonzero(inside & (first == shard))
            base = self._starts[shard]
            offsets = self._shard_offsets(shard)
            begin, end = start[mine] + 1 - base, start[mine] + length[mine] + 1 - base
            low, high = offsets[:-1].searchsorted(begin), offsets[:-1].searchsorted(end)
            counts = high - low
            index = np.arange(counts.sum()) + np.repeat(low - np.cumsum(counts) + counts, counts)
            which.append(np.repeat(mine, counts))
            where.append(offsets[index] + base)
        for number in np.flatnonzero(~inside).tolist():  # over the edge of a shard
            begin = int(start[number]) + 1
            found = self.document_starts(begin, begin + int(length[number]))
            which.append(np.full(len(found), number))
            where.append(found)
        if not which:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        stretch, place = np.concatenate(which), np.concatenate(where)
        order = np.lexsort((place, stretch))
        return stretch[order], place[order]

    def packs(self, low: int, high: int, window: int) -> Packs:
        """Best-fit packs of the tokens `low … high - 1`; those asked for last are kept.

        Raises:
            IndexError: outside the line.
            ValueError: not a whole number of windows.
        """
        key = (low, high, window)
        with self._lock:
            if key in self._packs:
                self._packs.move_to_end(key)
                return self._packs[key]
        begins = self.document_starts(low + 1, high)
        packs = pack(np.diff(begins, prepend=low, append=high), window)
        if high < self.tokens and not len(self.document_starts(high, high + 1)):
            # the segment cuts its last document, so what ends there does not end a document
            packs.ends[packs.start + packs.length == high - low] = False
        with self._lock:
            self._packs[key] = packs
            while len(self._packs) > _SEGMENTS:
                self._packs.popitem(last=False)
        return packs
