"""A token store of instruction data: the same files as any other, and a mask beside the ids.

    build_examples({"chat": Path("train.jsonl")}, "runs/chat", template=…, tokenizer=…)

So order, packing, loader and resumption are those of pre-training; the loss falls where the mask
is 1. Examples lie in the order of their content's hash. The store is fixed by what goes into it:
building it again is a look at its manifest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from xgen_core import ChatTemplate, InputError, Run, Tokenizer
from xgen_core.files import atomic_directory, sha256_file
from xgen_core.progress import track
from xgen_core.records import Scalar
from xgen_core.report import Section, Table
from xgen_data.encoding import Encoded
from xgen_data.instruction.encoding import EncodedExample, EncodingCounts, Overlong, encode_examples
from xgen_data.instruction.formats import read_examples
from xgen_data.manifest import Line, Manifest, Shard, TokenizerInfo, write_manifest
from xgen_data.sections import tokens_section
from xgen_data.shards import ShardWriter
from xgen_data.steps import Drop
from xgen_data.tokens import token_dtype

__all__ = ["build_examples"]


def build_examples(
    train: Mapping[str, Path | str],
    output: Path | str,
    *,
    template: ChatTemplate,
    tokenizer: Tokenizer,
    validation: Mapping[str, Path | str] | None = None,
    max_tokens: int = 0,
    overlong: Overlong = "drop",
    block_tokens: int = 2**24,
) -> Path:
    """Encode files of `Example`s into a token store with loss masks.

    Args:
        train: file of examples by the name of their source in the store; as `prepare` writes them.
        output: the store's directory.
        template: how a conversation becomes text.
        tokenizer: encodes it; a copy goes into the store.
        validation: likewise, for the validation split.
        max_tokens: examples of more ids are dropped or cut, as `overlong` says; 0 for no limit.
        overlong: as for `encode_example`.
        block_tokens: a line is shuffled in blocks of this many tokens.

    Returns:
        `output`.

    Raises:
        InputError: a file is missing or damaged, nothing in it can be encoded, or the directory
            holds another store.
    """
    store = Path(output)
    files = {"train": dict(train), "validation": dict(validation or {})}
    if not files["train"]:
        raise InputError("an instruction store needs at least one file of examples")
    settings = {
        "files": {
            split: {name: _digest(path) for name, path in sorted(of.items())}
            for split, of in files.items()
        },
        "template": template.to_json(),
        "tokenizer": tokenizer.fingerprint,
        "max_tokens": max_tokens,
        "overlong": overlong,
        "block_tokens": block_tokens,
    }
    run = Run.create(store, "data", settings)
    if (store / "manifest.json").exists():
        return store
    if not (store / "tokenizer").exists():
        with atomic_directory(store / "tokenizer") as directory:
            tokenizer.save(directory)
    splits: dict[str, dict[str, Line]] = {}
    rows: list[tuple[Scalar, ...]] = []
    for split, of in files.items():
        for name, path in sorted(of.items()):
            counts = EncodingCounts()
            shard = _encode_file(
                store, split, name, Path(path), template, tokenizer, max_tokens, overlong, counts
            )
            rows += _rows(split, name, counts)
            if shard is not None:
                splits.setdefault(split, {})[name] = Line(
                    tokens=shard.tokens,
                    documents=shard.documents,
                    bytes=shard.bytes,
                    shards=(shard,),
                )
    manifest = Manifest(
        dtype=token_dtype(tokenizer.vocab_size),
        tokenizer=TokenizerInfo(
            name=tokenizer.name,
            fingerprint=tokenizer.fingerprint,
            vocab_size=tokenizer.vocab_size,
            eos_id=tokenizer.eos_id,
            bos_id=tokenizer.bos_id,
        ),
        block_tokens=block_tokens,
        splits=splits,
    )
    write_manifest(store, manifest)
    columns = ("split", "source", "outcome", "examples", "tokens", "trained tokens")
    table = Table(columns=columns, rows=tuple(rows))
    encoded = sum(int(row[3] or 0) for row in rows if row[2] == "encoded")
    summary = f"{encoded:,} examples by the template {template.name!r}"
    run.write_section("10-examples", Section(title="Examples", summary=summary, blocks=(table,)))
    run.write_section("20-tokens", tokens_section(manifest))
    return store


def _rows(split: str, name: str, counts: EncodingCounts) -> Iterator[tuple[Scalar, ...]]:
    yield split, name, "encoded", counts.examples, counts.tokens, counts.trained_tokens
    if counts.truncated:
        yield split, name, "lost its oldest turns", counts.truncated, None, None
    for reason, number in counts.dropped.items():
        yield split, name, reason, -number, None, None


def _digest(path: Path | str) -> str:
    if not Path(path).is_file():
        raise InputError(f"{path}: no such file")
    return sha256_file(path)


def _encode_file(
    store: Path,
    split: str,
    name: str,
    path: Path,
    template: ChatTemplate,
    tokenizer: Tokenizer,
    max_tokens: int,
    overlong: Overlong,
    counts: EncodingCounts,
) -> Shard | None:
    """One shard from one file; None where a validation file holds nothing."""
    if split != "train" and not path.stat().st_size:
        return None
    found: dict[bytes, tuple[Encoded, int]] = {}
    for digest, size, item in _items(path, template, tokenizer, max_tokens, overlong):
        for encoded in counts.count([item]):
            found.setdefault(digest, (encoded.encoded, size))
    if not found:
        reasons = "; ".join(f"{n} {reason}" for reason, n in counts.dropped.items())
        raise InputError(f"{path}: no example can be encoded: {reasons or 'there is none'}")
    writer = ShardWriter(
        store,
        f"tokens/{split}/{name}/00000",
        dtype=token_dtype(tokenizer.vocab_size),
        masked=True,
        vocab_size=tokenizer.vocab_size,
    )
    with writer:
        for digest in sorted(found):
            (ids, mask), size = found[digest]
            writer.add(ids, np.array([0, len(ids)]), size, mask)
    return writer.finish(sha256_file(path))


def _items(
    path: Path,
    template: ChatTemplate,
    tokenizer: Tokenizer,
    max_tokens: int,
    overlong: Overlong,
) -> Iterator[tuple[bytes, int, EncodedExample | Drop]]:
    for example in track(read_examples(path), f"examples of {path.name}", unit="examples"):
        if isinstance(example, Drop):
            if example.damaged:
                raise InputError(f"{example.example}: {example.reason}")
            yield b"", 0, example
            continue
        content = json.dumps(
            [[m.role, m.content, m.trained] for m in example.messages], ensure_ascii=False
        ).encode("utf-8", "surrogatepass")
        size = sum(len(m.content.encode("utf-8", "replace")) for m in example.messages)
        for encoded in encode_examples(
            [example], template, tokenizer, max_tokens=max_tokens, overlong=overlong
        ):
            yield hashlib.sha256(content).digest(), size, encoded
