"""The tokenizer directory, format `xgen-tokenizer` version 1, that travels with every checkpoint.

    tokenizer_config.json   name, pattern, special tokens, BOS/EOS policy, checksums
    ranks.tiktoken          tiktoken's rank file: base64 of the token, a space, the id; a line each
    template.json           the chat template, where one was chosen

All are written at once or not at all, and checked when read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from xgen_core import ChatTemplate, CodecError, FormatError, InputError
from xgen_core.files import atomic_directory, check_format, read_json
from xgen_core.records import Record
from xgen_tokenizer.vocabulary import Vocabulary, parse_ranks

__all__ = [
    "CONFIG_NAME",
    "RANKS_NAME",
    "TEMPLATE_NAME",
    "TemplateFile",
    "TokenizerConfig",
    "read_directory",
    "read_template",
    "write_directory",
]

CONFIG_NAME = "tokenizer_config.json"
RANKS_NAME = "ranks.tiktoken"
TEMPLATE_NAME = "template.json"
_FORMAT = "xgen-tokenizer"
_TEMPLATE_FORMAT = "xgen-template"
_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenizerConfig(Record):
    """Content of `tokenizer_config.json`.

    Attributes:
        format, version: always `"xgen-tokenizer"` and 1.
        name: what people call the tokenizer.
        pattern: regular expression that cuts text into pieces.
        specials: id by name.
        eos, bos: names of the special tokens that end and begin a document; no BOS is null.
        ranks: name of the rank file beside this one.
        ranks_sha256: of that file's bytes.
        fingerprint: of the whole vocabulary, `Vocabulary.fingerprint`.
    """

    format: Literal["xgen-tokenizer"]
    version: Literal[1]
    name: str
    pattern: str
    specials: Mapping[str, int]
    eos: str
    bos: str | None
    ranks: Literal["ranks.tiktoken"]
    ranks_sha256: str
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateFile(Record):
    """Content of `template.json`.

    Attributes:
        format, version: always `"xgen-template"` and 1.
        template: the chat template.
    """

    format: Literal["xgen-template"]
    version: Literal[1]
    template: ChatTemplate


def write_directory(
    path: Path | str, name: str, vocabulary: Vocabulary, template: ChatTemplate | None = None
) -> None:
    """Write a tokenizer directory; one that holds exactly this tokenizer already is left alone.

    Raises:
        InputError: `path` exists and holds something else.
    """
    ranks = vocabulary.rank_lines()
    config = TokenizerConfig(
        format=_FORMAT,
        version=_VERSION,
        name=name,
        pattern=vocabulary.pattern,
        specials=vocabulary.specials,
        eos=vocabulary.eos,
        bos=vocabulary.bos,
        ranks=RANKS_NAME,
        ranks_sha256=hashlib.sha256(ranks).hexdigest(),
        fingerprint=vocabulary.fingerprint(),
    )
    contents = {CONFIG_NAME: _json(config), RANKS_NAME: ranks}
    if template is not None:
        contents[TEMPLATE_NAME] = _json(
            TemplateFile(format=_TEMPLATE_FORMAT, version=_VERSION, template=template)
        )
    if _holds(Path(path), contents):
        return
    with atomic_directory(path) as directory:
        for file, content in contents.items():
            (directory / file).write_bytes(content)


def _json(record: Record) -> bytes:
    return (json.dumps(record.to_json(), indent=2, ensure_ascii=False) + "\n").encode("utf-8")


def _holds(directory: Path, contents: Mapping[str, bytes]) -> bool:
    if TEMPLATE_NAME not in contents and (directory / TEMPLATE_NAME).exists():
        return False
    files = [directory / name for name in contents]
    return all(file.is_file() and file.read_bytes() == contents[file.name] for file in files)


def read_directory(path: Path | str) -> tuple[str, Vocabulary]:
    """Read a tokenizer directory; returns the tokenizer's name and vocabulary.

    Raises:
        InputError: there is no tokenizer in `path`.
        FormatError: a file is damaged, missing, or of a version that this release cannot read.
    """
    directory = Path(path)
    file = directory / CONFIG_NAME
    if not file.is_file():
        raise InputError(
            f"{directory}: no tokenizer in it: expected a directory with {CONFIG_NAME} and "
            f"{RANKS_NAME}, as written by xgen tokenizer train"
        )
    try:
        header = read_json(file)
    except InputError as error:
        raise FormatError(str(error)) from error
    check_format(header, name=_FORMAT, version=_VERSION, path=file)
    try:
        config = TokenizerConfig.from_json(header)
    except CodecError as error:
        raise FormatError(f"{file}: {error}") from error
    return config.name, _read_vocabulary(directory, config)


def read_template(path: Path | str) -> ChatTemplate | None:
    """The chat template in a tokenizer directory, or None where it holds none.

    Raises:
        FormatError: the file is damaged, or of a version that this release cannot read.
    """
    file = Path(path) / TEMPLATE_NAME
    if not file.is_file():
        return None
    try:
        header = read_json(file)
    except InputError as error:
        raise FormatError(str(error)) from error
    check_format(header, name=_TEMPLATE_FORMAT, version=_VERSION, path=file)
    try:
        return TemplateFile.from_json(header).template
    except CodecError as error:
        raise FormatError(f"{file}: {error}") from error


def _read_vocabulary(directory: Path, config: TokenizerConfig) -> Vocabulary:
    file = directory / config.ranks
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        raise FormatError(f"{file}: missing; copy the whole tokenizer directory again") from None
    if hashlib.sha256(data).hexdigest() != config.ranks_sha256:
        raise FormatError(
            f"{file}: damaged: its checksum is not the one in {CONFIG_NAME}; "
            "copy the tokenizer directory again"
        )
    try:
        vocabulary = Vocabulary(
            ranks=parse_ranks(data),
            specials=config.specials,
            eos=config.eos,
            bos=config.bos,
            pattern=config.pattern,
        )
    except ValueError as error:
        raise FormatError(f"{directory}: {error}") from error
    if vocabulary.fingerprint() != config.fingerprint:
        raise FormatError(
            f"{directory / CONFIG_NAME}: damaged: the fingerprint in it is not that of its content"
        )
    return vocabulary
