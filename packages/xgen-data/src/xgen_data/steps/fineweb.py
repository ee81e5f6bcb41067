"""What FineWeb added to the rules of Gopher and C4.

Penedo et al. 2024, *The FineWeb Datasets*, section 3.6: three limits found by comparing the
statistics of better and worse crawls. The fourth, on line breaks per word, is in the code that made
the data set (datatrove's `FineWebQualityFilter`) and not in the paper's list.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Literal

from xgen_core import Document
from xgen_data.steps.gopher import repeated_parts
from xgen_data.steps.step import DocumentStep, Drop
from xgen_data.steps.words import words_of

__all__ = ["FineWebQuality"]

_SENTENCE_ENDS = (
    "SENTENCE", "FULL STOP", "QUESTION MARK", "EXCLAMATION MARK", "INTERROBANG", "DANDA",
    "MYANMAR SIGN", "BARIYOOSAN", "PADA LINGSA", "PADA LUNGSI", "CARIK", "CHEIKHEI", "MUCAAD",
)  # fmt: skip


@cache
def sentence_ends() -> tuple[str, ...]:
    """Characters that end a sentence in some script: punctuation whose Unicode name says so."""
    found: list[str] = []
    for code in (*range(0x21, 0x3000), *range(0x3000, 0x1F000)):
        character = chr(code)
        if unicodedata.category(character) != "Po":
            continue
        name = unicodedata.name(character, "")
        if any(word in name for word in _SENTENCE_ENDS) and "INVERTED" not in name:
            found.append(character)
    return tuple(found)


@dataclass(frozen=True, kw_only=True)
class FineWebQuality(DocumentStep):
    """Drop lists, menus and pages of short or repeated lines; empty lines do not count.

    Attributes:
        min_ended_lines: share of lines that end with the end mark of a sentence.
        max_short_lines: share of lines of at most `short_line` characters.
        max_repeated: share of characters in lines that occurred before.
        max_breaks: line breaks per word.
    """

    kind: Literal["fineweb_quality"] = "fineweb_quality"
    min_ended_lines: float = 0.12
    max_short_lines: float = 0.67
    short_line: int = 30
    max_repeated: float = 0.01
    max_breaks: float = 0.3

    def one(self, document: Document) -> Document | Drop:
        """The document, or the first rule that it breaks."""
        text = document.text
        lines = [line for line in text.split("\n") if line and not line.isspace()]
        if not lines:
            return Drop(reason="no text")
        ends = sentence_ends()
        if sum(line.endswith(ends) for line in lines) / len(lines) < self.min_ended_lines:
            return Drop(reason="too few lines end a sentence")
        if sum(len(line) <= self.short_line for line in lines) / len(lines) > self.max_short_lines:
            return Drop(reason="too many short lines")
        breaks = text.count("\n")
        if repeated_parts(lines)[1] / (len(text) - breaks) > self.max_repeated:
            return Drop(reason="characters in repeated lines")
        if breaks / len(words_of(text)) > self.max_breaks:
            return Drop(reason="too many line breaks")
        return document
