"""The first stage of a build: every part of every source, read, cleaned and sorted by content hash.

Part → key table is an idempotent task; `xgen_data.keys` draws the files that it leaves behind.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import struct
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from xgen_core import Document, InputError
from xgen_core.codec import CodecError
from xgen_core.errors import FormatError
from xgen_core.files import atomic_file, read_json, write_json
from xgen_core.records import Record
from xgen_data.keys import KEY
from xgen_data.recipe import DataRecipe, SourceConfig
from xgen_data.sorter import Row, UniqueSorter
from xgen_data.sources import describe_damage, plan_source, read_part
from xgen_data.sources.reader import Part
from xgen_data.steps import Drop, Funnel, Item, run_steps
from xgen_data.steps.clean import cleaning_steps

__all__ = [
    "SPLIT_GROUP",
    "DropCount",
    "ReadContext",
    "ReadReceipt",
    "ReadTask",
    "finished_read",
    "plan_reading",
    "read_task",
]

SPLIT_GROUP = "split.group"
"""Metadata key: documents of equal value lie on one side of the split, whatever their text."""
LANGUAGE = "language.code"
"""Metadata key that the report counts."""
MEMORY = 2**29
"""Bytes of documents that a task holds in memory before it spills them to disk; the result does not
depend on it."""
_BATCH = 256
_EXTRA = struct.Struct("<II?Qq")  # bytes, number, held_out, url, date


@dataclass(frozen=True, slots=True, kw_only=True)
class DropCount(Record):
    """How many documents one step dropped for one reason, and the first of them."""

    step: str
    reason: str
    documents: int
    example: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadReceipt(Record):
    """What became of one part: `read = documents + duplicates + all drops`.

    Attributes:
        part: which it was.
        documents: how many are in the part's files.
        duplicates: documents of the part whose text it had before.
        languages: documents by what the language step says of them, where one ran.
    """

    part: Part
    read: int
    drops: tuple[DropCount, ...]
    duplicates: int
    documents: int
    languages: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadTask:
    """One part and where its files go, `stem` being their path without suffix."""

    source: int
    part: Part
    stem: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadContext:
    """What all tasks share."""

    recipe: DataRecipe
    memory: int = MEMORY


def plan_reading(recipe: DataRecipe, work: Path) -> list[ReadTask]:
    """All tasks, sources in the recipe's order.

    Raises:
        InputError: a source does not exist, or has nothing to read.
    """
    tasks: list[ReadTask] = []
    for index, source in enumerate(recipe.sources):
        parts = plan_source(source)
        if not parts:
            raise InputError(f"source {source.name!r}: no document in {source.uri}")
        stems = (work / "read" / f"{source.name}-{number:05d}" for number in range(len(parts)))
        tasks += [
            ReadTask(source=index, part=part, stem=stem)
            for part, stem in zip(parts, stems, strict=True)
        ]
    return tasks


def finished_read(task: ReadTask) -> ReadReceipt | None:
    """The receipt, if there is one for this very part."""
    path = task.stem.with_suffix(".json")
    if not path.exists():
        return None
    try:
        receipt = ReadReceipt.from_json(read_json(path))
    except CodecError as error:
        raise FormatError(f"{path}: {error}; remove it and run again") from error
    return receipt if receipt.part == task.part else None


def read_task(context: ReadContext, task: ReadTask) -> ReadReceipt:
    """Read one part.

    Raises:
        InputError: the part is damaged, and the recipe says to stop then.
        OSError: from the file system; nothing half-written is left then.
    """
    recipe = context.recipe
    source = recipe.sources[task.source]
    basic = cleaning_steps(min_chars=recipe.min_chars, max_line=recipe.max_line)
    funnel = Funnel()
    items = _undamaged(read_part(source, task.part), source, recipe.damaged)
    documents = run_steps(items, (*basic, *source.steps, *recipe.steps), funnel)
    task.stem.parent.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(dir=task.stem.parent, prefix=".partial-spill-") as spill,
        contextlib.closing(UniqueSorter(Path(spill), context.memory)) as sorter,
    ):
        number, languages = 0, Counter[str]()
        for batch in _batches(documents):
            bands = recipe.deduplicate.bands([document.text for document in batch])
            for document, band in zip(batch, bands, strict=True):
                sorter.add(_row(document, number, band, recipe))
                if (language := document.metadata.get(LANGUAGE)) is not None:
                    languages[str(language)] += 1
                number += 1
        kept = _write(task.stem, sorter, recipe.deduplicate.near is not None)
        receipt = ReadReceipt(
            part=task.part,
            read=funnel.read,
            drops=tuple(
                DropCount(step=s, reason=r, documents=n, example=funnel.examples[s, r])
                for (s, r), n in funnel.dropped.items()
            ),
            duplicates=sorter.duplicates,
            documents=kept,
            languages={name: languages[name] for name in sorted(languages)},
        )
    write_json(task.stem.with_suffix(".json"), receipt.to_json())
    return receipt


def _undamaged(items: Iterator[Item], source: SourceConfig, policy: str) -> Iterator[Item]:
    for item in items:
        if isinstance(item, Drop) and item.damaged and policy == "stop":
            raise InputError(
                f"{describe_damage(source, item)}; mend or remove it and run again (what was read "
                "stays), or go on without what is damaged: --set damaged=drop"
            )
        yield item


def _batches(documents: Iterator[Document]) -> Iterator[list[Document]]:
    batch: list[Document] = []
    for document in documents:
        batch.append(document)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _row(document: Document, number: int, bands: bytes, recipe: DataRecipe) -> Row:
    content = document.text.encode("utf-8")
    digest = hashlib.sha256(content).digest()
    held_out = _is_held_out(document, digest, recipe.validation_fraction)
    url, date = recipe.deduplicate.address(document)
    line = json.dumps(document.to_json(), ensure_ascii=False).encode("utf-8") + b"\n"
    return Row(digest, _EXTRA.pack(len(content), number, held_out, url, date) + bands, line)


def _is_held_out(document: Document, digest: bytes, fraction: float) -> bool:
    """Decided by the hash of the text, or of its group, so that a group stays on one side."""
    group = document.metadata.get(SPLIT_GROUP)
    if group is not None:
        digest = hashlib.sha256(str(group).encode("utf-8")).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 < fraction


def _write(stem: Path, sorter: UniqueSorter, with_bands: bool) -> int:
    """Write a part's files and return how many documents they hold."""
    keys: list[tuple[int, ...]] = []
    offset = 0
    with contextlib.ExitStack() as stack:
        lines = stack.enter_context(atomic_file(stem.with_suffix(".jsonl")))
        bands = stack.enter_context(atomic_file(stem.with_suffix(".bands"))) if with_bands else None
        for digest, extra, line in sorter:
            size, number, held_out, url, date = _EXTRA.unpack_from(extra)
            high, low = (int.from_bytes(digest[i : i + 8], "big") for i in (0, 8))
            keys.append((high, low, offset, len(line), size, number, held_out, url, date))
            lines.write(line)
            offset += len(line)
            if bands is not None:
                bands.write(extra[_EXTRA.size :])
    with atomic_file(stem.with_suffix(".keys")) as handle:
        handle.write(np.array(keys, KEY).tobytes())
    return len(keys)
