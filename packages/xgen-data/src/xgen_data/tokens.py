"""The second half of a build: every documents file becomes one shard of ids.

    tokens/train/SOURCE/00000.ids        raw little-endian uint16, or uint32 for large vocabularies
    tokens/train/SOURCE/00000.offsets    uint64: where each document begins, and the end of the last
    tokens/train/SOURCE/00000.json       the shard's receipt, written after both

A source may be rearranged to be filled in the middle (`xgen_data.fim`); that happens here, because
its markers are special tokens, which no text may hold.

File → shard is an idempotent task: a shard with a receipt for this very file is done, any other is
made again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np

from xgen_core import Document, FormatError, Tokenizer, open_tokenizer
from xgen_core.codec import CodecError
from xgen_core.files import read_json, read_jsonl, sha256_file
from xgen_data.documents import SPLITS, DocumentsSummary
from xgen_data.encoding import encode_many, encode_texts
from xgen_data.fim import FillInTheMiddle
from xgen_data.manifest import Shard
from xgen_data.recipe import DataRecipe
from xgen_data.shards import ShardWriter

__all__ = [
    "EncodeContext",
    "ShardTask",
    "encode_shard",
    "encode_task",
    "finished_shard",
    "shard_tasks",
    "token_dtype",
]

T = TypeVar("T")

_BATCH = 2**21  # characters that go to the tokenizer at once


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardTask:
    """One documents file and the shard that it becomes.

    Attributes:
        store: the build's directory.
        documents: the JSONL file, below `store/documents`.
        documents_sha256: its checksum.
        shard: the shard's path below `store`, without suffix.
        split, source: which line the shard belongs to.
        dtype: of the ids.
        fim: whether documents are rearranged to be filled in the middle.
    """

    store: Path
    documents: str
    documents_sha256: str
    shard: str
    split: str
    source: str
    dtype: Literal["uint16", "uint32"]
    fim: FillInTheMiddle | None = None


def token_dtype(vocab_size: int) -> Literal["uint16", "uint32"]:
    """The smallest of the two that holds every id."""
    return "uint16" if vocab_size <= 2**16 else "uint32"


def shard_tasks(
    store: Path,
    recipe: DataRecipe,
    summary: DocumentsSummary,
    dtype: Literal["uint16", "uint32"],
) -> list[ShardTask]:
    """All tasks, in the order of the summary's files.

    What is held out is not rearranged, so that it measures the same with any setting.
    """
    fim = {source.name: source.fim for source in recipe.sources}
    tasks: list[ShardTask] = []
    for entry in summary.files:
        number = Path(entry.file).stem.removeprefix(f"{entry.source}-")
        tasks.append(
            ShardTask(
                store=store,
                documents=entry.file,
                documents_sha256=entry.sha256,
                shard=f"tokens/{entry.split}/{entry.source}/{number}",
                split=entry.split,
                source=entry.source,
                dtype=dtype,
                fim=fim[entry.source] if entry.split == SPLITS[0] else None,
            )
        )
    return tasks


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodeContext:
    """What all tasks share.

    Attributes:
        uri: how a process opens the tokenizer.
        fingerprint: of the tokenizer that it must be.
        tokenizer: the object itself, where tasks run in the process that has it.
    """

    uri: str
    fingerprint: str
    tokenizer: Tokenizer | None = None


def encode_task(context: EncodeContext, task: ShardTask) -> Shard:
    """`encode_shard` with the context's tokenizer.

    Raises:
        RuntimeError: the URI opens another tokenizer here than where the build was begun.
    """
    tokenizer = context.tokenizer or _opened(context.uri)
    if tokenizer.fingerprint != context.fingerprint:
        raise RuntimeError(f"tokenizer {context.uri} is another one in a worker process")
    return encode_shard(task, tokenizer)


@cache
def _opened(uri: str) -> Tokenizer:
    return open_tokenizer(uri)


def finished_shard(task: ShardTask) -> Shard | None:
    """The shard, if its receipt is about this documents file and its own files have their sizes.

    Raises:
        FormatError: the receipt is damaged.
    """
    receipt = (task.store / task.shard).with_suffix(".json")
    if not receipt.exists():
        return None
    try:
        done = Shard.from_json(read_json(receipt))
    except CodecError as error:
        raise FormatError(f"{receipt}: {error}; remove it and run again") from error
    stem = task.store / task.shard
    sizes = {
        ".ids": done.tokens * np.dtype(task.dtype).itemsize,
        ".offsets": 8 * done.documents + 8,
    }
    whole = all(
        (path := stem.with_suffix(suffix)).exists() and path.stat().st_size == size
        for suffix, size in sizes.items()
    )
    return done if whole and done.documents_sha256 == task.documents_sha256 else None


def encode_shard(task: ShardTask, tokenizer: Tokenizer) -> Shard:
    """Encode one documents file.

    Raises:
        FormatError: the documents file is not what was written.
        ValueError: the tokenizer gives ids outside its vocabulary.
        OSError: from the file system; nothing half-written is left then.
    """
    path = task.store / "documents" / task.documents
    if sha256_file(path) != task.documents_sha256:
        raise FormatError(f"{path}: changed since it was written; build the documents again")
    writer = ShardWriter(
        task.store, task.shard, dtype=task.dtype, masked=False, vocab_size=tokenizer.vocab_size
    )
    with writer:
        if task.fim is None:
            for texts in _batches(read_jsonl(path, _text), len):
                ids, offsets = encode_texts(texts, tokenizer)
                writer.add(ids, offsets, _bytes(texts))
        else:
            documents = read_jsonl(path, Document.from_json)
            for batch in _batches(documents, lambda document: len(document.text)):
                segments = [task.fim.segments(document) for document in batch]
                ids, _, offsets = encode_many(segments, tokenizer)
                writer.add(ids, offsets, _bytes([document.text for document in batch]))
    return writer.finish(task.documents_sha256)


def _text(row: object) -> str:
    """A document's text alone: to check the whole record took a quarter of this stage's time."""
    text = row.get("text") if isinstance(row, dict) else None
    if not isinstance(text, str):
        raise CodecError(f"expected a document with a text, got {row!r:.80}")
    return text


def _bytes(texts: Sequence[str]) -> int:
    return sum(len(text.encode("utf-8")) for text in texts)


def _batches(items: Iterable[T], size: Callable[[T], int]) -> Iterator[list[T]]:
    """Lists of items of `_BATCH` characters, or a little more."""
    batch: list[T] = []
    held = 0
    for item in items:
        batch.append(item)
        held += size(item)
        if held >= _BATCH:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch
