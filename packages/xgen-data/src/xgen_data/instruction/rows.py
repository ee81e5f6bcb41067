"""Rows of a file, whatever its layout: JSON Lines or one JSON array, plain or through gzip.

A row that cannot be read is passed on as a `Drop` that names file and line; the others go on.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from xgen_core import InputError
from xgen_data.steps import Drop

__all__ = ["Row", "read_rows"]

_NO_OBJECT = "row is not a JSON object"
_NO_JSON = "row is not JSON"
_SPACE = re.compile(r"[ \t\r\n]*")
_UNREADABLE = (ValueError, RecursionError)
"""What the JSON decoder raises: bad syntax, bad UTF-8, a number of 5,000 digits; deep nesting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One JSON object, and the line of the file on which it begins, from 1."""

    values: Mapping[str, object]
    line: int


def read_rows(path: Path | str) -> Iterator[Row | Drop]:
    """Yield the objects of a JSON Lines file, or of a JSON array, in order.

    Which of the two it is, the first character that is no white space tells: `[` begins an array.
    An array is held in memory, lines are not. After damage inside an array nothing says where the
    next element begins, so the array ends there; lines go on.

    Raises:
        InputError: no such file, a directory, nothing in it, or a damaged gzip stream.
    """
    try:
        handle = Path(path).open("rb")  # noqa: SIM115 - opened here to tell a missing file apart
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise InputError(f"{path} is a directory: name the files in it") from None
    with handle:
        found = False
        for row in _from_lines(_lines(handle, path), path):
            found = True
            yield row
    if not found:
        raise InputError(f"{path}: there are no rows in it")


def _lines(handle: BinaryIO, path: Path | str) -> Iterator[bytes]:
    if handle.peek(2)[:2] != b"\x1f\x8b":  # type: ignore[attr-defined]  # a BufferedReader has it
        yield from handle
        return
    try:
        with gzip.GzipFile(fileobj=handle) as stream:
            yield from stream
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"{path}: damaged gzip file: {error}") from error


def _from_lines(lines: Iterator[bytes], path: Path | str) -> Iterator[Row | Drop]:
    first = True
    for number, line in enumerate(lines, 1):
        content = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
        if not content.strip():
            continue
        if first and content.lstrip().startswith(b"["):
            yield from _from_array(content + b"".join(lines), number, path)
            return
        first = False
        yield _row(content, number, path)


def _row(line: bytes, number: int, path: Path | str) -> Row | Drop:
    try:
        return _object(json.loads(line), number, path)
    except _UNREADABLE:
        return Drop(reason=_NO_JSON, example=f"{path}:{number}", damaged=True)


def _object(value: object, number: int, path: Path | str) -> Row | Drop:
    if not isinstance(value, dict):
        return Drop(reason=_NO_OBJECT, example=f"{path}:{number}", damaged=True)
    return Row(values=cast("dict[str, object]", value), line=number)


def _from_array(content: bytes, line: int, path: Path | str) -> Iterator[Row | Drop]:
    """Elements one by one, so that what stands before damage is not lost with it."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        number = line + content.count(b"\n", 0, error.start)
        yield Drop(reason="file is not UTF-8", example=f"{path}:{number}", damaged=True)
        return
    decoder = json.JSONDecoder()
    counted = place = 0
    place = _skip(text, text.index("[") + 1)
    while text[place : place + 1] != "]":
        line += text.count("\n", counted, place)
        counted = place
        try:
            value, place = decoder.raw_decode(text, place)
        except _UNREADABLE as error:
            where = error.pos if isinstance(error, json.JSONDecodeError) else place
            number = line + text.count("\n", counted, where)
            yield Drop(reason=_NO_JSON, example=f"{path}:{number}", damaged=True)
            return
        yield _object(value, line, path)
        place = _skip(text, place)
        if text[place : place + 1] == ",":
            place = _skip(text, place + 1)
        elif text[place : place + 1] != "]":
            number = line + text.count("\n", counted, place)
            reason = "array has no end or lacks a comma"
            yield Drop(reason=reason, example=f"{path}:{number}", damaged=True)
            return
    end = _skip(text, place + 1)
    if end < len(text):
        number = line + text.count("\n", counted, end)
        yield Drop(reason="text after the array", example=f"{path}:{number}", damaged=True)


def _skip(text: str, place: int) -> int:
    match = _SPACE.match(text, place)
    return match.end() if match else place
