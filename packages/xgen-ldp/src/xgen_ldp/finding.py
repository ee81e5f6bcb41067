"""Why a model's line is not taken for a translation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from xgen_core.records import Record

__all__ = ["REASONS", "Finding", "Reason"]

Reason = Literal[
    "empty",
    "truncated",
    "unparsed",
    "copy",
    "exemplar",
    "wrong-script",
    "wrong-language",
    "too-short",
    "too-long",
    "loop",
    "duplicate",
    "tested",
    "failed",
]

REASONS: dict[Reason, str] = {
    "empty": "nothing was written",
    "truncated": "the answer was cut off at its greatest length",
    "unparsed": "the answer has not the lines that were asked for",
    "copy": "the source line itself",
    "exemplar": "an exemplar's output",
    "wrong-script": "letters of another script",
    "wrong-language": "another language",
    "too-short": "much shorter than the source",
    "too-long": "much longer than the source",
    "loop": "the same words over and over",
    "duplicate": "the same output as another line's",
    "tested": "a line that is tested, or its reference: no prompt may hold it",
    "failed": "the model failed",
}
"""Each reason in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding(Record):
    """One thing that is wrong with a line.

    Attributes:
        reason: as counted.
        language: code of the language that the line should be in.
        detail: what was seen, in words.
    """

    reason: Reason
    language: str
    detail: str = ""
