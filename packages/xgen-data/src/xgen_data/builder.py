"""From a recipe to a token store, in stages that can be stopped and started at any moment.

    run.json       the recipe's documents half
    work/          parts that were read, until the documents are complete   reading.py, removal.py
    documents/     cleaned, deduplicated, split text                        documents.py
    tokens/        shards of ids; tokens/build.json says by which tokenizer tokens.py
    tokenizer/     a copy of the tokenizer
    manifest.json  written last
    sections/      what `xgen report` shows

A stage is a list of idempotent tasks, and an executor (`xgen_data.executor`) sees to it that each
is done. What is complete is not done again, and the result is the same to the byte however often
the build was killed, and however many processes or machines there were.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from xgen_core import FormatError, InputError, Run, Tokenizer, open_tokenizer
from xgen_core.files import atomic_directory, atomic_file, read_json, write_json
from xgen_core.recipe import fingerprint
from xgen_data.documents import (
    SPLITS,
    DocumentsFile,
    DocumentsSummary,
    FileTask,
    check_training,
    finished_file,
    plan_files,
    read_summary,
    summarise,
    write_file,
    write_summary,
)
from xgen_data.executor import Executor, Processes, Ranks
from xgen_data.fim import FIM_MARKERS
from xgen_data.keys import KeyTable, open_keys
from xgen_data.manifest import Line, Manifest, Shard, TokenizerInfo, read_manifest, write_manifest
from xgen_data.reading import (
    MEMORY,
    ReadContext,
    ReadReceipt,
    ReadTask,
    finished_read,
    plan_reading,
    read_task,
)
from xgen_data.recipe import DataRecipe
from xgen_data.removal import NEAR_DUPLICATES, RemovalCount, remove_copies
from xgen_data.sections import documents_section, tokens_section
from xgen_data.store import TokenStore
from xgen_data.tokens import (
    EncodeContext,
    ShardTask,
    encode_task,
    finished_shard,
    shard_tasks,
    token_dtype,
)

__all__ = ["build"]


def build(
    recipe: DataRecipe,
    output: Path | str,
    *,
    until: Literal["documents", "tokens"] = "tokens",
    executor: Executor | None = None,
    workers: int = 0,
    tokenizer: Tokenizer | None = None,
    memory: int = MEMORY,
    say: Callable[[str], None] = lambda message: None,
) -> Path:
    """Build, or go on building, the token store of a recipe.

    Args:
        recipe: what to build.
        output: the store's directory; made if need be.
        until: the last stage to do. After `"documents"` the recipe's tokenizer may still be chosen.
        executor: who does the work; `Processes(workers=workers)` by default.
        workers: processes of this machine; 0 works in this one. With any, a script needs the usual
            `if __name__ == "__main__":`, because workers are spawned.
        tokenizer: use this object and not the recipe's; only in this process.
        memory: bytes that one task may hold before it spills to disk; changes nothing else.
        say: told what a long piece of work will cost before it begins.

    Returns:
        `output`.

    Raises:
        InputError: a source is missing or empty, or the directory holds another build.
        FormatError: a file of the directory is damaged.
        PluginError: nothing installed knows the recipe's tokenizer.
        XgenError: a worker process died.
        OSError: from the file system; nothing half-written is left then.
    """
    if tokenizer is not None and (workers or executor is not None):
        raise ValueError("worker processes open the recipe's tokenizer: give one or the other")
    executor = executor or Processes(workers=workers)
    builder = _Builder(recipe, Path(output), executor, memory, say)
    chosen = None
    if until == "tokens":  # before the long work, in case there is none
        chosen = tokenizer or open_tokenizer(recipe.tokenizer)
    run = Run.create(builder.store, "data", recipe.documents_settings())
    with _sole_builder(builder.store, builder.executor):
        summary = builder.documents()
        if builder.executor.leads:
            run.write_section("10-documents", documents_section(summary))
        if chosen is not None:
            manifest = builder.tokens(summary, chosen, given=tokenizer is not None)
            if builder.executor.leads:
                run.write_section("20-tokens", tokens_section(manifest))
    return builder.store


@contextlib.contextmanager
def _sole_builder(store: Path, executor: Executor) -> Iterator[None]:
    """Keep a second build out of the directory, and sweep up after what was killed."""
    if isinstance(executor, Ranks):  # others may be at work: their files are left until the end
        yield
        if executor.leads:
            _sweep(store)
        return
    descriptor = os.open(store, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"{store}: another build is at work here; wait for it") from None
        _sweep(store)
        try:
            yield
        finally:
            _sweep(store)  # worker processes that were interrupted
    finally:
        os.close(descriptor)


def _sweep(store: Path) -> None:
    for left in [*store.glob(".partial-*"), *store.glob("*/**/.partial-*")]:
        if left.is_dir():
            shutil.rmtree(left)
        else:
            left.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class _FileContext:
    """What the tasks that write documents share."""

    store: Path
    recipe: DataRecipe
    stems: tuple[tuple[int, Path], ...]


def _write_file_task(context: _FileContext, task: FileTask) -> DocumentsFile:
    tables = [open_keys(stem, source) for source, stem in context.stems if source == task.source]
    for table in tables:
        table.kept[:] = np.fromfile(_kept_path(context.store, table.stem), np.uint8)
    return write_file(context.store / "documents", context.recipe, tables, task)


def _kept_path(store: Path, stem: Path) -> Path:
    return store / "work" / "removal" / f"{stem.name}.kept"


class _Builder:
    def __init__(
        self,
        recipe: DataRecipe,
        store: Path,
        executor: Executor,
        memory: int,
        say: Callable[[str], None],
    ) -> None:
        self.recipe, self.store, self.executor = recipe, store, executor
        self.memory, self.say = memory, say
        self.work = store / "work"

    def documents(self) -> DocumentsSummary:
        """Read, remove copies, write the documents; at once if that is done."""
        done = self.store / "documents" / "summary.json"
        if not done.exists():
            self._make_documents(done)
        if self.executor.leads and self.work.exists():
            shutil.rmtree(self.work)
            for receipt in (self.store / "documents").glob("*/*.jsonl.json"):
                receipt.unlink()
        return read_summary(self.store)

    def _make_documents(self, done: Path) -> None:
        tasks = plan_reading(self.recipe, self.work)
        receipts = self.executor.map(
            "read",
            read_task,
            ReadContext(recipe=self.recipe, memory=self.memory),
            tasks,
            finished_read,
            unit="parts",
            over=done,
        )
        if done.exists():
            return
        # named after what was read, so that nobody takes an earlier decision for this one
        values = [receipt.to_json() for receipt in receipts]
        decided = self.work / "removal" / f"decided-{fingerprint(values)[:16]}.json"
        if self.executor.leads and not decided.exists():
            self._decide(tasks, decided)
        self.executor.wait(decided, over=done)
        if done.exists():
            return
        files = [FileTask.from_json(value) for value in read_json(decided)["files"]]
        directory = self.store / "documents"
        written = self.executor.map(
            "documents",
            _write_file_task,
            _FileContext(self.store, self.recipe, tuple((t.source, t.stem) for t in tasks)),
            files,
            lambda task: finished_file(directory, task),
            unit="files",
            over=done,
        )
        if self.executor.leads:
            self._summarise(tasks, receipts, decided, written)
        self.executor.wait(done)

    def _decide(self, tasks: Sequence[ReadTask], decided: Path) -> None:
        """Say which documents stay and which file each goes to."""
        tables = [open_keys(task.stem, task.source) for task in tasks]
        removed = remove_copies(self.recipe, tables, decided.parent, self.memory, self.say)
        files = plan_files(self.recipe, tables, self.memory)
        for table in tables:
            with atomic_file(_kept_path(self.store, table.stem)) as handle:
                handle.write(table.kept.tobytes())
        write_json(
            decided,
            {
                "removed": [count.to_json() for count in removed],
                "files": [task.to_json() for task in files],
            },
        )

    def _summarise(
        self,
        tasks: Sequence[ReadTask],
        receipts: Sequence[ReadReceipt],
        decided: Path,
        written: Sequence[DocumentsFile],
    ) -> None:
        tables: list[KeyTable] = []
        for task in tasks:
            table = open_keys(task.stem, task.source)
            table.kept[:] = np.fromfile(_kept_path(self.store, task.stem), np.uint8)
            tables.append(table)
        removed = [RemovalCount.from_json(value) for value in read_json(decided)["removed"]]
        parts = [(task.source, receipt) for task, receipt in zip(tasks, receipts, strict=True)]
        summary = summarise(self.recipe, parts, removed, tables, written)
        check_training(summary)
        self._remove_strangers(written)
        evidence = decided.parent / NEAR_DUPLICATES
        if evidence.exists():
            shutil.copyfile(evidence, self.store / "documents" / NEAR_DUPLICATES)
        write_summary(self.store, summary)

    def _remove_strangers(self, written: Sequence[DocumentsFile]) -> None:
        """Files of an earlier plan, from before an input changed, are no part of this build."""
        known = {self.store / "documents" / file.file for file in written}
        for path in (self.store / "documents").glob("*/*.jsonl"):
            if path not in known:
                path.unlink()

    def _whole_manifest(self) -> Manifest | None:
        """The manifest, if all the files that it names are there with their sizes."""
        try:
            return TokenStore.open(self.store).manifest
        except FormatError:
            return None

    def tokens(self, summary: DocumentsSummary, tokenizer: Tokenizer, *, given: bool) -> Manifest:
        """Encode the documents; at once if that is done."""
        info = TokenizerInfo(
            name=tokenizer.name,
            fingerprint=tokenizer.fingerprint,
            vocab_size=tokenizer.vocab_size,
            eos_id=tokenizer.eos_id,
            bos_id=tokenizer.bos_id,
        )
        if self.executor.leads:
            _fix_encoding(self.store, info, self.recipe.block_tokens)
            if not (self.store / "tokenizer").exists():
                with atomic_directory(self.store / "tokenizer") as directory:
                    tokenizer.save(directory)
        _check_markers(self.recipe, tokenizer)
        dtype = token_dtype(tokenizer.vocab_size)
        tasks = shard_tasks(self.store, self.recipe, summary, dtype)
        done = self.store / "manifest.json"
        wanted = {task.shard: task.documents_sha256 for task in tasks}
        if done.exists():
            manifest = self._whole_manifest()
            if manifest is not None and _encoded_documents(manifest) == wanted:
                return manifest
            if self.executor.leads:  # a shard was lost, or the documents came out different
                done.unlink()
        context = EncodeContext(
            uri=self.recipe.tokenizer,
            fingerprint=tokenizer.fingerprint,
            tokenizer=tokenizer if given else None,
        )
        shards = self.executor.map(
            "tokens", encode_task, context, tasks, finished_shard, unit="shards", over=done
        )
        if self.executor.leads:
            manifest = Manifest(
                dtype=dtype,
                tokenizer=info,
                block_tokens=self.recipe.block_tokens,
                splits=_splits(self.recipe, tasks, shards),
            )
            write_manifest(self.store, manifest)
        self.executor.wait(done)
        TokenStore.open(self.store)  # the sizes of what earlier, interrupted builds left
        return read_manifest(self.store)


def _check_markers(recipe: DataRecipe, tokenizer: Tokenizer) -> None:
    missing = [name for name in FIM_MARKERS if name not in tokenizer.special_ids]
    for source in recipe.sources:
        if source.fim is not None and missing:
            raise InputError(
                f"source {source.name!r} is to be filled in the middle, but tokenizer "
                f"{tokenizer.name!r} has no special token {', '.join(missing)}"
            )


def _encoded_documents(manifest: Manifest) -> dict[str, str]:
    return {
        shard.file: shard.documents_sha256
        for lines in manifest.splits.values()
        for line in lines.values()
        for shard in line.shards
    }


def _fix_encoding(store: Path, info: TokenizerInfo, block_tokens: int) -> None:
    """Write down how the documents are encoded, or refuse what differs from what is written."""
    wanted = {"tokenizer": info.to_json(), "block_tokens": block_tokens}
    if (store / "tokens" / "build.json").exists():
        found = read_json(store / "tokens" / "build.json")
    elif (store / "manifest.json").exists():
        found = read_manifest(store).to_json()
    else:
        write_json(store / "tokens" / "build.json", wanted)
        return
    for name, value in wanted.items():
        if found.get(name) != value:
            raise InputError(
                f"{store} is being encoded, or is encoded, with another {name} "
                f"({found.get(name)!r:.90}, now {value!r:.90}): give another directory, or remove "
                "manifest.json, tokens and tokenizer from this one to encode again"
            )


def _splits(
    recipe: DataRecipe, tasks: Sequence[ShardTask], shards: Sequence[Shard]
) -> dict[str, dict[str, Line]]:
    splits: dict[str, dict[str, Line]] = {}
    for split in SPLITS:
        for source in (config.name for config in recipe.sources):
            mine = tuple(
                shard
                for task, shard in zip(tasks, shards, strict=True)
                if (task.split, task.source) == (split, source)
            )
            if mine:
                splits.setdefault(split, {})[source] = Line(
                    tokens=sum(shard.tokens for shard in mine),
                    documents=sum(shard.documents for shard in mine),
                    bytes=sum(shard.bytes for shard in mine),
                    shards=mine,
                )
    return splits
