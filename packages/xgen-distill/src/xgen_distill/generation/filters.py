"""What an instruction may look like, as CodeAlpaca's filter has it; every limit is a setting."""

from __future__ import annotations

import re
from dataclasses import dataclass

from xgen_core.records import Record

__all__ = ["BLACKLIST", "Filters"]

BLACKLIST = (
    *("image", "images", "graph", "graphs", "picture", "pictures", "file", "files", "map", "maps"),
    *("draw", "plot", "go to", "video", "audio", "music", "flowchart", "diagram"),
)
"""Words of tasks that text alone cannot solve, as Self-Instruct and CodeAlpaca list them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters(Record):
    """Rules that an instruction must keep.

    Attributes:
        fewest_words, most_words: of it.
        blacklist: words that it must not have, whatever their case.
        openings: how it must not begin, whatever the case.
    """

    fewest_words: int = 4
    most_words: int = 150
    blacklist: tuple[str, ...] = BLACKLIST
    openings: tuple[str, ...] = ("Write a program",)

    def __post_init__(self) -> None:
        if not 1 <= self.fewest_words <= self.most_words:
            raise ValueError(
                f"expected 1 ≤ fewest_words ≤ most_words, got {self.fewest_words} and "
                f"{self.most_words}"
            )

    def reason(self, instruction: str) -> str:
        """Why an instruction is left out; empty where it is not."""
        text = instruction.strip()
        count = len(text.split())
        if count < self.fewest_words:
            return "too few words"
        if count > self.most_words:
            return "too many words"
        for word in self.blacklist:
            if re.search(rf"\b{re.escape(word)}\b", text, re.IGNORECASE):
                return f"blacklisted word: {word}"
        for opening in self.openings:
            if text.lower().startswith(opening.lower()):
                return f"opening: {opening}"
        if not text[0].isascii():
            return "begins with no ASCII character"
        if not text[0].isalnum():
            return "begins with punctuation"
        return ""
