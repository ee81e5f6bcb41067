"""The third stage: what is kept, split and in hash order, as files of documents.

    documents/train/SOURCE-00000.jsonl         core `Document`s, one a line
    documents/validation/SOURCE-00000.jsonl
    documents/summary.json                     what went in, what was dropped and why, what is here

A file is a range of the hash space, merged from the parts' files, and an idempotent task. The
summary is written last: where it is, the documents are complete.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from xgen_core import Document, FormatError, InputError
from xgen_core.codec import CodecError
from xgen_core.files import atomic_file, read_json, read_jsonl, write_json
from xgen_core.records import Record
from xgen_data.keys import KeyTable, hash_ranges
from xgen_data.reading import DropCount, ReadReceipt
from xgen_data.recipe import DataRecipe
from xgen_data.removal import RemovalCount

__all__ = [
    "SPLITS",
    "DocumentsFile",
    "DocumentsSummary",
    "FileTask",
    "SourceSummary",
    "finished_file",
    "plan_files",
    "read_documents",
    "read_summary",
    "summarise",
    "write_file",
]

SPLITS = ("train", "validation")


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSummary(Record):
    """A source's way through the build: `read = kept + removed + all drops`.

    Attributes:
        removed: copies, by kind: `exact`, `url`, `near`.
        lengths: documents kept, by the largest power of two not above their UTF-8 length.
        languages: documents that passed all steps, copies included, by language.
    """

    source: str
    uri: str
    read: int
    drops: tuple[DropCount, ...]
    removed: Mapping[str, int]
    kept: int
    lengths: Mapping[str, int]
    languages: Mapping[str, int]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class FileTask(Record):
    """One file to write: a source's documents of a split with `first <= high < last`.

    Attributes:
        file: below `documents`.
        first, last: range of the first eight bytes of the hash; `last` None has no end.
        documents, bytes: how many documents and bytes of text it will hold.
    """

    file: str
    split: str
    source: int
    first: int
    last: int | None
    documents: int
    bytes: int


def plan_files(recipe: DataRecipe, tables: Sequence[KeyTable], memory: int) -> list[FileTask]:
    """Cut each source's kept documents into files of at most `recipe.shard_bytes` of text.

    A single document may be larger.

    Raises:
        InputError: a source has nothing left for training.
    """
    tasks: list[FileTask] = []
    for held_out in (False, True):
        for index, source in enumerate(recipe.sources):
            mine = [table for table in tables if table.source == index]
            files = _cut(mine, held_out, recipe.shard_bytes, memory)
            split = SPLITS[held_out]
            tasks += [
                FileTask(
                    file=f"{split}/{source.name}-{number:05d}.jsonl",
                    split=split,
                    source=index,
                    first=first,
                    last=files[number + 1][0] if number + 1 < len(files) else None,
                    documents=documents,
                    bytes=size,
                )
                for number, (first, documents, size) in enumerate(files)
            ]
    return tasks


def _cut(
    tables: Sequence[KeyTable], held_out: bool, limit: int, memory: int
) -> list[tuple[int, int, int]]:
    """First hash, documents and bytes of each file."""
    files: list[tuple[int, int, int]] = []
    for slices in hash_ranges(tables, memory):
        high, size = [np.empty(0, np.uint64)], [np.empty(0, np.int64)]
        for table, part in zip(tables, slices, strict=True):
            keys = table.keys[part]
            wanted = (table.kept[part] > 0) & (keys["held_out"] == held_out)
            high.append(keys["high"][wanted])
            size.append(keys["bytes"][wanted].astype(np.int64))
        hashes, sizes = np.concatenate(high), np.concatenate(size)
        order = np.argsort(hashes, kind="stable")
        hashes, total = hashes[order], np.concatenate([[0], np.cumsum(sizes[order])])
        at = 0
        while at < len(hashes):
            room = limit - files[-1][2] if files else 0
            end = int(np.searchsorted(total, total[at] + room, "right")) - 1
            if end > at:  # the last file goes on
                first, documents, held = files[-1]
                files[-1] = (first, documents + end - at, held + int(total[end] - total[at]))
                at = end
            else:
                size_of_next = int(total[at + 1] - total[at])
                begin = int(hashes[at]) if files else 0
                files.append((begin, 1, size_of_next))
                at += 1
    return files


def finished_file(directory: Path, task: FileTask) -> DocumentsFile | None:
    """The receipt of a file, if it was written for this very task."""
    path = directory / f"{task.file}.json"
    if not path.exists():
        return None
    try:
        values = read_json(path)
        if FileTask.from_json(values["task"]) != task:
            return None
        return DocumentsFile.from_json(values["file"])
    except (CodecError, KeyError) as error:
        raise FormatError(f"{path}: {error}; remove it and run again") from error


def write_file(
    directory: Path, recipe: DataRecipe, tables: Sequence[KeyTable], task: FileTask
) -> DocumentsFile:
    """Write one file and its receipt.

    Args:
        directory: the store's `documents`.
        recipe: names the source.
        tables: of the task's source.
        task: what to write.

    Raises:
        OSError: from the file system; nothing half-written is left then.
    """
    rows: list[npt.NDArray[np.void]] = []
    for number, table in enumerate(tables):
        keys = table.keys
        low, high = (
            int(np.searchsorted(keys["high"], np.uint64(edge))) if edge is not None else len(keys)
            for edge in (task.first, task.last)
        )
        wanted = (table.kept[low:high] > 0) & (
            keys["held_out"][low:high] == (task.split == SPLITS[1])
        )
        mine = keys[low:high][wanted]
        found = np.empty(len(mine), _ROW)
        for name in ("high", "low", "offset", "length"):
            found[name] = mine[name]
        found["part"] = number
        rows.append(found)
    merged = np.concatenate(rows)
    merged = merged[np.lexsort((merged["low"], merged["high"]))]
    digest = hashlib.sha256()
    handles: dict[int, np.ndarray] = {}
    with atomic_file(directory / task.file) as out:
        for part, offset, length in zip(
            *(merged[name].tolist() for name in ("part", "offset", "length")), strict=True
        ):
            if part not in handles:
                path = tables[part].stem.with_suffix(".jsonl")
                handles[part] = np.memmap(path, np.uint8, mode="r")
            line = handles[part][offset : offset + length].tobytes()
            out.write(line)
            digest.update(line)
    file = DocumentsFile(
        file=task.file,
        split=task.split,
        source=recipe.sources[task.source].name,
        documents=task.documents,
        bytes=task.bytes,
        sha256=digest.hexdigest(),
    )
    receipt = {"task": task.to_json(), "file": file.to_json()}
    write_json(directory / f"{task.file}.json", receipt)
    return file


_ROW = np.dtype(
    [("high", "<u8"), ("low", "<u8"), ("offset", "<u8"), ("length", "<u4"), ("part", "<u4")]
)


def summarise(
    recipe: DataRecipe,
    receipts: Sequence[tuple[int, ReadReceipt]],
    removed: Sequence[RemovalCount],
    tables: Sequence[KeyTable],
    files: Sequence[DocumentsFile],
) -> DocumentsSummary:
    """Add up what the parts and the removal say.

    Args:
        recipe: the recipe.
        receipts: of all parts, each with the index of its source.
        removed: what went as copies.
        tables: of all parts.
        files: in the order of their tasks.

    Raises:
        InputError: a source has nothing left for training.
    """
    sources: list[SourceSummary] = []
    for index, source in enumerate(recipe.sources):
        mine = [receipt for of, receipt in receipts if of == index]
        copies = Counter({c.kind: c.documents for c in removed if c.source == source.name})
        copies["exact"] += sum(receipt.duplicates for receipt in mine)
        lengths: Counter[int] = Counter()
        for table in tables:
            if table.source == index:
                sizes = table.keys["bytes"][table.kept > 0]
                powers, counts = np.unique(np.frexp(sizes)[1] - 1, return_counts=True)
                lengths.update({2 ** int(p): int(n) for p, n in zip(powers, counts, strict=True)})
        sources.append(
            SourceSummary(
                source=source.name,
                uri=source.uri,
                read=sum(receipt.read for receipt in mine),
                drops=_add_up(mine),
                removed={kind: n for kind, n in copies.items() if n},
                kept=lengths.total(),
                lengths={str(size): lengths[size] for size in sorted(lengths)},
                languages=dict(sum((Counter(r.languages) for r in mine), Counter[str]())),
            )
        )
    return DocumentsSummary(sources=tuple(sources), files=tuple(files))


def _add_up(receipts: Sequence[ReadReceipt]) -> tuple[DropCount, ...]:
    counts: dict[tuple[str, str], DropCount] = {}
    for drop in (drop for receipt in receipts for drop in receipt.drops):
        key = (drop.step, drop.reason)
        before = counts.get(key)
        counts[key] = DropCount(
            step=drop.step,
            reason=drop.reason,
            documents=drop.documents + (before.documents if before else 0),
            example=before.example if before else drop.example,
        )
    return tuple(counts.values())


def check_training(summary: DocumentsSummary) -> None:
    """Refuse a build in which a source has nothing left for training.

    Raises:
        InputError: says where its documents went.
    """
    for source in summary.sources:
        if any(f.split == SPLITS[0] and f.source == source.source for f in summary.files):
            continue
        lost = [f"{d.documents} {d.reason}" for d in source.drops]
        lost += [
            f"{n} {kind} copies of it or of earlier sources" for kind, n in source.removed.items()
        ]
        raise InputError(
            f"source {source.source!r} has no document for training: {source.read} read, "
            f"{source.kept} kept; dropped: {'; '.join(lost) or 'none'}"
        )


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


def write_summary(store: Path, summary: DocumentsSummary) -> None:
    """Write `documents/summary.json`; the documents are complete then."""
    write_json(store / "documents" / "summary.json", summary.to_json())


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
