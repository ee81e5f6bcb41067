"""Text to train on, from `.txt` and `.jsonl` files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

from xgen_core import CodecError, InputError
from xgen_core.files import read_jsonl

__all__ = ["find_files", "read_texts"]

_SUFFIXES = (".txt", ".jsonl")
_CHUNK = 1 << 20


def find_files(inputs: Sequence[Path]) -> list[Path]:
    """The files that inputs stand for: a file itself, a directory all `.txt` and `.jsonl` below it.

    Inputs keep their order; what is in a directory is sorted by path.

    Raises:
        InputError: no such file, a file of another kind, or a directory without any.
    """
    files: list[Path] = []
    for path in inputs:
        if path.is_dir():
            found = sorted(f for f in path.rglob("*") if f.suffix in _SUFFIXES and f.is_file())
            if not found:
                raise InputError(f"{path}: no .txt or .jsonl file in this directory")
            files += found
        elif not path.is_file():
            raise InputError(f"{path}: no such file or directory")
        elif path.suffix not in _SUFFIXES:
            raise InputError(f"{path}: expected a .txt or .jsonl file, or a directory of them")
        else:
            files.append(path)
    return files


def read_texts(files: Sequence[Path]) -> Iterator[str]:
    """Yield the texts: the `text` of each line of a `.jsonl`, a `.txt` in chunks of whole lines.

    Raises:
        InputError: a file is not UTF-8 or a line has no text; names file and line.
    """
    for file in files:
        yield from read_jsonl(file, _text) if file.suffix == ".jsonl" else _read_plain(file)


def _read_plain(file: Path) -> Iterator[str]:
    try:
        with file.open(encoding="utf-8", newline="") as handle:
            while lines := handle.readlines(_CHUNK):
                yield "".join(lines)
    except UnicodeDecodeError as error:
        raise InputError(f"{file}: not UTF-8 text: {error.reason}") from error


def _text(row: object) -> str:
    text = cast("Mapping[str, object]", row).get("text") if isinstance(row, Mapping) else None
    if not isinstance(text, str):
        raise CodecError("expected an object with a string 'text', such as a Document")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise CodecError(f"'text' has a lone surrogate at character {error.start}") from None
    return text
