"""Fields of rows whose other fields are not ours to know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from xgen_core import CodecError

__all__ = ["text", "texts"]


def text(row: Mapping[str, object], name: str) -> str:
    """A field that is text.

    Raises:
        CodecError: it is missing or something else.
    """
    if name not in row:
        raise CodecError(f"no field {name!r}; there are {', '.join(sorted(row)) or 'none'}")
    value = row[name]
    if not isinstance(value, str):
        raise CodecError(f"{name}: expected text, got {value!r:.80}")
    return value


def texts(row: Mapping[str, object], name: str) -> tuple[str, ...]:
    """A field that is a list of texts.

    Raises:
        CodecError: it is missing or something else.
    """
    value = row.get(name)
    if not isinstance(value, list) or not all(
        isinstance(v, str) for v in cast("list[object]", value)
    ):
        raise CodecError(f"{name}: expected a list of texts, got {value!r:.80}")
    return tuple(cast("Sequence[str]", value))
