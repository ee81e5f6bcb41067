"""Reading a token store: lines of tokens that know nothing of sequence lengths.

A local store is memory-mapped; one on object storage is fetched in chunks (`xgen_data.fetching`).
Both give the same arrays, so nothing above this module knows which it reads.
"""

from __future__ import annotations

import bisect
import contextlib
import hashlib
import itertools
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from xgen_core import FormatError, InputError
from xgen_core.codec import unknown_name
from xgen_core.files import sha256_file
from xgen_data.fetching import MAX_REQUEST, FetchedShards
from xgen_data.manifest import Line, Shard, parse_manifest, read_manifest_bytes
from xgen_data.packing import Packs, pack
from xgen_data.schedule import LineSize
from xgen_data.storage import Storage, local_path

__all__ = ["MappedShards", "StoreFile", "TokenLine", "TokenStore"]

_SEGMENTS = 8  # whose packs a line remembers; reading in order needs one, at a stage's edge two


_READERS = 8  # threads that fetch ahead for all lines of a remote store


class StoreFile(NamedTuple):
    """A file of a store: its name below the store, its size in bytes, and hex sha256."""

    name: str
    size: int
    sha256: str


class TokenStore:
    """A finished store, opened by `TokenStore.open`.

    Attributes:
        location: its directory or URL, as it was given.
        manifest: what it holds.
        fingerprint: hex sha256 of the manifest, and by its checksums of all that the store holds.
    """

    def __init__(self, location: Path | str, content: bytes, cache_bytes: int = 0) -> None:
        self.location = str(location)
        self.manifest = parse_manifest(content, location)
        self.fingerprint = hashlib.sha256(content).hexdigest()
        self._directory = local_path(location)
        self._storage = Storage(self.location) if self._directory is None else None
        self._cache_bytes = cache_bytes
        self._pool: ThreadPoolExecutor | None = None
        self._lines: dict[tuple[str, str], TokenLine] = {}
        self._lock = threading.Lock()

    @classmethod
    def open(cls, path: Path | str, *, cache_bytes: int = 0) -> TokenStore:
        """Open a store and check that every file has its size.

        Args:
            path: a directory, which is memory-mapped; or a URL (`gs://`, `s3://`, whatever fsspec
                opens), which is read in chunks that are held for a while (`xgen_data.fetching`).
            cache_bytes: of ids, to hold of each line of a URL's store. 0 for what reading each
                chunk once takes: three blocks, 96 MiB of 16-bit ids in blocks of 2^24; offsets
                (64 MiB at most, unless four shards have more) and masks come on top.

        Raises:
            InputError: there is no finished store.
            FormatError: its manifest or a file is damaged, or of another version.
            MissingExtraError: the package for this kind of URL is not installed.
        """
        if cache_bytes < 0:
            raise ValueError(f"cache_bytes must not be negative, got {cache_bytes}")
        store = cls(path, read_manifest_bytes(path), cache_bytes)
        found = store._sizes()
        for file in store.files():
            if (size := found.get(file.name)) != file.size:
                state = "missing" if size is None else f"{size} bytes long"
                again = "build" if store._storage is None else "copy"
                raise FormatError(
                    f"{store._where(file.name)}: {state}, but the manifest says {file.size} bytes; "
                    f"{again} the store again"
                )
        return store

    @property
    def path(self) -> Path:
        """Its directory.

        Raises:
            InputError: the store is not on a local disk.
        """
        if self._directory is None:
            raise InputError(
                f"{self.location} is no local directory; to make one: "
                f"xgen data copy {self.location} DIRECTORY"
            )
        return self._directory

    def _where(self, name: str) -> Path | str:
        return self.path / name if self._storage is None else self._storage.url_of(name)

    def _sizes(self) -> dict[str, int]:
        if self._storage is not None:  # documents, of which there may be many, are not listed
            return self._storage.sizes(sorted({file.name.split("/")[0] for file in self.files()}))
        found: dict[str, int] = {}
        for file in self.files():
            path = self.path / file.name
            if path.exists():
                found[file.name] = path.stat().st_size
        return found

    def files(self) -> list[StoreFile]:
        """The files that the manifest has sizes and checksums of."""
        width = np.dtype(self.manifest.dtype).itemsize
        files: list[StoreFile] = []
        for lines in self.manifest.splits.values():
            for shard in itertools.chain.from_iterable(line.shards for line in lines.values()):
                offsets = (shard.documents + 1) * 8
                files += [
                    StoreFile(f"{shard.file}.ids", shard.tokens * width, shard.sha256),
                    StoreFile(f"{shard.file}.offsets", offsets, shard.offsets_sha256),
                ]
                if shard.mask_sha256 is not None:
                    files.append(StoreFile(f"{shard.file}.mask", shard.tokens, shard.mask_sha256))
        return files

    def verify(self) -> list[Path | str]:
        """Files whose bytes are not what was written; reads the whole store."""
        return [
            self._where(file.name) for file in self.files() if self._digest(file) != file.sha256
        ]

    def _digest(self, file: StoreFile) -> str:
        if self._storage is None:
            return sha256_file(self.path / file.name)
        digest = hashlib.sha256()
        for start in range(0, file.size, MAX_REQUEST):
            stop = min(start + MAX_REQUEST, file.size)
            digest.update(self._storage.read_range(file.name, start, stop))
        return digest.hexdigest()

    @contextlib.contextmanager
    def tokenizer_directory(self) -> Generator[Path]:
        """Yield a local directory with the store's tokenizer, for as long as the block lasts.

        Raises:
            InputError: the store came without one.
        """
        if self._storage is None:
            yield self.path / "tokenizer"
            return
        names = self._storage.sizes(["tokenizer"])
        if not names:
            raise InputError(f"{self.location}/tokenizer: missing; copy the store again")
        with tempfile.TemporaryDirectory(prefix="xgen-tokenizer-") as directory:
            for name in names:
                target = Path(directory) / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(self._storage.read(name) or b"")
            yield Path(directory) / "tokenizer"

    def sources(self, split: str) -> tuple[str, ...]:
        """Names of the sources that have tokens in a split."""
        return tuple(self.manifest.splits.get(split, {}))

    def line(self, split: str, source: str) -> TokenLine:
        """A source's line of tokens.

        Raises:
            InputError: no such split or source.
        """
        with self._lock:
            if (split, source) not in self._lines:
                self._lines[split, source] = self._open_line(split, source)
            return self._lines[split, source]

    def _open_line(self, split: str, source: str) -> TokenLine:
        lines = self.manifest.splits.get(split, {})
        if source not in lines:
            unknown = unknown_name(source, list(lines), f"source in split {split!r}")
            raise InputError(f"{self.location}: {unknown}")
        line = lines[source]
        dtype = np.dtype(self.manifest.dtype).newbyteorder("<")
        if self._storage is None:
            return TokenLine(line, MappedShards(self.path, line.shards, dtype), dtype)
        if self._pool is None:
            self._pool = ThreadPoolExecutor(_READERS, thread_name_prefix="xgen-fetch")
        shards = FetchedShards(
            self._storage,
            line.shards,
            dtype,
            block_tokens=self.manifest.block_tokens,
            limit=self._cache_bytes,
            pool=self._pool,
        )
        return TokenLine(line, shards, dtype)

    def line_sizes(self, split: str = "train") -> dict[str, LineSize]:
        """What `Order` needs to know of each line."""
        block = self.manifest.block_tokens
        return {
            name: LineSize(tokens=line.tokens, block_tokens=block)
            for name, line in self.manifest.splits.get(split, {}).items()
        }


class MappedShards:
    """The arrays of a line's shards in a local directory, memory-mapped as they are touched."""

    def __init__(self, store: Path, shards: Sequence[Shard], dtype: np.dtype) -> None:
        self._store, self._shards, self._dtype = store, shards, dtype
        self._ids: list[np.ndarray | None] = [None] * len(shards)
        self._offsets: list[np.ndarray | None] = [None] * len(shards)
        self._masks: list[np.ndarray | None] = [None] * len(shards)

    def ids(self, number: int, first: int, last: int) -> np.ndarray:
        """Ids `first … last - 1` of a shard; a view."""
        found = self._ids[number]
        if found is None:
            path = self._store / f"{self._shards[number].file}.ids"
            found = self._ids[number] = np.asarray(np.memmap(path, self._dtype, mode="r"))
        return found[first:last]

    def mask(self, number: int, first: int, last: int) -> np.ndarray:
        """Its mask."""
        found = self._masks[number]
        if found is None:
            shard = self._shards[number]
            if shard.mask_sha256 is None:
                found = np.broadcast_to(np.uint8(1), shard.tokens)
            else:
                found = np.asarray(np.memmap(self._store / f"{shard.file}.mask", "u1", mode="r"))
            self._masks[number] = found
        return found[first:last]

    def offsets(self, number: int) -> np.ndarray:
        """Where its documents begin, and where the last one ends."""
        found = self._offsets[number]
        if found is None:  # read as signed: unsigned ones turn into floats beside Python's ints
            path = self._store / f"{self._shards[number].file}.offsets"
            found = self._offsets[number] = np.asarray(np.memmap(path, "<i8", mode="r"))
        return found


class TokenLine:
    """The shards of one source and split as one array of tokens, read as they are touched.

    Attributes:
        tokens: how many.
        documents: how many.
        masked: whether some of its tokens are no targets of the loss.
        shards: where the arrays come from.
    """

    def __init__(self, line: Line, shards: MappedShards | FetchedShards, dtype: np.dtype) -> None:
        self.tokens = line.tokens
        self.documents = line.documents
        self.masked = any(shard.mask_sha256 is not None for shard in line.shards)
        self.shards = shards
        self._dtype = dtype
        self._starts = [0, *itertools.accumulate(shard.tokens for shard in line.shards)]
        self._packs: OrderedDict[tuple[int, int, int], Packs] = OrderedDict()
        self._lock = threading.Lock()

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
        parts = [self.shards.ids(n, a, b) for n, a, b in self._parts(start, stop)]
        if len(parts) == 1:
            return parts[0]
        return np.concatenate(parts) if parts else np.empty(0, self._dtype)

    def read_mask(self, start: int, stop: int) -> npt.NDArray[np.uint8]:
        """For each of the tokens `start … stop - 1` whether it is a target of the loss, 1 or 0.

        Raises:
            IndexError: outside the line.
        """
        parts = [self.shards.mask(n, a, b) for n, a, b in self._parts(start, stop)]
        return np.concatenate(parts) if parts else np.empty(0, np.uint8)

    def document_starts(self, start: int, stop: int) -> npt.NDArray[np.int64]:
        """Tokens in `start … stop - 1` at which a document begins, ascending.

        Raises:
            IndexError: outside the line.
        """
        found: list[np.ndarray] = []
        for number, first, last in self._parts(start, stop):
            offsets = self.shards.offsets(number)
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
            offsets = self.shards.offsets(shard)
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
