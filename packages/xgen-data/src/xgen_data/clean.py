"""The basic cleaning that every source gets: text stays faithful, only what no text needs goes.

Unicode is not normalised: a model that is to read and write what people write must see it so.
"""

from __future__ import annotations

import re
from dataclasses import replace

from xgen_core import Document
from xgen_data.steps import Drop, Step

__all__ = ["cleaning_steps", "drop_long_lines", "drop_short", "normalise", "normalise_text"]

_UNWANTED = re.compile("[\0\ud800-\udfff]")


def normalise_text(text: str) -> str:
    r"""Line ends become `\n`; a leading byte-order mark, NULs and lone surrogates go."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _UNWANTED.sub("", text.removeprefix("\ufeff"))


def normalise() -> Step:
    """`normalise_text` as a step."""

    def apply(document: Document) -> Document:
        text = normalise_text(document.text)
        return document if text == document.text else replace(document, text=text)

    return Step(name="normalise", apply=apply)


def drop_short(min_chars: int) -> Step:
    """Drop documents of white space only, and those of fewer than `min_chars` characters."""
    empty, short = Drop(reason="no text"), Drop(reason=f"shorter than {min_chars} characters")

    def apply(document: Document) -> Document | Drop:
        if not document.text or document.text.isspace():
            return empty
        return short if len(document.text) < min_chars else document

    return Step(name="length", apply=apply)


def drop_long_lines(max_line: int) -> Step:
    """Drop documents with a line of more than `max_line` characters: data or minified code."""
    long = Drop(reason=f"line longer than {max_line} characters")

    def apply(document: Document) -> Document | Drop:
        text = document.text
        if len(text) > max_line and max(map(len, text.split("\n"))) > max_line:
            return long
        return document

    return Step(name="line length", apply=apply)


def cleaning_steps(*, min_chars: int, max_line: int) -> tuple[Step, ...]:
    """The steps in the order in which they run."""
    return (normalise(), drop_short(min_chars), drop_long_lines(max_line))
