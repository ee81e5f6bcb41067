"""The token store's manifest: what `manifest.json` says, and its reading and writing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from xgen_core import FormatError, InputError
from xgen_core.codec import CodecError, encode
from xgen_core.files import check_format, write_json
from xgen_core.records import Record
from xgen_data.storage import Storage, local_path

__all__ = [
    "Line",
    "Manifest",
    "Shard",
    "TokenizerInfo",
    "parse_manifest",
    "read_manifest",
    "read_manifest_bytes",
    "write_manifest",
]

_FORMAT = "xgen-token-store"
_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenizerInfo(Record):
    """Which tokenizer made the ids; its directory is `tokenizer/` beside the manifest."""

    name: str
    fingerprint: str
    vocab_size: int
    eos_id: int
    bos_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard(Record):
    """A run of whole documents: `FILE.ids`, `FILE.offsets`, and where it has one, `FILE.mask`.

    Attributes:
        file: path below the store, without suffix.
        tokens, documents: how many; `.offsets` has `documents + 1` entries, `.ids` `tokens`.
        bytes: of the texts in UTF-8.
        sha256: of `.ids`.
        offsets_sha256: of `.offsets`.
        documents_sha256: of the documents file that it was encoded from.
        mask_sha256: of `.mask`, one byte a token: 1 where the token is a target of the loss. None
            where every token is, and there is no such file.
    """

    file: str
    tokens: int
    documents: int
    bytes: int
    sha256: str
    offsets_sha256: str
    documents_sha256: str
    mask_sha256: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line(Record):
    """One source of one split: its shards, end to end, are a line of tokens."""

    tokens: int
    documents: int
    bytes: int
    shards: tuple[Shard, ...]

    def __post_init__(self) -> None:
        for name in ("tokens", "documents", "bytes"):
            if getattr(self, name) != sum(getattr(shard, name) for shard in self.shards):
                raise ValueError(f"{name} is not the sum over the shards")


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest(Record):
    """`manifest.json`, written last: where it is, the store is complete.

    Attributes:
        dtype: of `.ids`, little-endian.
        splits: split → source → line.
    """

    dtype: Literal["uint16", "uint32"]
    tokenizer: TokenizerInfo
    block_tokens: int
    splits: Mapping[str, Mapping[str, Line]]


def write_manifest(store: Path, manifest: Manifest) -> None:
    """Write `manifest.json`."""
    values = {"format": _FORMAT, "version": _VERSION, **manifest.to_json()}
    write_json(store / "manifest.json", encode(values))


def read_manifest(store: Path | str) -> Manifest:
    """Read `manifest.json` of a store; a directory or a URL.

    Raises:
        InputError: there is none.
        FormatError: of another format or version, or damaged.
    """
    return parse_manifest(read_manifest_bytes(store), store)


def read_manifest_bytes(store: Path | str) -> bytes:
    """`manifest.json` as it is stored: its checksum is the store's fingerprint.

    Raises:
        InputError: there is none.
    """
    directory = local_path(store)
    if directory is None:
        content = Storage(str(store)).read("manifest.json")
        if content is None:
            raise InputError(f"{store}: not a finished token store: no manifest.json")
        return content
    try:
        return (directory / "manifest.json").read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        built = " (its documents are there: run xgen data build again)"
        raise InputError(
            f"{store}: not a finished token store: no manifest.json"
            + built * (directory / "documents" / "summary.json").exists()
        ) from None


def parse_manifest(content: bytes, store: Path | str) -> Manifest:
    """What the bytes of `manifest.json` say.

    Raises:
        InputError: they are not JSON.
        FormatError: of another format or version, or damaged.
    """
    path = f"{str(store).rstrip('/')}/manifest.json"
    try:
        found: object = json.loads(content)
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{path}: not JSON: {error}") from error
    values = check_format(found, name=_FORMAT, version=_VERSION, path=path)
    try:
        return Manifest.from_json(
            {key: value for key, value in values.items() if key not in ("format", "version")}
        )
    except CodecError as error:
        raise FormatError(f"{path}: {error}") from error
