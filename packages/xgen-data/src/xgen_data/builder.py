"""From a recipe to a token store, in two stages that can be stopped and started at any moment.

    run.json       the recipe's documents half          ┐ documents.py
    documents/     cleaned, deduplicated, split text    ┘
    tokens/        shards of ids; tokens/build.json says by which tokenizer ┐ tokens.py
    tokenizer/     a copy of the tokenizer                                  │
    manifest.json  written last                                             ┘
    sections/      what `xgen report` shows

A stage that is complete is not done again, one that is not is continued or redone, and the result
is the same to the byte however often that happened and however many workers there were.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from xgen_core import InputError, Run, Tokenizer, open_tokenizer
from xgen_core.files import atomic_directory, read_json, write_json
from xgen_data.documents import SPLITS, DocumentsSummary, build_documents, read_summary
from xgen_data.manifest import Line, Manifest, Shard, TokenizerInfo, read_manifest, write_manifest
from xgen_data.recipe import DataRecipe
from xgen_data.sections import documents_section, tokens_section
from xgen_data.store import TokenStore
from xgen_data.tokens import ShardTask, encode_shards, shard_tasks, token_dtype

__all__ = ["build"]


def build(
    recipe: DataRecipe,
    output: Path | str,
    *,
    until: Literal["documents", "tokens"] = "tokens",
    workers: int = 0,
    tokenizer: Tokenizer | None = None,
) -> Path:
    """Build, or go on building, the token store of a recipe.

    Args:
        recipe: what to build.
        output: the store's directory; made if need be.
        until: the last stage to do. After `"documents"` the recipe's tokenizer may still be chosen.
        workers: processes that encode; 0 encodes in this one. With any, a script needs the usual
            `if __name__ == "__main__":`, because workers are spawned.
        tokenizer: use this object and not the recipe's; only without workers.

    Returns:
        `output`.

    Raises:
        InputError: a source is missing or empty, or the directory holds another build.
        FormatError: a file of the directory is damaged.
        PluginError: nothing installed knows the recipe's tokenizer.
        OSError: from the file system; nothing half-written is left then.
    """
    if tokenizer is not None and workers:
        raise ValueError("worker processes open the recipe's tokenizer: give one or the other")
    store = Path(output)
    if until == "tokens" and tokenizer is None:
        chosen = open_tokenizer(recipe.tokenizer)  # before the long work, in case there is none
    else:
        chosen = tokenizer
    run = Run.create(store, "data", recipe.documents_settings())
    with _sole_builder(store):
        summary = _documents(recipe, store)
        run.write_section("10-documents", documents_section(summary))
        if until == "tokens":
            assert chosen is not None  # opened above
            manifest = _tokens(recipe, store, summary, chosen, workers)
            run.write_section("20-tokens", tokens_section(manifest))
    return store


@contextlib.contextmanager
def _sole_builder(store: Path) -> Iterator[None]:
    """Keep a second build out of the directory, and sweep up after what was killed."""
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
    for left in [*store.glob(".partial-*"), *store.glob("tokens/**/.partial-*")]:
        if left.is_dir():
            shutil.rmtree(left)
        else:
            left.unlink()


def _documents(recipe: DataRecipe, store: Path) -> DocumentsSummary:
    if (store / "documents").exists():
        return read_summary(store)
    return build_documents(recipe, store)


def _tokens(
    recipe: DataRecipe, store: Path, summary: DocumentsSummary, tokenizer: Tokenizer, workers: int
) -> Manifest:
    info = TokenizerInfo(
        name=tokenizer.name,
        fingerprint=tokenizer.fingerprint,
        vocab_size=tokenizer.vocab_size,
        eos_id=tokenizer.eos_id,
        bos_id=tokenizer.bos_id,
    )
    _fix_encoding(store, info, recipe.block_tokens)
    if not (store / "tokenizer").exists():
        with atomic_directory(store / "tokenizer") as directory:
            tokenizer.save(directory)
    dtype = token_dtype(tokenizer.vocab_size)
    tasks = shard_tasks(store, summary, dtype)
    if (store / "manifest.json").exists():
        manifest = TokenStore.open(store).manifest
        if _encoded_documents(manifest) == {task.shard: task.documents_sha256 for task in tasks}:
            return manifest
        (store / "manifest.json").unlink()  # the documents were made anew and came out different
    shards = encode_shards(tasks, tokenizer, uri=recipe.tokenizer, workers=workers)
    manifest = Manifest(
        dtype=dtype,
        tokenizer=info,
        block_tokens=recipe.block_tokens,
        splits=_splits(recipe, tasks, shards),
    )
    write_manifest(store, manifest)
    TokenStore.open(store)  # the sizes of what earlier, interrupted builds left are checked here
    return read_manifest(store)


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
    if (store / "manifest.json").exists():
        found = read_manifest(store).to_json()
    elif (store / "tokens" / "build.json").exists():
        found = read_json(store / "tokens" / "build.json")
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
