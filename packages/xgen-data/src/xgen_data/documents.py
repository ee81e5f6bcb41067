"""The first half of a build: sources → clean → content hash → deduplicated, split, in hash order.

    documents/train/SOURCE-00000.jsonl         core `Document`s, one a line
    documents/validation/SOURCE-00000.jsonl
    documents/summary.json                     what went in, what was dropped and why, what is here

The directory appears whole or not at all.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

from xgen_core import Document, FormatError, InputError
from xgen_core.codec import CodecError
from xgen_core.files import atomic_directory, read_json, read_jsonl, write_json
from xgen_core.progress import Progress
from xgen_core.records import Record
from xgen_data.recipe import DataRecipe
from xgen_data.sorter import Row, UniqueSorter
from xgen_data.sources import read_source
from xgen_data.steps import Funnel, run_steps
from xgen_data.steps.clean import cleaning_steps

__all__ = [
    "SPLITS",
    "SPLIT_GROUP",
    "DocumentsFile",
    "DocumentsSummary",
    "DropCount",
    "SourceSummary",
    "build_documents",
    "read_documents",
    "read_summary",
]

SPLITS = ("train", "validation")
SPLIT_GROUP = "split.group"
"""Metadata key: documents of equal value lie on one side of the split, whatever their text."""
MEMORY = 2**29
"""Bytes of documents held in memory before they are spilled to disk; the result does not depend on
it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DropCount(Record):
    """How many documents one step dropped for one reason, and the first of them."""

    step: str
    reason: str
    documents: int
    example: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSummary(Record):
    """A source's way through the build: `read = kept + duplicates + all drops`.

    Attributes:
        lengths: documents kept, by the largest power of two not above their UTF-8 length.
    """

    source: str
    uri: str
    read: int
    drops: tuple[DropCount, ...]
    duplicates: int
    kept: int
    lengths: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentsFile(Record):
    """One JSONL file; `bytes` counts the texts in UTF-8, not the file."""

    file: str
    split: str
    source: str
    documents: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentsSummary(Record):
    """`documents/summary.json`; files are in the order split, source of the recipe, number."""

    sources: tuple[SourceSummary, ...]
    files: tuple[DocumentsFile, ...]


def build_documents(
    recipe: DataRecipe, output: Path, *, memory: int | None = None
) -> DocumentsSummary:
    """Read, clean, deduplicate and split all sources into `output/documents`.

    Args:
        recipe: its encoding half is not looked at.
        output: an existing directory.
        memory: bytes of documents to hold before spilling; `MEMORY` by default.

    Raises:
        InputError: a source is missing, or has nothing left for training.
        OSError: from the file system; nothing half-written is left then.
    """
    with (
        atomic_directory(output / "documents", replace=True) as directory,
        tempfile.TemporaryDirectory(dir=output, prefix=".partial-spill-") as spill,
        contextlib.closing(UniqueSorter(Path(spill), memory or MEMORY)) as sorter,
    ):
        funnels = _fill(sorter, recipe)
        with _Writer(directory, recipe) as writer:
            for row in sorter:
                writer.write(row)
        summary = _summary(recipe, funnels, sorter.duplicates, writer)
        write_json(directory / "summary.json", summary.to_json())
    return summary


def read_summary(store: Path) -> DocumentsSummary:
    """Read `documents/summary.json` below `store`.

    Raises:
        InputError: there is none.
        FormatError: it is damaged.
    """
    path = store / "documents" / "summary.json"
    try:
        return DocumentsSummary.from_json(read_json(path))
    except CodecError as error:
        raise FormatError(f"{path}: {error}") from error


def read_documents(store: Path | str, split: str, source: str | None = None) -> Iterator[Document]:
    """Yield a built store's documents in content-hash order, source after source.

    Args:
        store: directory of a build.
        split: `"train"` or `"validation"`.
        source: of one source only.

    Raises:
        InputError: no such build, split or source.
    """
    files = read_summary(Path(store)).files
    chosen = [f for f in files if f.split == split and source in (None, f.source)]
    if not chosen:
        known = sorted({f"{f.split}/{f.source}" for f in files})
        raise InputError(f"{store}: no documents {split}/{source or '*'}; has {', '.join(known)}")
    for entry in chosen:
        yield from read_jsonl(Path(store, "documents", entry.file), Document.from_json)


def _fill(sorter: UniqueSorter, recipe: DataRecipe) -> list[Funnel]:
    steps = cleaning_steps(min_chars=recipe.min_chars, max_line=recipe.max_line)
    funnels: list[Funnel] = []
    with Progress("documents", unit="documents") as progress:
        for index, source in enumerate(recipe.sources):
            funnel = Funnel()
            funnels.append(funnel)
            chain = (*steps, *source.steps, *recipe.steps)
            for document in run_steps(read_source(source), chain, funnel):
                content = document.text.encode("utf-8")
                digest = hashlib.sha256(content).digest()
                held_out = _is_held_out(document, digest, recipe.validation_fraction)
                line = json.dumps(document.to_json(), ensure_ascii=False).encode("utf-8") + b"\n"
                sorter.add(Row(digest, index, held_out, len(content), line))
                progress.advance(note=source.name)
    return funnels


def _is_held_out(document: Document, digest: bytes, fraction: float) -> bool:
    """Decided by the hash of the text, or of its group, so that a group stays on one side."""
    group = document.metadata.get(SPLIT_GROUP)
    if group is not None:
        digest = hashlib.sha256(str(group).encode("utf-8")).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 < fraction


class _File:
    """A JSONL file being written."""

    def __init__(self, path: Path, name: str, split: str, source: str) -> None:
        path.parent.mkdir(exist_ok=True)
        self.handle: BinaryIO = path.open("xb")
        self.name, self.split, self.source = name, split, source
        self.documents = self.bytes = 0
        self._digest = hashlib.sha256()

    def write(self, row: Row) -> None:
        self.handle.write(row.line)
        self._digest.update(row.line)
        self.documents += 1
        self.bytes += row.size

    def finish(self) -> DocumentsFile:
        self.handle.close()
        return DocumentsFile(
            file=self.name,
            split=self.split,
            source=self.source,
            documents=self.documents,
            bytes=self.bytes,
            sha256=self._digest.hexdigest(),
        )


class _Writer:
    """Spreads rows in hash order over the files of their split and source."""

    def __init__(self, directory: Path, recipe: DataRecipe) -> None:
        self._directory = directory
        self._recipe = recipe
        self._open: dict[tuple[int, int], _File] = {}
        self._finished: dict[tuple[int, int], list[DocumentsFile]] = {}
        self.lengths: list[Counter[int]] = [Counter() for _ in recipe.sources]

    def write(self, row: Row) -> None:
        key = (int(row.held_out), row.source)
        file = self._open.get(key)
        if file is not None and file.bytes + row.size > self._recipe.shard_bytes:
            self._finish(key)
            file = None
        if file is None:
            split, source = SPLITS[key[0]], self._recipe.sources[row.source].name
            name = f"{split}/{source}-{len(self._finished.get(key, [])):05d}.jsonl"
            file = self._open[key] = _File(self._directory / name, name, split, source)
        file.write(row)
        self.lengths[row.source][1 << (row.size.bit_length() - 1)] += 1

    def _finish(self, key: tuple[int, int]) -> None:
        self._finished.setdefault(key, []).append(self._open.pop(key).finish())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            for key in list(self._open):
                self._finish(key)
        for file in self._open.values():
            with contextlib.suppress(OSError):  # the reason is on its way up already
                file.handle.close()

    def files(self) -> tuple[DocumentsFile, ...]:
        return tuple(f for key in sorted(self._finished) for f in self._finished[key])


def _summary(
    recipe: DataRecipe, funnels: list[Funnel], duplicates: Counter[int], writer: _Writer
) -> DocumentsSummary:
    sources: list[SourceSummary] = []
    for index, (source, funnel) in enumerate(zip(recipe.sources, funnels, strict=True)):
        lengths = writer.lengths[index]
        drops = tuple(
            DropCount(step=step, reason=reason, documents=count, example=funnel.examples[key])
            for key, count in funnel.dropped.items()
            for step, reason in [key]
        )
        sources.append(
            SourceSummary(
                source=source.name,
                uri=source.uri,
                read=funnel.read,
                drops=drops,
                duplicates=duplicates[index],
                kept=lengths.total(),
                lengths={str(size): lengths[size] for size in sorted(lengths)},
            )
        )
    files = writer.files()
    for summary in sources:
        if not any(f.split == "train" and f.source == summary.source for f in files):
            lost = [f"{d.documents} {d.reason}" for d in summary.drops]
            lost.append(f"{summary.duplicates} duplicates of it or of earlier sources")
            raise InputError(
                f"source {summary.source!r} has no document for training: {summary.read} read, "
                f"{summary.kept} kept; dropped: {'; '.join(lost)}"
            )
    return DocumentsSummary(sources=tuple(sources), files=files)
