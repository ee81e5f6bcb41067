"""A data recipe: which text, cleaned how, encoded with what."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Literal

from xgen_core import InputError
from xgen_core.codec import JSON, encode
from xgen_core.files import sha256_file
from xgen_data.deduplication import Deduplication
from xgen_data.fim import FillInTheMiddle
from xgen_data.overlap.benchmarks import Benchmark
from xgen_data.steps.step import Step

__all__ = ["DataRecipe", "SourceConfig"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceConfig:
    """One component of the mixture.

    Attributes:
        name: its name in the store, in mixture weights and in file names.
        uri: `scheme:rest`; `xgen_data.sources` lists the schemes.
        text, id: names of the columns that hold the text and its id, where rows have columns.
        steps: run on this source only, before those of the recipe.
        fim: rearrange a share of its training documents to be filled in the middle.
    """

    name: str
    uri: str
    text: str = "text"
    id: str = "id"
    steps: tuple[Step, ...] = ()
    fim: FillInTheMiddle | None = None

    @property
    def scheme(self) -> str:
        """What the URI begins with, such as `"jsonl"`."""
        return self.uri.partition(":")[0]

    @property
    def rest(self) -> str:
        """What follows the scheme."""
        return self.uri.partition(":")[2]

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(
                f"source name {self.name!r}: use letters, digits, '.', '_' and '-', as it becomes "
                "a file name"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class DataRecipe:
    """From sources to a token store.

    Attributes:
        sources: of equal documents the first source keeps its copy.
        validation_fraction: share of documents held out, chosen by content hash (or by that of the
            document's metadata `split.group`), so that a text stays on its side of the split
            whatever else changes.
        steps: run on every source, after the basic cleaning and the source's own steps.
        damaged: `"stop"` at damaged input (naming file and offset; what was read stays), or
            `"drop"`: count it and go on.
        deduplicate: which documents count as the same. Exact copies always do.
        min_chars: shorter documents are dropped.
        max_line: documents with a longer line are dropped.
        shard_bytes: UTF-8 bytes of text after which a new file begins; a file is the unit of work.
        tokenizer: name, directory or URI for `open_tokenizer`.
        block_tokens: a line is shuffled in blocks of this many tokens.
    """

    sources: tuple[SourceConfig, ...]
    steps: tuple[Step, ...] = ()
    damaged: Literal["stop", "drop"] = "stop"
    deduplicate: Deduplication = field(default_factory=Deduplication)
    validation_fraction: float = 0.01
    min_chars: int = 16
    max_line: int = 100_000
    shard_bytes: int = 2**27
    tokenizer: str = "xgen"
    block_tokens: int = 2**24

    def __post_init__(self) -> None:
        names = [source.name for source in self.sources]
        if not names:
            raise ValueError("a data recipe needs at least one source")
        if len(set(names)) != len(names):
            raise ValueError(f"source names must differ, got {', '.join(names)}")
        if not 0 <= self.validation_fraction < 1:
            raise ValueError(
                f"validation_fraction must lie in [0, 1), got {self.validation_fraction}"
            )
        if min(self.min_chars, self.max_line, self.shard_bytes, self.block_tokens) < 1:
            raise ValueError("min_chars, max_line, shard_bytes and block_tokens must be positive")

    def documents_settings(self) -> dict[str, JSON]:
        """Everything that decides what the documents are; the rest concerns their encoding.

        A vocabulary may be trained on the documents before there is a tokenizer to name, so the two
        halves of a recipe are fixed at different times. Files that steps read are named with their
        checksums, so that a build does not go on with another model or list.

        Raises:
            InputError: such a file is missing.
        """
        encoding = ("tokenizer", "block_tokens")
        values = encode(self)
        assert isinstance(values, dict)  # encode() makes a dict of a dataclass
        settings = {name: value for name, value in values.items() if name not in encoding}
        return {**settings, "inputs": dict(_inputs(self))}


def _inputs(value: object) -> Iterator[tuple[str, str]]:
    """Path and sha256 of the files that steps name: lists, models, benchmarks.

    Raises:
        InputError: one is not there.
    """
    if isinstance(value, Benchmark):
        yield value.path, value.digest()
    elif isinstance(value, Path):
        if not value.is_file():
            raise InputError(f"{value}: no such file; a step of the recipe needs it")
        yield str(value), sha256_file(value)
    elif isinstance(value, tuple):
        for item in value:
            yield from _inputs(item)
    elif is_dataclass(value) and not isinstance(value, type):
        for item in fields(value):
            yield from _inputs(getattr(value, item.name))
