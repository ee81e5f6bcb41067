"""`arxiv:PATH`: papers from LaTeX sources, as arXiv hands them out.

PATH is a directory, a glob or a file: a `.tex`; a paper's `.tar.gz` (or `.gz` of a single file,
which is how arXiv stores small papers); or one of the bulk `.tar` files (`arXiv_src_2304_001.tar`),
which hold such archives, and `.pdf` files for papers without sources, which are passed over.

A paper becomes one document: the main file with all that it includes, cleaned by the rules of
RedPajama-1T (see `latex`). Archives are read as streams, and only their `.tex` files are kept.
Files that are not UTF-8 are read as Latin-1, where RedPajama leaves such papers out.

Metadata: `arxiv.id`, `arxiv.url` and `arxiv.month` (`YYMM`), where the file name is an arXiv id;
`arxiv.main`, the main file.
"""

from __future__ import annotations

import gzip
import io
import re
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import IO

from xgen_core import Document, InputError
from xgen_core.records import Scalar
from xgen_data.recipe import SourceConfig
from xgen_data.sources.files import (
    MAX_BYTES,
    DamageError,
    group_files,
    identity_of,
    list_files,
    open_bytes,
    part_files,
)
from xgen_data.sources.latex import clean_latex, join_files, main_file
from xgen_data.sources.reader import Part
from xgen_data.sources.tree import TOO_LARGE
from xgen_data.steps import Drop, Item

__all__ = ["ArxivReader"]

_SUFFIXES = (".tex", ".gz", ".tar", ".tgz")
_ENDINGS = re.compile(r"(\.(tex|tar|gz|tgz))+$", re.IGNORECASE)
_NEW_ID = re.compile(r"(\d{4})\.(\d{4,5})(v\d+)?")
_OLD_ID = re.compile(r"([a-z-]+)(?:\.[A-Z]{2})?[/_]?(\d{4})(\d{3})(v\d+)?")
_SNIFF = 512
_BROKEN = (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, DamageError)


@dataclass(frozen=True, slots=True)
class ArxivReader:
    """Reads `arxiv:PATH`."""

    def plan(self, config: SourceConfig) -> tuple[Part, ...]:
        """Papers together, bulk archives each by itself.

        Raises:
            InputError: no such file.
        """
        try:
            listing = list_files(config.rest)
        except InputError as error:
            raise InputError(f"arxiv:{error}") from error
        if not listing.single:
            files = tuple(f for f in listing.files if f.name.lower().endswith(_SUFFIXES))
            listing = replace(listing, files=files)
        return group_files(listing)

    def read(self, part: Part, config: SourceConfig) -> Iterator[Item]:
        """Yield one document a paper; its id is that of arXiv, or else the file's name.

        Raises:
            InputError: no such file.
        """
        for name, path in part_files(part):
            with open_bytes(path) as stream:
                try:
                    yield from _read(stream, name, config.name)
                except _BROKEN:
                    reason = "the archive is truncated or damaged"
                    yield Drop(reason=reason, example=identity_of(path), damaged=True)


def _read(stream: io.BufferedReader | gzip.GzipFile, name: str, source: str) -> Iterator[Item]:
    """One file, already without its outer compression: an archive or a single source."""
    if stream.peek(_SNIFF)[257:262] != b"ustar":
        content = stream.read(MAX_BYTES + 1)
        yield _paper({PurePosixPath(name).name: content}, name, source)
        return
    files: dict[str, bytes] = {}
    size = 0
    bulk = False
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            suffix = PurePosixPath(member.name.lower()).suffix
            if suffix == ".pdf" and bulk:
                yield Drop(reason="a PDF without sources", example=identity_of(member.name))
            if not member.isfile() or suffix not in (".tex", ".gz"):
                continue
            content = archive.extractfile(member)
            assert content is not None  # it is a regular file
            if suffix == ".gz":
                bulk = True
                yield _member(content, member.name, source)
            else:
                size += member.size
                kept = size <= MAX_BYTES  # if not, the paper is dropped; do not hold it
                files[member.name.removeprefix("./")] = content.read() if kept else b""
    if size > MAX_BYTES:
        yield Drop(reason=TOO_LARGE, example=identity_of(name))
    elif files or not bulk:
        yield _paper(files, name, source)


def _member(content: IO[bytes], name: str, source: str) -> Item:
    """A paper inside a bulk archive; damage there ends the paper and not the archive."""
    try:
        with gzip.GzipFile(fileobj=content) as stream:
            items = list(_read(stream, name.removesuffix(".gz"), source))
    except (*_BROKEN, OSError):
        reason = "the archive is truncated or damaged"
        return Drop(reason=reason, example=identity_of(name), damaged=True)
    return items[0]


def _paper(files: dict[str, bytes], name: str, source: str) -> Item:
    example = identity_of(name)
    texts = {file: _decode(content) for file, content in files.items()}
    main = main_file(texts)
    if main is None:
        return Drop(reason="no LaTeX source", example=example)
    if len(texts[main]) > MAX_BYTES:
        return Drop(reason=TOO_LARGE, example=example)
    if "\0" in texts[main] or texts[main].startswith("%PDF"):
        return Drop(reason="no LaTeX source", example=example)
    text = clean_latex(join_files(texts, main))
    if not text:
        return Drop(reason="no section heading", example=example)
    identity, month = _arxiv_id(name)
    metadata: dict[str, Scalar] = {"arxiv.main": identity_of(main)}
    if month:
        url = f"https://arxiv.org/abs/{identity}"
        metadata |= {"arxiv.id": identity, "arxiv.month": month, "arxiv.url": url}
    return Document(id=identity, text=text, source=source, metadata=metadata)


def _decode(content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n")  # `%` ends at a line end


def _arxiv_id(name: str) -> tuple[str, str]:
    """The paper's id and month by its file name, or the name and ""."""
    stem = _ENDINGS.sub("", name)
    last = PurePosixPath(stem).name
    if (new := _NEW_ID.fullmatch(last)) is not None:
        return f"{new[1]}.{new[2]}", new[1]
    if (old := _OLD_ID.fullmatch(last)) is not None:
        return f"{old[1]}/{old[2]}{old[3]}", old[2]
    return identity_of(stem), ""
