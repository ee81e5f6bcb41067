"""Shards of a token line on object storage, fetched in chunks.

A block of the line is read in a random order of windows, then the next block. So what is fetched is
never a window but a *chunk*, about a quarter of a block; and a chunk that is missing brings the
others of its block with it, in parallel, because they are needed within the next few batches:

    shard    ├──────────────────────────────┼───────────────────┤    a pair of objects
    chunks   ├──────┼──────┼──────┼─────────┼──────┼────────────┤    a request each
    blocks     ──────────────┼──────────────────────────┼────────    of the line, not of a shard

What was fetched stays until `Chunks.limit` bytes are held. That is three blocks: the one being
read, the one before whose last windows other threads still assemble, and chunks that both edges
share. So a pass over the line fetches every chunk once. (From the second epoch on, blocks come in
a permuted order: the chunks at their edges, which two blocks share, are then fetched twice.)
"""

from __future__ import annotations

import bisect
import itertools
import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from xgen_data.manifest import Shard
from xgen_data.storage import Storage

__all__ = ["MAX_REQUEST", "MIN_REQUEST", "Chunks", "FetchedShards", "RemoteFile"]

MIN_REQUEST = 2**20
"""Bytes. A smaller request costs the same time, and on most stores the same money; only an object
that is itself smaller is fetched in less."""
MAX_REQUEST = 2**24
"""Bytes, times up to 1.06 for the last chunk of an object. More in one request gains nothing, and
loses more when the connection breaks."""
OFFSETS_LIMIT = 2**26
"""Bytes of document offsets that a line holds, unless four of its shards have more."""


class RemoteFile(NamedTuple):
    """A file of a store and its size in bytes."""

    name: str
    size: int


class _Chunk(NamedTuple):
    file: int
    number: int


class Chunks:
    """Files of a storage, read through a cache of chunks that threads share.

    Each chunk has at most one request in flight, whoever waits for it.

    Args:
        storage: where the files are.
        files: what may be read.
        size: bytes of a chunk; a rest below `MIN_REQUEST` joins the chunk before it.
        limit: bytes of chunks to keep, the least recently used going first. A chunk that is larger
            is given out, and kept until the next one comes.
        pool: for the chunks that nobody waits for yet.
    """

    def __init__(
        self,
        storage: Storage,
        files: Sequence[RemoteFile],
        *,
        size: int,
        limit: int,
        pool: ThreadPoolExecutor,
    ) -> None:
        self.size, self.limit = size, limit
        self._storage, self._files, self._pool = storage, files, pool
        self._starts = [0, *itertools.accumulate(file.size for file in files)]
        self._held: OrderedDict[_Chunk, bytes] = OrderedDict()
        self._bytes = 0
        self._pending: dict[_Chunk, Future[bytes]] = {}
        self._lock = threading.Lock()

    @property
    def held(self) -> int:
        """Bytes that are held now."""
        return self._bytes

    def _count(self, file: int) -> int:
        size = self._files[file].size
        whole, rest = divmod(size, self.size)
        return max(1, whole + (rest >= min(MIN_REQUEST, self.size)))

    def _edges(self, chunk: _Chunk) -> tuple[int, int]:
        start = chunk.number * self.size
        last = chunk.number == self._count(chunk.file) - 1
        return start, self._files[chunk.file].size if last else start + self.size

    def _covering(self, file: int, start: int, stop: int) -> list[_Chunk]:
        last = self._count(file) - 1
        numbers = range(min(start // self.size, last), min((stop - 1) // self.size, last) + 1)
        return [_Chunk(file, number) for number in numbers]

    def read(self, file: int, start: int, stop: int, *, block: int = 0) -> list[memoryview]:
        """Bytes `start … stop - 1` of a file, in pieces.

        Args:
            file: index into the files.
            start: first byte.
            stop: last byte + 1.
            block: bytes of a block of all files end to end; where chunks are missing, those of the
                block that `start` lies in are fetched too. 0: none are.

        Raises:
            FormatError: the file is gone or truncated.
            InputError: it cannot be read.
        """
        if start >= stop:
            return []
        wanted = self._covering(file, start, stop)
        with self._lock:
            hits = [self._held.get(chunk) for chunk in wanted]
            for chunk, data in zip(wanted, hits, strict=True):
                if data is not None:
                    self._held.move_to_end(chunk)
        if any(data is None for data in hits):
            if block:
                self._fetch_ahead(self._starts[file] + start, block, frozenset(wanted[:1]))
            hits = [
                self._get(chunk) if data is None else data
                for chunk, data in zip(wanted, hits, strict=True)
            ]
        pieces: list[memoryview] = []
        for chunk, data in zip(wanted, hits, strict=True):
            assert data is not None
            base, end = self._edges(chunk)
            pieces.append(memoryview(data)[max(start, base) - base : min(stop, end) - base])
        return pieces

    def _fetch_ahead(self, position: int, block: int, mine: frozenset[_Chunk]) -> None:
        """Begin to fetch what is missing of a block, but for what the caller will fetch itself."""
        low = position // block * block
        high = min(low + block, self._starts[-1])
        file = bisect.bisect_right(self._starts, low) - 1
        while low < high:
            base, end = self._starts[file], min(high, self._starts[file + 1])
            if low < end:
                for chunk in self._covering(file, low - base, end - base):
                    if chunk not in mine:
                        self._begin(chunk)
            low, file = end, file + 1

    def _begin(self, chunk: _Chunk) -> None:
        with self._lock:
            if chunk in self._held or chunk in self._pending:
                return
            future = self._pending[chunk] = Future[bytes]()
        try:
            self._pool.submit(self._fetch, chunk, future)
        except RuntimeError:  # the interpreter is ending; whoever needs it fetches it himself
            with self._lock:
                del self._pending[chunk]
            future.cancel()

    def _get(self, chunk: _Chunk) -> bytes:
        with self._lock:
            if chunk in self._held:
                self._held.move_to_end(chunk)
                return self._held[chunk]
            future = self._pending.get(chunk)
            mine = future is None
            if future is None:
                future = self._pending[chunk] = Future[bytes]()
        if mine:
            self._fetch(chunk, future)
        return future.result()

    def _fetch(self, chunk: _Chunk, future: Future[bytes]) -> None:
        try:
            data = self._storage.read_range(self._files[chunk.file].name, *self._edges(chunk))
        except BaseException as error:  # also an interrupt: those who wait must not wait for ever
            with self._lock:
                del self._pending[chunk]
            future.set_exception(error)
            if not isinstance(error, Exception):
                raise
            return
        with self._lock:
            del self._pending[chunk]
            self._held[chunk] = data
            self._bytes += len(data)
            while self._bytes > self.limit and len(self._held) > 1:
                _, old = self._held.popitem(last=False)
                self._bytes -= len(old)
        future.set_result(data)


@dataclass(frozen=True, slots=True)
class _Kind:
    """One of the arrays that a shard consists of."""

    chunks: Chunks
    dtype: np.dtype
    block: int


class FetchedShards:
    """The arrays of a line's shards, by chunks. See `MappedShards` for what is asked of it.

    Args:
        storage: of the store.
        shards: of the line.
        dtype: of the ids.
        block_tokens: the manifest's.
        limit: bytes of ids to hold; 0 for three blocks. Masks may have as many tokens.
        pool: for reading ahead.
    """

    def __init__(
        self,
        storage: Storage,
        shards: Sequence[Shard],
        dtype: np.dtype,
        *,
        block_tokens: int,
        limit: int,
        pool: ThreadPoolExecutor,
    ) -> None:
        self._shards = shards

        def kind(suffix: str, sizes: list[int], dtype: np.dtype) -> _Kind:
            block = block_tokens * dtype.itemsize
            size = min(max(block // 4, MIN_REQUEST), MAX_REQUEST) // dtype.itemsize
            size *= dtype.itemsize
            files = [RemoteFile(s.file + suffix, n) for s, n in zip(shards, sizes, strict=True)]
            # Two blocks, and at each of their edges a chunk that is not theirs alone; the last
            # chunk of an object may be up to MIN_REQUEST longer.
            held = limit * dtype.itemsize // width or 2 * block + 4 * (size + MIN_REQUEST)
            return _Kind(Chunks(storage, files, size=size, limit=held, pool=pool), dtype, block)

        width = dtype.itemsize
        self._ids = kind(".ids", [shard.tokens * width for shard in shards], dtype)
        self._masks = kind(".mask", [shard.tokens for shard in shards], np.dtype("u1"))
        whole = [RemoteFile(f"{s.file}.offsets", (s.documents + 1) * 8) for s in shards]
        largest = max((file.size for file in whole), default=0)
        self._offsets = Chunks(
            storage,
            whole,
            size=max(largest, 1),
            limit=max(OFFSETS_LIMIT, 4 * largest),
            pool=pool,
        )

    @property
    def held(self) -> int:
        """Bytes that are held now."""
        return self._ids.chunks.held + self._masks.chunks.held + self._offsets.held

    @property
    def limit(self) -> int:
        """Bytes that may be held."""
        return self._ids.chunks.limit + self._masks.chunks.limit + self._offsets.limit

    def ids(self, number: int, first: int, last: int) -> np.ndarray:
        """Ids `first … last - 1` of a shard."""
        return _array(self._ids, number, first, last)

    def mask(self, number: int, first: int, last: int) -> np.ndarray:
        """Its mask."""
        if self._shards[number].mask_sha256 is None:
            return np.broadcast_to(np.uint8(1), last - first)
        return _array(self._masks, number, first, last)

    def offsets(self, number: int) -> np.ndarray:
        """Where its documents begin, and where the last one ends."""
        size = (self._shards[number].documents + 1) * 8
        return np.frombuffer(self._offsets.read(number, 0, size)[0], "<i8")


def _array(kind: _Kind, number: int, first: int, last: int) -> np.ndarray:
    width = kind.dtype.itemsize
    pieces = kind.chunks.read(number, first * width, last * width, block=kind.block)
    arrays = [np.frombuffer(piece, kind.dtype) for piece in pieces]
    if len(arrays) == 1:
        return arrays[0]
    return np.concatenate(arrays) if arrays else np.empty(0, kind.dtype)
