"""From one row (a JSON object, a line of a table) to a document: columns, ids, metadata."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from xgen_core import Document
from xgen_core.records import Scalar

__all__ = ["BadRowError", "document_from_row", "json_loader", "without_surrogates"]

_SURROGATE = re.compile("[\ud800-\udfff]")
_EXACT = 2.0**63
"""orjson reads integers beyond 64 bits as floats, the standard library exactly."""


class BadRowError(ValueError):
    """A row that cannot become a document; the message is a fixed phrase, for `Drop.reason`."""


def without_surrogates(text: str) -> str:
    r"""Leave out lone surrogates, such as JSON's `\ud83d` where an emoji was cut in two.

    No `Document` and no UTF-8 file can hold them. Nothing else of a text is touched by a reader.
    """
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return _SURROGATE.sub("", text)
    return text


def json_loader() -> Callable[[bytes], object]:
    """The quickest JSON parser there is here; all give the same values.

    That is `orjson` (`pip install 'xgen-data[fast]'`), and else the standard library's.
    What it refuses (NaN, lone surrogates, a byte-order mark) the standard library decides.
    """
    try:
        import orjson
    except ImportError:
        return _standard

    def loads(line: bytes) -> object:
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError:
            return _standard(line)
        return _standard(line) if _has_big_number(value) else value

    return loads


def _standard(line: bytes) -> object:
    try:
        return json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise BadRowError("this line is not UTF-8") from None
    except json.JSONDecodeError:
        raise BadRowError("this line is not JSON") from None


def _has_big_number(value: object) -> bool:
    if isinstance(value, float):
        return abs(value) >= _EXACT
    if isinstance(value, dict):
        return any(_has_big_number(v) for v in value.values() if not isinstance(v, str))
    if isinstance(value, list):
        return any(_has_big_number(v) for v in value if not isinstance(v, str))
    return False


def document_from_row(
    row: object, number: str, source: str, *, text: str = "text", id: str = "id", rest: bool = False
) -> Document:
    """Read one row, `{"text": …, "id": …, "meta": {…}}` with the column names given.

    Metadata that is a list or an object is kept as JSON text, because metadata is flat.

    Args:
        row: an object with the columns.
        number: the id of a row that has none.
        source: for the document.
        text: the text's column.
        id: the id's column.
        rest: take the other columns as metadata too, as tables have them. Off, only what lies under
            `meta` (or `metadata`) is, and the others are not looked at.

    Raises:
        BadRowError: the text is missing or not a string, or `meta` is not an object.
    """
    if not isinstance(row, Mapping):
        raise BadRowError(f'expected an object with "{text}"')
    content = row.get(text)
    if not isinstance(content, str):
        raise BadRowError(f'expected a string under "{text}"')
    name = "meta" if "meta" in row else "metadata"
    meta = row.get(name) or {}
    if not isinstance(meta, Mapping):
        if not rest:
            raise BadRowError('expected an object under "meta"')
        meta = {name: meta}
    metadata = {without_surrogates(str(key)): _flat(value) for key, value in meta.items()}
    if rest:
        for key, value in row.items():
            if key not in (text, id, name):
                metadata.setdefault(str(key), _flat(value))
    identity = row.get(id)
    return Document(
        id=number if identity in (None, "") else _identity(identity),
        text=without_surrogates(content),
        source=source,
        metadata=metadata,
    )


def _identity(value: object) -> str:
    return str(value).encode("utf-8", "backslashreplace").decode()


def _flat(value: Any) -> Scalar:
    if isinstance(value, str):
        return without_surrogates(value)
    if value is None or isinstance(value, (int, float, bool)):
        return value
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    return without_surrogates(json.dumps(value, ensure_ascii=False, default=str))
