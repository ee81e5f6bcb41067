"""The door to object storage: any directory that `fsspec` reaches (`gs://`, `s3://`, `memory://`).

Here are what a kind of URL needs installed, which failures are worth another try, and `Storage`:
one remote directory, listed once and read by byte ranges. `sources.files` opens single files of
others through the same door; token stores are read and copied through `Storage`.
"""

from __future__ import annotations

import errno
import random
import re
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from xgen_core import FormatError, InputError, MissingExtraError
from xgen_core.codec import unknown_name

__all__ = ["ATTEMPTS", "WAIT", "Storage", "file_system", "is_transient", "is_url", "local_path"]

ATTEMPTS = 6
"""How often a request is sent before its failure is believed."""
WAIT = 0.5
"""Seconds before the second attempt; doubled for each further one, plus up to as much by chance so
that a thousand hosts do not come back at once. Six attempts bridge 15 to 31 seconds."""

T = TypeVar("T")
_URL = re.compile(r"[a-z][a-z0-9+.-]*://")
_FILE_SYSTEMS = {"gs": "gcsfs", "gcs": "gcsfs", "s3": "s3fs", "s3a": "s3fs", "abfs": "adlfs"}
_FILE_SYSTEMS |= {"az": "adlfs", "http": "aiohttp", "https": "aiohttp", "sftp": "paramiko"}
_FINAL = (
    FileNotFoundError,
    FileExistsError,
    PermissionError,
    IsADirectoryError,
    NotADirectoryError,
)
_FINAL_ERRNO = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.ENAMETOOLONG})
# Packages whose errors need be no OSError although the network is what failed.
_NETWORK = frozenset({"aiohttp", "azure", "botocore", "aiobotocore", "gcsfs", "google", "paramiko"})
_NETWORK |= frozenset({"requests", "s3fs", "urllib3"})
_RETRIED_STATUS = frozenset({408, 425, 429})


def is_url(path: str) -> bool:
    """Whether `path` is for fsspec to open."""
    return _URL.match(path) is not None


def local_path(path: Path | str) -> Path | None:
    """`path` as a local one, `file://` taken off; None where it lies on other storage."""
    if isinstance(path, Path) or not is_url(path):
        return Path(path)
    scheme, _, rest = path.partition("://")
    return Path(rest) if scheme in ("file", "local") else None


def file_system(url: str) -> tuple[Any, str]:
    """The fsspec file system of a URL, and the path inside it.

    Raises:
        MissingExtraError: the package for this kind of URL is not installed.
        InputError: there is no such kind of URL.
    """
    from fsspec.core import url_to_fs

    scheme = url.partition("://")[0]
    try:
        return url_to_fs(url)
    except ImportError as error:
        raise MissingExtraError(f"{url}", _FILE_SYSTEMS.get(scheme, "fsspec[full]")) from error
    except ValueError as error:
        from fsspec import available_protocols

        known = unknown_name(scheme, available_protocols(), "kind of URL")
        raise InputError(f"{url}: {known}") from error


def is_transient(error: BaseException) -> bool:
    """Whether the same request may succeed a moment later.

    fsspec's implementations share no tree of errors. What is missing, forbidden, full or refused
    with another 4xx than 408, 425 and 429 is final, and so are missing credentials; any other
    failure of the system or of a network package is not.
    """
    if isinstance(error, _FINAL) or "Credential" in type(error).__name__:
        return False
    for name in ("status", "code"):
        status = getattr(error, name, None)
        if isinstance(status, int) and 400 <= status < 500 and status not in _RETRIED_STATUS:
            return False
    if isinstance(error, OSError):
        return error.errno not in _FINAL_ERRNO
    if isinstance(error, EOFError):
        return True
    return type(error).__module__.partition(".")[0] in _NETWORK


class _ShortReadError(OSError):
    """Fewer bytes came than the range has."""


class Storage:
    """A directory that fsspec reaches; its methods may be called from several threads.

    Args:
        url: of the directory.

    Raises:
        MissingExtraError: the package for this kind of URL is not installed.
        InputError: there is no such kind of URL.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self.scheme = url.partition("://")[0]
        self._system, root = file_system(self.url)
        self._root: str = root.rstrip("/")

    def url_of(self, name: str) -> str:
        """URL of the file `name`."""
        return f"{self.url}/{name}"

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}" if name else self._root

    def _call(self, name: str, act: Callable[[], T], verb: str) -> T:
        """Do something with the file `name`, again where it may help.

        Raises:
            FileNotFoundError: as the file system gives it, which may be an answer.
            FormatError: the object ends too early, however often it is read.
            InputError: it cannot be done; the message says why.
        """
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return act()
            except FileNotFoundError:
                raise
            except PermissionError as error:
                reason = f"no permission ({_line(error)})" if _line(error) else "no permission"
                raise InputError(f"{self.url_of(name)}: {reason}; cannot {verb} it") from error
            except ImportError as error:
                package = _FILE_SYSTEMS.get(self.scheme, "fsspec[full]")
                raise MissingExtraError(self.url, package) from error
            except Exception as error:
                if attempt == ATTEMPTS or not is_transient(error):
                    if isinstance(error, _ShortReadError):
                        raise FormatError(f"{self.url_of(name)}: {error}; copy it again") from None
                    tried = f" (tried {attempt} times)" if attempt > 1 else ""
                    what = f"{type(error).__name__}: {_line(error)}"
                    raise InputError(
                        f"{self.url_of(name)}: cannot {verb} it{tried}: {what}"
                    ) from error
                pause = WAIT * 2 ** (attempt - 1)
                time.sleep(pause * (1 + random.random()))
        raise AssertionError("the last attempt returns or raises")

    def sizes(self, below: Iterable[str] = ("",)) -> dict[str, int]:
        """Bytes of every file, by name, in one listing for each of the directories `below`.

        A listing that has no sizes, such as a web server's, costs a request a file on top.

        Raises:
            InputError: it cannot be listed.
        """
        found: dict[str, int | None] = {}
        for directory in below:
            listed = self._call(directory, lambda d=directory: self._find(d), "list")
            found |= {
                path.removeprefix(self._root + "/"): info.get("size")
                for path, info in listed.items()
                if info.get("type") == "file"
            }
        unknown = [name for name, size in found.items() if size is None]
        if unknown:
            with ThreadPoolExecutor(16) as pool:
                found.update(zip(unknown, pool.map(self._size, unknown), strict=True))
        return {name: size for name, size in found.items() if size is not None}

    def _find(self, directory: str) -> dict[str, dict[str, Any]]:
        path = self._path(directory)
        self._system.invalidate_cache(path)  # of listings, which may be older than the store
        try:
            return self._system.find(path, detail=True)
        except FileNotFoundError:
            return {}

    def _size(self, name: str) -> int | None:
        return self._call(name, lambda: self._system.info(self._path(name)), "look at").get("size")

    def read(self, name: str) -> bytes | None:
        """A whole small file, or None where there is none.

        Raises:
            InputError: it cannot be read.
        """
        try:
            return self._call(name, lambda: self._system.cat_file(self._path(name)), "read")
        except FileNotFoundError:
            return None

    def read_range(self, name: str, start: int, stop: int) -> bytes:
        """Bytes `start … stop - 1` of a file, in one request.

        Raises:
            FormatError: the file is gone, or ends before `stop`.
            InputError: it cannot be read.
        """

        def fetch() -> bytes:
            data = self._system.cat_file(self._path(name), start=start, end=stop)
            if len(data) != stop - start:
                raise _ShortReadError(
                    f"truncated: bytes {start}..{stop} were asked for, {len(data)} came"
                )
            return data

        if start == stop:
            return b""
        try:
            return self._call(name, fetch, "read")
        except FileNotFoundError:
            raise FormatError(f"{self.url_of(name)}: missing; copy the store again") from None

    def put(self, file: Path, name: str) -> None:
        """Upload a local file; the object appears whole or not at all where the storage can.

        Raises:
            InputError: it cannot be written.
        """
        self._call(name, lambda: self._system.put_file(str(file), self._path(name)), "write")

    def write(self, name: str, data: bytes) -> None:
        """Write a small file.

        Raises:
            InputError: it cannot be written.
        """
        self._call(name, lambda: self._system.pipe_file(self._path(name), data), "write")

    def remove(self, name: str) -> None:
        """Remove a file if it is there."""
        try:
            self._call(name, lambda: self._system.rm_file(self._path(name)), "remove")
        except FileNotFoundError:
            return


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300]
