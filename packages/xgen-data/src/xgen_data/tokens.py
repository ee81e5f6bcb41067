"""The second half of a build: every documents file becomes one shard of ids.

    tokens/train/SOURCE/00000.ids        raw little-endian uint16, or uint32 for large vocabularies
    tokens/train/SOURCE/00000.offsets    uint64: where each document begins, and the end of the last
    tokens/train/SOURCE/00000.json       the shard's receipt, written after both

File → shard is an idempotent task: a shard with a receipt for this very file is done, any other is
made again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np

from xgen_core import Document, FormatError, Tokenizer, open_tokenizer
from xgen_core.codec import CodecError
from xgen_core.files import atomic_file, read_json, read_jsonl, sha256_file, write_json
from xgen_data.documents import DocumentsSummary
from xgen_data.encoding import encode_texts
from xgen_data.manifest import Shard

__all__ = [
    "EncodeContext",
    "ShardTask",
    "encode_shard",
    "encode_task",
    "finished_shard",
    "shard_tasks",
    "token_dtype",
]

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
    """

    store: Path
    documents: str
    documents_sha256: str
    shard: str
    split: str
    source: str
    dtype: Literal["uint16", "uint32"]


def token_dtype(vocab_size: int) -> Literal["uint16", "uint32"]:
    """The smallest of the two that holds every id."""
    return "uint16" if vocab_size <= 2**16 else "uint32"


def shard_tasks(
    store: Path, summary: DocumentsSummary, dtype: Literal["uint16", "uint32"]
) -> list[ShardTask]:
    """All tasks, in the order of the summary's files."""
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
    """The shard, if its receipt says that it was made from this very file.

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
    return done if done.documents_sha256 == task.documents_sha256 else None


def encode_shard(task: ShardTask, tokenizer: Tokenizer) -> Shard:
    """Encode one documents file.

    Raises:
        FormatError: the documents file is not what was written.
        ValueError: the tokenizer gives ids outside its vocabulary.
        OSError: from the file system; nothing half-written is left then.
    """
    stem = task.store / task.shard
    receipt = stem.with_suffix(".json")
    receipt.unlink(missing_ok=True)
    path = task.store / "documents" / task.documents
    if sha256_file(path) != task.documents_sha256:
        raise FormatError(f"{path}: changed since it was written; build the documents again")
    starts = [np.zeros(1, np.int64)]
    tokens = size = 0
    digest = hashlib.sha256()
    with atomic_file(stem.with_suffix(".ids")) as handle:
        for texts in _batches(path):
            ids, offsets = encode_texts(texts, tokenizer)
            if ids.max() >= tokenizer.vocab_size:
                raise ValueError(
                    f"tokenizer {tokenizer.name!r} gave id {ids.max()}, but says that its "
                    f"vocab_size is {tokenizer.vocab_size}"
                )
            content = ids.astype(np.dtype(task.dtype).newbyteorder("<")).tobytes()
            handle.write(content)
            digest.update(content)
            starts.append(offsets[1:] + tokens)
            tokens += len(ids)
            size += sum(len(text.encode("utf-8")) for text in texts)
    starts_bytes = np.concatenate(starts).astype("<u8").tobytes()
    with atomic_file(stem.with_suffix(".offsets")) as handle:
        handle.write(starts_bytes)
    shard = Shard(
        file=task.shard,
        tokens=tokens,
        documents=len(starts_bytes) // 8 - 1,
        bytes=size,
        sha256=digest.hexdigest(),
        offsets_sha256=hashlib.sha256(starts_bytes).hexdigest(),
        documents_sha256=task.documents_sha256,
    )
    write_json(receipt, shard.to_json())
    return shard


def _batches(path: Path) -> Iterator[list[str]]:
    texts: list[str] = []
    size = 0
    for document in read_jsonl(path, Document.from_json):
        texts.append(document.text)
        size += len(document.text)
        if size >= _BATCH:
            yield texts
            texts, size = [], 0
    if texts:
        yield texts
