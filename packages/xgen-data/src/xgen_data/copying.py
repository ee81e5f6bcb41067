"""Copies of token stores between directories and object storage, in any direction.

`copying.json` at the target names the store that is on its way there, so that a second run knows
which objects to believe; the manifest goes last, and then `copying.json` is removed.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from xgen_core import FormatError, InputError
from xgen_core.files import atomic_file, sha256_file
from xgen_data.fetching import MAX_REQUEST
from xgen_data.storage import Storage, local_path
from xgen_data.store import TokenStore

__all__ = ["copy_store"]

_MANIFEST = "manifest.json"
_MARK = "copying.json"
_SECONDS = 2.0  # between two lines of progress


class _Directory:
    def __init__(self, root: Path) -> None:
        self.root = root

    def sizes(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for directory, _, names in os.walk(self.root):
            for path in (Path(directory, name) for name in names):
                if not path.name.startswith(".partial-") and path.is_file():
                    found[path.relative_to(self.root).as_posix()] = path.stat().st_size
        return found

    def read(self, name: str) -> bytes | None:
        path = self.root / name
        return path.read_bytes() if path.is_file() else None

    def write(self, name: str, data: bytes) -> None:
        with atomic_file(self.root / name) as handle:
            handle.write(data)

    def remove(self, name: str) -> None:
        (self.root / name).unlink(missing_ok=True)

    def stretches(self, name: str, size: int) -> Iterator[bytes]:
        with (self.root / name).open("rb") as handle:
            while data := handle.read(MAX_REQUEST):
                yield data


class _Bucket:
    def __init__(self, url: str) -> None:
        self.storage = Storage(url)
        self.read, self.write = self.storage.read, self.storage.write
        self.remove = self.storage.remove

    def sizes(self) -> dict[str, int]:
        return self.storage.sizes()

    def stretches(self, name: str, size: int) -> Iterator[bytes]:
        for start in range(0, size, MAX_REQUEST):
            yield self.storage.read_range(name, start, min(start + MAX_REQUEST, size))


def _place(location: Path | str) -> _Directory | _Bucket:
    directory = local_path(location)
    return _Bucket(str(location)) if directory is None else _Directory(directory)


def copy_store(
    source: Path | str,
    target: Path | str,
    *,
    workers: int = 8,
    say: Callable[[str], None] = lambda message: None,
) -> None:
    """Copy a finished store with everything beside it (documents, tokenizer, report sections).

    Files that an earlier copy of the same store left at the target are passed over where their
    sizes agree; at a local target shards must agree with their checksums, too.

    Args:
        source: directory or URL of the store.
        target: likewise; what is there must not be another store.
        workers: files that are copied at the same time.
        say: called with lines of progress.

    Raises:
        InputError: there is no store, another one is at the target, or storage fails.
        FormatError: a file is not what the manifest says, or is so once copied.
    """
    store = TokenStore.open(source)
    origin, place = _place(source), _place(target)
    content = origin.read(_MANIFEST)
    if content is None or hashlib.sha256(content).hexdigest() != store.fingerprint:
        raise FormatError(f"{source}: the store was changed while it was opened; copy it again")
    there = place.read(_MANIFEST)
    if there is not None and there != content:
        raise InputError(f"{target}: holds another token store; remove it or choose another name")
    mark = json.dumps({"manifest_sha256": store.fingerprint}).encode()
    known = there is not None or place.read(_MARK) == mark
    if there is None and not known:
        place.write(_MARK, mark)
    wanted = {n: s for n, s in origin.sizes().items() if n not in (_MANIFEST, _MARK)}
    digests = {file.name: file.sha256 for file in store.files()}
    found = place.sizes() if known else {}
    missing = {
        name: size
        for name, size in wanted.items()
        if found.get(name) != size or not _intact(place, name, digests.get(name))
    }
    total = sum(missing.values())
    say(f"{len(missing)} of {len(wanted)} files to copy, {total / 1e6:,.1f} MB")
    _copy_all(origin, place, missing, digests, workers, say)
    arrived = place.sizes()
    for name, size in wanted.items():
        if arrived.get(name) != size:
            raise FormatError(
                f"{target}/{name}: {arrived.get(name)} bytes arrived of {size}; copy it again"
            )
    place.write(_MANIFEST, content)
    place.remove(_MARK)
    say(f"{target}: complete")


def _intact(place: _Directory | _Bucket, name: str, digest: str | None) -> bool:
    """Whether a file that is there is the right one, as far as that is cheap to find out."""
    if digest is None or isinstance(place, _Bucket):
        return True
    return sha256_file(place.root / name) == digest


def _copy_all(
    origin: _Directory | _Bucket,
    place: _Directory | _Bucket,
    sizes: dict[str, int],
    digests: dict[str, str],
    workers: int,
    say: Callable[[str], None],
) -> None:
    total, done, told = sum(sizes.values()), 0, time.monotonic()
    stop = threading.Event()

    def work(name: str) -> int:
        if not stop.is_set():
            _copy(origin, place, name, sizes[name], digests.get(name))
        return sizes[name]

    with ThreadPoolExecutor(workers) as pool:
        copies = [pool.submit(work, name) for name in sizes]
        try:
            for number, finished in enumerate(as_completed(copies), 1):
                done += finished.result()
                if time.monotonic() - told >= _SECONDS:
                    told = time.monotonic()
                    say(f"{number}/{len(sizes)} files, {done / 1e6:,.1f}/{total / 1e6:,.1f} MB")
        except BaseException:
            stop.set()  # what waits would only be copied for nothing
            raise


def _copy(
    origin: _Directory | _Bucket,
    place: _Directory | _Bucket,
    name: str,
    size: int,
    digest: str | None,
) -> None:
    """Copy one file, by way of a temporary one between two storages."""
    if isinstance(place, _Directory):
        _write(origin, place.root / name, name, size, digest)
    elif isinstance(origin, _Directory):
        if digest is not None and sha256_file(origin.root / name) != digest:
            raise _damaged(name)
        place.storage.put(origin.root / name, name)
    else:
        with tempfile.TemporaryDirectory(prefix="xgen-copy-") as directory:
            path = Path(directory, "file")
            _write(origin, path, name, size, digest)
            place.storage.put(path, name)


def _write(
    origin: _Directory | _Bucket, path: Path, name: str, size: int, digest: str | None
) -> None:
    found = hashlib.sha256()
    with atomic_file(path) as handle:
        for data in origin.stretches(name, size):
            found.update(data)
            handle.write(data)
        if digest is not None and found.hexdigest() != digest:
            raise _damaged(name)


def _damaged(name: str) -> FormatError:
    return FormatError(f"{name}: its checksum is not the manifest's; build the store again")
