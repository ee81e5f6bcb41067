"""The one door to files: local paths, and whatever `fsspec` opens (`gs://`, `s3://`, `memory://`).

A directory on a web server must end in `/`, because nothing else tells it from a file.

Names ending in `.gz`, `.zst`, `.bz2` or `.xz` are decompressed on the way, a stretch at a time,
with any number of members or streams end to end, as `cat`, Common Crawl and Wikipedia make them.
Nothing here holds more than a few MiB: a bomb that inflates to a terabyte costs time, not memory.

A stream that breaks off or does not decompress raises `DamageError` after everything before it was
given out; a network or disk that fails stays an `OSError`, because that is not the data's fault.
"""

from __future__ import annotations

import bz2
import io
import lzma
import os
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

from xgen_core import InputError
from xgen_data.sources.reader import Part
from xgen_data.storage import file_system, is_url

__all__ = [
    "CHUNK",
    "MAX_BYTES",
    "DamageError",
    "Listing",
    "SourceFile",
    "group_files",
    "identity_of",
    "is_compressed",
    "is_missing",
    "is_url",
    "list_files",
    "open_bytes",
    "open_raw",
    "part_files",
    "read_chunks",
    "read_limited",
    "read_lines",
]

CHUNK = 2**20
"""Bytes that are read and decompressed at a time."""
MAX_BYTES = 2**26
"""The longest line, record or file that becomes a document (64 MiB). Longer ones are passed over:
no text is that long, and what is (a dump without line ends) must not fill the memory."""
GROUP_FILES = 256
GROUP_BYTES = 2**26
"""A part of several small files ends at so many of them, or at so many bytes."""

_HTTP = re.compile(r"https?://")  # whether it is a directory, fsspec finds out by fetching it
_MAGIC = re.compile(r"[*?\[]")
_COMPRESSED = (".gz", ".zst", ".bz2", ".xz")


class DamageError(Exception):
    """Input that is broken from some place on.

    Attributes:
        reason: a fixed phrase, for `Drop.reason`.
        offset: where, in (decompressed) bytes, or "line:column" where the format counts those.
    """

    def __init__(self, reason: str, offset: int | str) -> None:
        super().__init__(f"{reason} at {offset}")
        self.reason, self.offset = reason, offset


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of a source: its name below the source's root, and its size on disk."""

    name: str
    size: int


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a source, in an order that depends on their names alone.

    Attributes:
        root: the directory that names are relative to; the file itself where it is `single`.
        files: what there is.
        single: whether a file was named, not a directory or a glob.
    """

    root: str
    files: tuple[SourceFile, ...]
    single: bool = False


def is_compressed(path: str) -> bool:
    """Whether reading `path` decompresses it."""
    return path.lower().endswith((*_COMPRESSED, ".tgz"))


def identity_of(name: str) -> str:
    """A file name as text: names are bytes on disk, which need not be UTF-8."""
    return name.encode("utf-8", "backslashreplace").decode()


def is_missing(path: str) -> bool:
    """Whether a local path that was listed is no file: a link to nowhere, a socket."""
    return not is_url(path) and not Path(path).is_file()


def list_files(
    path: str, suffixes: Iterable[str] | None = None, *, what: str = "file or directory"
) -> Listing:
    """The files that `path` stands for: a file of any name, a directory's, or a glob's matches.

    Args:
        path: local or a URL.
        suffixes: lower case, such as `".txt"`; which files of a directory count. A suffix of
            compression is not looked at: `.txt` takes `a.txt.gz` too. None takes all.
        what: what is missing where nothing is there, for the message.

    Raises:
        InputError: there is nothing at `path`, or a glob matches nothing.
        MissingExtraError: the package for this kind of URL is not installed.
    """
    wanted = None if suffixes is None else frozenset(suffixes)
    listing = _list_url(path, wanted) if is_url(path) else _list_local(path, wanted)
    if listing is None:
        raise InputError(f"{path}: no such {what}")
    return listing


def _suffix(name: str) -> str:
    stem, suffix = os.path.splitext(name.lower())  # noqa: PTH122 - a name, not a path
    return os.path.splitext(stem)[1] if suffix in _COMPRESSED else suffix  # noqa: PTH122


def _list_local(path: str, wanted: frozenset[str] | None) -> Listing | None:
    root = Path(path)
    if path and root.is_dir():
        names = (name for name in _walk(path) if wanted is None or _suffix(name) in wanted)
        return Listing(path, tuple(SourceFile(n, _size(Path(path, n))) for n in names))
    if path and root.exists():
        return Listing(path, (SourceFile(root.name, _size(root)),), single=True)
    base, pattern = _split_glob(path)
    if not pattern:
        return None
    directory = Path(base or ".")
    names = sorted(
        p.relative_to(directory).as_posix() for p in directory.glob(pattern) if p.is_file()
    )
    if not names:
        return None
    return Listing(str(directory), tuple(SourceFile(n, _size(directory / n)) for n in names))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # a link to nowhere; whoever opens it says so
        return 0


def _walk(root: str) -> Iterator[str]:
    """Names of the files below `root`, depth first, those of a directory before its directories."""
    for directory, subdirectories, names in os.walk(root, onerror=_fail):
        subdirectories.sort()
        below = directory[len(root) :].strip(os.sep).replace(os.sep, "/")
        yield from (f"{below}/{name}" if below else name for name in sorted(names))


def _fail(error: OSError) -> None:
    raise error  # os.walk would otherwise leave an unreadable directory out without a word


def _split_glob(path: str) -> tuple[str, str]:
    """A path's part before the first component with `*`, `?` or `[`, and the rest."""
    found = _MAGIC.search(path)
    if found is None:
        return path, ""
    cut = path.rfind("/", 0, found.start())
    if cut < 0:
        return "", path
    return path[:cut] or "/", path[cut + 1 :]


def _list_url(url: str, wanted: frozenset[str] | None) -> Listing | None:
    base, pattern = _split_glob(url)
    system, path = file_system(base)
    try:
        if pattern:
            found = system.glob(f"{path.rstrip('/')}/{pattern}", detail=True)
        elif path.endswith("/") or (not _HTTP.match(url) and system.isdir(path)):
            found = system.find(path, detail=True)
        elif system.exists(path):
            name = path.rstrip("/").rpartition("/")[2]
            return Listing(url, (SourceFile(name, system.info(path).get("size") or 0),), True)
        else:
            return None
    except FileNotFoundError:
        return None
    inside = path.rstrip("/") + "/"
    files = tuple(
        SourceFile(name.removeprefix(inside), info.get("size") or 0)
        for name, info in sorted(found.items())
        if info.get("type") == "file" and (pattern or wanted is None or _suffix(name) in wanted)
    )
    return Listing(base.rstrip("/"), files) if files or not pattern else None


def group_files(
    listing: Listing, *, max_files: int = GROUP_FILES, max_bytes: int = GROUP_BYTES
) -> tuple[Part, ...]:
    """Cut a listing into parts of neighbouring files; a big file is a part of its own.

    Args:
        listing: of a source; one with a single file gives a part without `files`.
        max_files: limit of one part.
        max_bytes: likewise.
    """
    if listing.single:
        return tuple(Part(path=listing.root, size=file.size) for file in listing.files)
    parts: list[Part] = []
    names: list[str] = []
    size = 0
    for file in listing.files:
        if names and (len(names) == max_files or size + file.size > max_bytes):
            parts.append(Part(path=listing.root, files=tuple(names), size=size))
            names, size = [], 0
        names.append(file.name)
        size += file.size
    if names:
        parts.append(Part(path=listing.root, files=tuple(names), size=size))
    return tuple(parts)


def part_files(part: Part) -> list[tuple[str, str]]:
    """The files of a part, each by its name below the root and by its full path."""
    if not part.files:
        return [(part.path.rstrip("/").rpartition("/")[2], part.path)]
    return [(name, f"{part.path.rstrip('/')}/{name}") for name in part.files]


def open_raw(path: str) -> BinaryIO:
    """Open the bytes of a file as they are stored; seekable.

    Raises:
        InputError: no such file, or no permission to read it.
    """
    try:
        if not is_url(path):
            return Path(path).open("rb")
        system, inside = file_system(path)
        return cast(BinaryIO, system.open(inside, "rb"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except PermissionError:
        raise InputError(f"{path}: no permission to read it") from None
    except IsADirectoryError:
        raise InputError(f"{path}: is a directory; expected a file") from None


def read_chunks(path: str, start: int = 0) -> Iterator[bytes]:
    """Yield a file's content, decompressed, in stretches of at most about `CHUNK` bytes.

    Args:
        path: local or a URL.
        start: bytes to leave out at the beginning; not for compressed files.

    Raises:
        InputError: no such file.
        DamageError: the compressed stream breaks off or is not what its name says.
    """
    with open_raw(path) as raw:
        name = path.lower()
        if name.endswith(".zst"):
            yield from _unzstd(raw)
        elif name.endswith((".gz", ".tgz")):
            yield from _decompress(raw, _Gzip)
        elif name.endswith(".bz2"):
            yield from _decompress(raw, bz2.BZ2Decompressor)
        elif name.endswith(".xz"):
            yield from _decompress(raw, lzma.LZMADecompressor)
        else:
            raw.seek(start)
            while chunk := raw.read(CHUNK):
                yield chunk


class _Decoder(Protocol):
    """What the decoders of bz2 and lzma have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Gzip:
    """Zlib's decoder of one gzip member, with the interface of the others."""

    def __init__(self) -> None:
        self._decoder = zlib.decompressobj(wbits=31)
        self._full = False

    @property
    def eof(self) -> bool:
        return self._decoder.eof

    @property
    def needs_input(self) -> bool:
        return not self._full and not self._decoder.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._decoder.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        output = self._decoder.decompress(self._decoder.unconsumed_tail + data, max_length)
        self._full = len(output) == max_length  # zlib may hold more although it took all input
        return output


def _decompress(raw: BinaryIO, new: Callable[[], _Decoder]) -> Iterator[bytes]:
    decoder = new()
    begun = False
    made = 0
    while True:
        if decoder.eof:
            # Padding with NULs after the end is what some tape and block tools leave.
            data = decoder.unused_data.lstrip(b"\0") or raw.read(CHUNK).lstrip(b"\0")
            if not data:
                return
            decoder = new()
        elif decoder.needs_input:
            data = raw.read(CHUNK)
            if not data:
                if begun:
                    raise DamageError("the compressed file is truncated", made)
                return
            begun = True
        else:
            data = b""
        try:
            output = decoder.decompress(data, CHUNK)
        except (zlib.error, lzma.LZMAError, ValueError, OSError, EOFError) as error:
            raise DamageError("the compressed file is damaged", made) from error
        if output:
            made += len(output)
            yield output


def _unzstd(raw: BinaryIO) -> Iterator[bytes]:
    import pyarrow as pa

    made = 0
    try:
        with pa.CompressedInputStream(raw, "zstd") as stream:
            while chunk := stream.read(CHUNK // 8):  # what one call had read is lost if it fails
                made += len(chunk)
                yield chunk
    except OSError as error:
        if error.errno is not None:
            raise
        truncated = "Truncated" in str(error)
        reason = "truncated" if truncated else "damaged"
        raise DamageError(f"the compressed file is {reason}", made) from error


class _Stream(io.RawIOBase):
    """Chunks as a file."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        if not self._rest:
            self._rest = memoryview(next(self._chunks, b""))
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def close(self) -> None:
        close = getattr(self._chunks, "close", None)
        if close is not None:
            close()
        super().close()


def open_bytes(path: str) -> io.BufferedReader:
    """Open a file's content, decompressed; it cannot seek.

    Raises:
        InputError: no such file, once read.
        DamageError: as `read_chunks`, once read.
    """
    return io.BufferedReader(_Stream(read_chunks(path)), buffer_size=CHUNK // 8)


def read_limited(path: str, limit: int | None = None) -> bytes | None:
    """A whole file's content, decompressed, or None if that is more than `limit` (`MAX_BYTES`).

    Raises:
        InputError, DamageError: as `read_chunks`.
    """
    most = MAX_BYTES if limit is None else limit
    pieces: list[bytes] = []
    size = 0
    for chunk in read_chunks(path):
        size += len(chunk)
        if size > most:
            return None
        pieces.append(chunk)
    return b"".join(pieces)


def read_lines(
    chunks: Iterable[bytes], offset: int = 0, limit: int | None = None
) -> Iterator[tuple[int, bytes | None]]:
    r"""Yield each line without its `\n`, and the offset where it begins.

    Args:
        chunks: the content.
        offset: that of the first chunk.
        limit: a line of more bytes (`MAX_BYTES`) is not held but given as None.
    """
    most = MAX_BYTES if limit is None else limit
    held: list[bytes] = []
    size = 0
    begin = offset
    for chunk in chunks:
        first, newline, rest = chunk.partition(b"\n")
        size += len(first)
        if size <= most:
            held.append(first)
        else:
            held.clear()
        if not newline:
            continue
        yield begin, b"".join(held) if size <= most else None
        begin += size + 1
        lines = rest.split(b"\n")
        last = lines.pop()
        for line in lines:
            yield begin, line if len(line) <= most else None
            begin += len(line) + 1
        held, size = [last], len(last)
    if size:
        yield begin, b"".join(held) if size <= most else None
