"""The basic cleaning that every source gets: text stays faithful, only what no text needs goes.

Unicode is not normalised: a model that is to read and write what people write must see it so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from xgen_core import Document
from xgen_data.steps.step import DocumentStep, Drop, Step

__all__ = ["Length", "LineLength", "Normalise", "cleaning_steps", "normalise_text"]

_UNWANTED = re.compile("[\0\ud800-\udfff]")


def normalise_text(text: str) -> str:
    r"""Line ends become `\n`; a leading byte-order mark, NULs and lone surrogates go."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _UNWANTED.sub("", text.removeprefix("\ufeff"))


@dataclass(frozen=True, kw_only=True)
class Normalise(DocumentStep):
    """`normalise_text` as a step."""

    kind: Literal["normalise"] = "normalise"

    def one(self, document: Document) -> Document:
        """The document, the same object where there is nothing to do."""
        text = normalise_text(document.text)
        return document if text == document.text else replace(document, text=text)


@dataclass(frozen=True, kw_only=True)
class Length(DocumentStep):
    """Drop documents of white space only, and those of fewer than `min_chars` characters."""

    min_chars: int
    kind: Literal["length"] = "length"

    def one(self, document: Document) -> Document | Drop:
        """The document, or why not."""
        if not document.text or document.text.isspace():
            return Drop(reason="no text")
        if len(document.text) < self.min_chars:
            return Drop(reason=f"shorter than {self.min_chars} characters")
        return document


@dataclass(frozen=True, kw_only=True)
class LineLength(DocumentStep):
    """Drop documents with a line of more than `max_line` characters: data or minified code."""

    max_line: int
    kind: Literal["line_length"] = "line_length"

    def one(self, document: Document) -> Document | Drop:
        """The document, or why not."""
        text = document.text
        if len(text) > self.max_line and max(map(len, text.split("\n"))) > self.max_line:
            return Drop(reason=f"line longer than {self.max_line} characters")
        return document


def cleaning_steps(*, min_chars: int, max_line: int) -> tuple[Step, ...]:
    """The steps in the order in which they run."""
    return (Normalise(), Length(min_chars=min_chars), LineLength(max_line=max_line))
