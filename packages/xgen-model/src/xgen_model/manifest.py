"""What a step of a checkpoint consists of: size and sha256 of every file, and whether it is so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from xgen_core.errors import FormatError, InputError
from xgen_core.files import check_format, read_json, sha256_file, write_json
from xgen_core.progress import Progress

__all__ = ["DamagedError", "Files", "find_damage", "list_files", "read_manifest", "write_manifest"]

Files = Mapping[str, Mapping[str, Any]]
"""`bytes` and `sha256` by path below the step."""

_FORMAT = "xgen-checkpoint-step"
_VERSION = 1


class DamagedError(FormatError):
    """A file of a checkpoint is missing, or not what it was when it was written."""


def write_manifest(directory: Path, files: Files) -> None:
    """Write `manifest.json`."""
    header = {"format": _FORMAT, "version": _VERSION, "files": dict(sorted(files.items()))}
    write_json(directory / "manifest.json", header)


def read_manifest(directory: Path) -> Files:
    """The files of a step.

    Raises:
        DamagedError: the manifest is not there or not JSON.
        FormatError: it is of another version.
    """
    where = directory / "manifest.json"
    try:
        header = check_format(read_json(where), name=_FORMAT, version=_VERSION, path=where)
    except InputError as error:
        raise DamagedError(str(error)) from error
    return header["files"]


def list_files(directory: Path, names: Iterable[str] | None = None) -> Files:
    """The files below a directory as they are, all of them by default."""
    if names is None:
        found = sorted(p for p in directory.rglob("*") if p.is_file())
        names = [p.relative_to(directory).as_posix() for p in found]
    return {
        name: {"bytes": (directory / name).stat().st_size, "sha256": digest}
        for name, digest in _checksums(directory, names, "taking checksums")
    }


def find_damage(directory: Path, files: Files, *, checksums: bool) -> str | None:
    """The first file that is not as listed, in one line; None where all are.

    Args:
        directory: of the step.
        files: which to look at.
        checksums: read them, rather than compare sizes alone.
    """
    for name, entry in files.items():
        file = directory / name
        if not file.is_file():
            return f"{file}: missing, but the manifest lists it"
        size = file.stat().st_size
        if size != entry["bytes"]:
            return f"{file}: damaged: {size} bytes, expected {entry['bytes']}"
    if checksums:
        for name, found in _checksums(directory, files, "verifying"):
            if found != files[name]["sha256"]:
                return f"{directory / name}: damaged: its sha256 is not the one in the manifest"
    return None


def _checksums(directory: Path, names: Iterable[str], label: str) -> Iterator[tuple[str, str]]:
    """Names with their sha256, showing progress: 27 GB take half a minute."""
    sizes = {name: (directory / name).stat().st_size for name in names}
    done = 0
    with Progress(label, sum(sizes.values()) // 2**20, unit="MiB") as progress:
        for name, size in sizes.items():
            yield name, sha256_file(directory / name)
            before, done = done >> 20, done + size
            progress.advance((done >> 20) - before)
