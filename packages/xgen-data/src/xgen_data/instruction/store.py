"""A token store of instruction data: the same files as any other, and a mask beside the ids.

    build_examples({"chat": Path("train.jsonl")}, "runs/chat", template=…, tokenizer=…)

So order, packing, loader and resumption are those of pre-training; the loss falls where the mask
is 1. Examples lie in the order of their content's hash. The store is fixed by what goes into it:
building it again is a look at its manifest.

With `row_tokens` whole examples are laid out in rows of that many tokens, and what is left of a row
is a document of EOS that counts nowhere. Windows of that length, cut from the line as it stands,
are then these rows: no example is cut, and the order of the data is still that of any store.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from xgen_core import ChatTemplate, InputError, Run, Tokenizer
from xgen_core.files import atomic_directory, sha256_file, write_json
from xgen_core.progress import track
from xgen_core.records import Scalar
from xgen_core.report import Section, Table
from xgen_data.encoding import Encoded
from xgen_data.instruction.encoding import EncodedExample, EncodingCounts, Overlong, encode_examples
from xgen_data.instruction.formats import read_examples
from xgen_data.instruction.layout import lay_out
from xgen_data.manifest import Line, Manifest, Shard, TokenizerInfo, write_manifest
from xgen_data.sections import tokens_section
from xgen_data.shards import ShardWriter
from xgen_data.steps import Drop
from xgen_data.tokens import token_dtype

__all__ = ["build_examples"]


@dataclass(frozen=True, slots=True)
class _Encoder:
    """How a file of examples becomes ids."""

    template: ChatTemplate
    tokenizer: Tokenizer
    max_tokens: int
    overlong: Overlong
    row_tokens: int
    prefixes: Mapping[str, Sequence[int]]

    @property
    def ids(self) -> int:
        """Ids lie below this."""
        virtual = max((max(ids, default=0) for ids in self.prefixes.values()), default=0)
        return max(self.tokenizer.vocab_size, virtual + 1)

    def room(self, name: str) -> int:
        """The longest example of a source, 0 for any."""
        limits = [n for n in (self.max_tokens, self.row_tokens) if n]
        return min(limits) - len(self.prefixes.get(name, ())) if limits else 0


def build_examples(
    train: Mapping[str, Path | str],
    output: Path | str,
    *,
    template: ChatTemplate,
    tokenizer: Tokenizer,
    validation: Mapping[str, Path | str] | None = None,
    max_tokens: int = 0,
    overlong: Overlong = "drop",
    row_tokens: int = 0,
    prefixes: Mapping[str, Sequence[int]] | None = None,
    block_tokens: int = 2**24,
) -> Path:
    """Encode files of `Example`s into a token store with loss masks.

    Args:
        train: file of examples by the name of their source in the store; as `prepare` writes them.
        output: the store's directory.
        template: how a conversation becomes text; it goes into the store's tokenizer directory.
        tokenizer: encodes it; a copy goes into the store.
        validation: likewise, for the validation split.
        max_tokens: examples of more ids are dropped or cut, as `overlong` says; 0 for no limit.
        overlong: as for `encode_example`.
        row_tokens: lay whole examples out in rows of so many ids, longer ones being dropped or cut;
            0 lays them end to end.
        prefixes: by source, ids that stand before each example and count nowhere, such as a soft
            prompt's, which lie beyond the vocabulary. They count among an example's ids.
        block_tokens: a line is shuffled in blocks of this many tokens.

    Returns:
        `output`.

    Raises:
        InputError: a file is missing or damaged, nothing in it can be encoded, or the directory
            holds another store.
        ValueError: a prefix leaves no room for an example, or is of no source.
    """
    store = Path(output)
    files = {"train": dict(train), "validation": dict(validation or {})}
    if not files["train"]:
        raise InputError("an instruction store needs at least one file of examples")
    before = {name: [int(i) for i in ids] for name, ids in (prefixes or {}).items()}
    encoder = _Encoder(template, tokenizer, max_tokens, overlong, row_tokens, before)
    for name, ids in before.items():
        if not any(name in of for of in files.values()):
            raise ValueError(f"a prefix for a source {name!r}, which has no file")
        if (max_tokens or row_tokens) and encoder.room(name) < 1:
            raise ValueError(f"{name!r}: a prefix of {len(ids)} ids leaves no room")
    settings = {
        "files": {
            split: {name: _digest(path) for name, path in sorted(of.items())}
            for split, of in files.items()
        },
        "template": template.to_json(),
        "tokenizer": tokenizer.fingerprint,
        "max_tokens": max_tokens,
        "overlong": overlong,
        "row_tokens": row_tokens,
        "prefixes": before,
        "block_tokens": block_tokens,
    }
    run = Run.create(store, "data", settings)
    if (store / "manifest.json").exists():
        return store
    if not (store / "tokenizer").exists():
        with atomic_directory(store / "tokenizer") as directory:
            tokenizer.save(directory)
            # what is tuned on this template is asked by it, whatever the tokenizer came with
            header = {"format": "xgen-template", "version": 1, "template": template.to_json()}
            write_json(directory / "template.json", header)
    splits: dict[str, dict[str, Line]] = {}
    rows: list[tuple[Scalar, ...]] = []
    for split, of in files.items():
        for name, path in sorted(of.items()):
            counts = EncodingCounts()
            shard = _encode_file(store, split, name, Path(path), encoder, counts)
            rows += _rows(split, name, counts)
            if shard is not None:
                splits.setdefault(split, {})[name] = Line(
                    tokens=shard.tokens,
                    documents=shard.documents,
                    bytes=shard.bytes,
                    shards=(shard,),
                )
    manifest = Manifest(
        dtype=token_dtype(encoder.ids),
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
    if counts.filler:
        yield split, name, "fills up rows", None, counts.filler, 0
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
    encoder: _Encoder,
    counts: EncodingCounts,
) -> Shard | None:
    """One shard from one file; None where a validation file holds nothing."""
    if split != "train" and not path.stat().st_size:
        return None
    found: dict[bytes, tuple[Encoded, int]] = {}
    for digest, size, item in _items(path, encoder, encoder.room(name)):
        for encoded in counts.count([item]):
            ids, mask = encoded.encoded
            before = np.asarray(encoder.prefixes.get(name, ()), np.uint32)
            counts.tokens += len(before)
            ids = np.concatenate([before, ids])
            mask = np.concatenate([np.zeros(len(before), np.uint8), mask])
            found.setdefault(digest, (Encoded(ids, mask), size))
    if not found:
        reasons = "; ".join(f"{n} {reason}" for reason, n in counts.dropped.items())
        raise InputError(f"{path}: no example can be encoded: {reasons or 'there is none'}")
    writer = ShardWriter(
        store,
        f"tokens/{split}/{name}/00000",
        dtype=token_dtype(encoder.ids),
        masked=True,
        vocab_size=encoder.ids,
    )
    examples = [found[digest] for digest in sorted(found)]
    with writer:
        if not encoder.row_tokens:
            for (ids, mask), size in examples:
                writer.add(ids, np.array([0, len(ids)]), size, mask)
        else:
            counts.filler = _write_rows(
                writer, examples, encoder.row_tokens, encoder.tokenizer.eos_id
            )
    return writer.finish(sha256_file(path))


def _write_rows(
    writer: ShardWriter, examples: Sequence[tuple[Encoded, int]], room: int, eos_id: int
) -> int:
    """Rows of whole examples, each filled up, and one id for the last window to look ahead to.

    Returns:
        Tokens that fill up.
    """
    filled = 0
    rows = lay_out([len(encoded.ids) for (encoded, _) in examples], room)
    for number, row in enumerate(rows):
        left = room - sum(len(examples[index][0].ids) for index in row)
        left += number == len(rows) - 1
        for index in row:
            (ids, mask), size = examples[index]
            writer.add(ids, np.array([0, len(ids)]), size, mask)
        if left:
            filler = np.full(left, eos_id, np.uint32)
            writer.add(filler, np.array([0, left]), 0, np.zeros(left, np.uint8))
            filled += left
    return filled


def _items(
    path: Path, encoder: _Encoder, room: int
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
            [example],
            encoder.template,
            encoder.tokenizer,
            max_tokens=room,
            overlong=encoder.overlong,
        ):
            yield hashlib.sha256(content).digest(), size, encoded
