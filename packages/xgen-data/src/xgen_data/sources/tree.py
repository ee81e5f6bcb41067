"""One file, one document: what text, code and book trees have in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from xgen_core import Document, InputError
from xgen_core.records import Scalar
from xgen_data.sources.files import (
    MAX_BYTES,
    DamageError,
    group_files,
    identity_of,
    is_missing,
    list_files,
    read_limited,
)
from xgen_data.sources.reader import Part
from xgen_data.steps import Drop, Item

__all__ = ["TOO_LARGE", "plan_tree", "read_file"]

TOO_LARGE = f"larger than {MAX_BYTES // 2**20} MiB"


def plan_tree(
    scheme: str, path: str, suffixes: Iterable[str], *, directory: bool = False
) -> tuple[Part, ...]:
    """Parts of the files with one of the suffixes below a directory, or of a glob or a file.

    Raises:
        InputError: nothing is there, or a file where only a `directory` will do.
    """
    what = "directory" if directory else "file or directory"
    try:
        listing = list_files(path, suffixes, what=what)
    except InputError as error:
        raise InputError(f"{scheme}:{error}") from error
    if listing.single and directory:
        raise InputError(f"{scheme}:{path}: no such directory")
    return group_files(listing)


def read_file(
    path: str, *, name: str, source: str, metadata: Mapping[str, Scalar] | None = None
) -> Item:
    """One file as a document with `name` as its id, or the reason why it is none.

    Raises:
        InputError: it cannot be read.
    """
    identity = identity_of(name)
    if is_missing(path):
        return Drop(reason="not a regular file", example=identity)
    try:
        content = read_limited(path)
    except DamageError as damage:
        return Drop(reason=damage.reason, example=f"{identity}:{damage.offset}", damaged=True)
    if content is None:
        return Drop(reason=TOO_LARGE, example=identity)
    if not content:
        return Drop(reason="empty file", example=identity)
    if b"\0" in content:
        return Drop(reason="binary file (NUL bytes)", example=identity)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return Drop(reason="not UTF-8", example=identity)
    return Document(id=identity, text=text, source=source, metadata=dict(metadata or {}))
