"""`jsonl:FILE`: one JSON object a line, `{"text": …}` with optional `id` and `meta`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from xgen_core import CodecError, Document
from xgen_core.files import read_jsonl
from xgen_core.records import Scalar
from xgen_data.steps import Item

__all__ = ["document_from_row", "read_rows"]


def read_rows(path: str, source: str) -> Iterator[Item]:
    """Yield one document a row; its id is `id` or else the row's number, from 1.

    Raises:
        InputError: no such file, or a row that is not such an object; names file and line.
    """
    number = 0

    def parse(row: object) -> Document:
        nonlocal number
        number += 1
        return document_from_row(row, number, source)

    yield from read_jsonl(path, parse)


def document_from_row(row: object, number: int, source: str) -> Document:
    """Read one row; other keys than `text`, `id` and `meta` (or `metadata`) are not looked at.

    Metadata that is a list or an object is kept as JSON text, because metadata is flat.

    Raises:
        CodecError: `text` is missing or not a string, or `meta` is not an object.
    """
    if not isinstance(row, Mapping):
        raise CodecError(f'expected an object with "text", got {row!r:.80}')
    text = row.get("text")
    if not isinstance(text, str):
        raise CodecError(f'expected a string under "text", got {text!r:.80}')
    meta = row.get("meta", row.get("metadata")) or {}
    if not isinstance(meta, Mapping):
        raise CodecError(f'expected an object under "meta", got {meta!r:.80}')
    identity = row.get("id")
    return Document(
        id=str(number if identity in (None, "") else identity),
        text=text,
        source=source,
        metadata={str(key): _flat(value) for key, value in meta.items()},
    )


def _flat(value: object) -> Scalar:
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)
