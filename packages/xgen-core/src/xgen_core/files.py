"""Files that are either whole or not there, and JSON that says where it is wrong.

Everything is written under a temporary name beside its target, flushed to disk, then renamed, so a
full disk or a killed process leaves the old file (or none), never half of a new one.
"""

from __future__ import annotations

import contextlib
import errno
import gzip
import hashlib
import json
import os
import shutil
import uuid
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, TypeVar, cast

from xgen_core.codec import CodecError
from xgen_core.errors import FormatError, InputError

__all__ = [
    "append_jsonl",
    "atomic_directory",
    "atomic_file",
    "check_format",
    "read_json",
    "read_jsonl",
    "sha256_file",
    "sync_directory",
    "write_json",
    "write_jsonl",
    "write_text",
]

T = TypeVar("T")
_TEMPORARY = ".partial-"
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def sync_directory(directory: Path) -> None:
    """Make renames inside a directory survive a power cut."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _temporary_beside(path: Path) -> Path:
    return path.with_name(f"{_TEMPORARY}{path.name}-{os.getpid()}-{uuid.uuid4().hex[:8]}")


def _name_file(error: BaseException, target: Path) -> None:
    """Add to a write that found no room where it wrote to, which the system does not say."""
    if isinstance(error, OSError) and error.errno in _NO_ROOM and error.filename is None:
        error.filename = str(target)


@contextlib.contextmanager
def atomic_file(path: Path | str) -> Generator[BinaryIO]:
    """Open a file for binary writing that appears at `path` only if the block succeeds.

    Raises:
        OSError: as the file system gives it (a full disk, say); the temporary file is gone then.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = _temporary_beside(target)
    try:
        with temporary.open("xb") as handle:
            yield handle
            handle.flush()
            os.fsync(handle.fileno())
        temporary.replace(target)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        _name_file(error, target)
        raise
    sync_directory(target.parent)


@contextlib.contextmanager
def atomic_directory(path: Path | str, *, replace: bool = False) -> Generator[Path]:
    """Yield an empty directory that appears at `path` only if the block succeeds.

    Args:
        path: the final name.
        replace: put it in the place of an existing directory, which is removed afterwards.

    Raises:
        InputError: `path` exists, is not an empty directory, and `replace` is off.
    """
    target = Path(path)
    if not replace and target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise InputError(f"{target} exists already: choose another name or remove it first")
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = _temporary_beside(target)
    temporary.mkdir()
    try:
        yield temporary
        for item in temporary.rglob("*"):
            if item.is_file():
                with item.open("rb") as handle:
                    os.fsync(handle.fileno())
        for item in (*temporary.rglob("*"), temporary):
            if item.is_dir():
                sync_directory(item)
        old = None
        if target.exists():
            old = _temporary_beside(target)
            target.rename(old)
        temporary.rename(target)
        sync_directory(target.parent)
        if old is not None:
            shutil.rmtree(old)
    except BaseException as error:
        shutil.rmtree(temporary, ignore_errors=True)
        _name_file(error, target)
        raise


def write_text(path: Path | str, text: str) -> None:
    """Write UTF-8 text atomically."""
    with atomic_file(path) as handle:
        handle.write(text.encode("utf-8"))


def write_json(path: Path | str, value: object) -> None:
    """Write one JSON value atomically, indented, with a final newline."""
    with atomic_file(path) as handle:
        handle.write(_json_bytes(value, indent=2) + b"\n")


def read_json(path: Path | str) -> Any:
    """Read one JSON value.

    Raises:
        InputError: no such file, or it is not JSON; the message has path, line and column.
    """
    try:
        return json.loads(Path(path).read_text("utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{path}: not JSON: {error}") from error


def write_jsonl(path: Path | str, rows: Iterable[object]) -> int:
    """Write one JSON value a line, atomically; returns how many."""
    count = 0
    with atomic_file(path) as handle:
        for row in rows:
            handle.write(_line(row))
            count += 1
    return count


def append_jsonl(path: Path | str, rows: Iterable[object]) -> None:
    """Append lines and flush them to disk before returning."""
    with Path(path).open("ab") as handle:
        for row in rows:
            handle.write(_line(row))
        handle.flush()
        os.fsync(handle.fileno())


def _line(row: object) -> bytes:
    return _json_bytes(row) + b"\n"


def _json_bytes(value: object, indent: int | None = None) -> bytes:
    text = json.dumps(value, indent=indent, ensure_ascii=False, allow_nan=False)
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:  # half a surrogate pair in a model's text: only an escape holds it
        return json.dumps(value, indent=indent, allow_nan=False).encode("ascii")


def read_jsonl(path: Path | str, parse: Callable[[Any], T] | None = None) -> Iterator[T]:
    """Yield one value a line, through `parse` where given; blank lines are passed over.

    A file whose name ends in `.gz` is read through gzip.

    Raises:
        InputError: no such file, a line that is not JSON, or one that `parse` refuses; the message
            names path and line number. Also a `.gz` file that is damaged.
    """
    try:
        handle = Path(path).open("rb")  # noqa: SIM115 - opened here to tell a missing file apart
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    with handle:
        lines = _unzipped(handle, path) if Path(path).suffix == ".gz" else handle
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                value = json.loads(line)
                yield cast(T, value) if parse is None else parse(value)
            except (UnicodeDecodeError, json.JSONDecodeError) as error:
                raise InputError(f"{path}:{number}: this line is not JSON: {error}") from error
            except CodecError as error:
                raise InputError(f"{path}:{number}: {error}") from error


def _unzipped(handle: BinaryIO, path: Path | str) -> Iterator[bytes]:
    try:
        with gzip.GzipFile(fileobj=handle) as lines:
            yield from lines
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"{path}: damaged gzip file: {error}") from error


def sha256_file(path: Path | str) -> str:
    """Hex sha256 of a file's bytes."""
    with Path(path).open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def check_format(header: object, *, name: str, version: int, path: Path | str) -> dict[str, Any]:
    """Check the `format` and `version` fields that begin every file format of ours.

    Raises:
        FormatError: another format, or a version that this release does not read.
    """
    found = cast("dict[str, Any]", header) if isinstance(header, dict) else {}
    if found.get("format") != name:
        raise FormatError(f"{path}: expected a {name} file, found {found.get('format')!r}")
    if found.get("version") != version:
        raise FormatError(
            f"{path}: {name} version {found.get('version')!r}, but this release reads {version}; "
            "install the release that wrote it, or make it again"
        )
    return found
