"""Lines of a user's own files, which may have more fields than a task reads."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from xgen_core import CodecError
from xgen_core.codec import decode
from xgen_eval.inputs import check_text

__all__ = ["PromptRow", "known_fields"]

T = TypeVar("T")


def known_fields(kind: type[T], value: object) -> T:
    """A frozen dataclass from an object's fields of those names; the other fields are ignored.

    Raises:
        CodecError: it is not an object, or a field is missing or of another type.
    """
    if not isinstance(value, Mapping):
        raise CodecError(f"expected an object, got {value!r:.60}")
    row = cast("Mapping[str, object]", value)
    names = {f.name for f in dataclasses.fields(cast("Any", kind))}
    return decode(kind, {k: v for k, v in row.items() if k in names})


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptRow:
    """A line of a list of prompts."""

    prompt: str
    category: str = ""
    id: str = ""

    def __post_init__(self) -> None:
        check_text(self.prompt)
