"""Walking a directory and reading one file of it: what text and code trees have in common."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from xgen_core import Document, InputError
from xgen_core.records import Scalar
from xgen_data.steps import Drop, Item

__all__ = ["read_file", "walk"]


def walk(root: Path, suffixes: frozenset[str]) -> Iterator[Path]:
    """Files below `root` with one of the suffixes (lower case), depth first, names in order.

    Raises:
        InputError: `root` is not a directory.
    """
    if not root.is_dir():
        raise InputError(f"{root}: no such directory")
    for directory, subdirectories, names in os.walk(root, onerror=_fail):
        subdirectories.sort()
        for name in sorted(names):
            if os.path.splitext(name)[1].lower() in suffixes:  # noqa: PTH122 - names are str
                yield Path(directory, name)


def _fail(error: OSError) -> None:
    raise error  # os.walk would otherwise leave an unreadable directory out without a word


def read_file(
    path: Path, *, name: str, source: str, metadata: Mapping[str, Scalar] | None = None
) -> Item:
    """One file as a document with `name` as its id, or the reason why it is none."""
    identity = name.encode("utf-8", "backslashreplace").decode()  # file names are bytes on disk
    if not path.is_file():
        return Drop(reason="not a regular file", example=identity)
    content = path.read_bytes()
    if not content:
        return Drop(reason="empty file", example=identity)
    if b"\0" in content:
        return Drop(reason="binary file (NUL bytes)", example=identity)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return Drop(reason="not UTF-8", example=identity)
    return Document(id=identity, text=text, source=source, metadata=dict(metadata or {}))
