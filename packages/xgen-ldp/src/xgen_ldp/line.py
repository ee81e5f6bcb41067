"""A line of text to be translated, and which two languages are between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from xgen_core.records import Record
from xgen_ldp.languages import ENGLISH, Language

__all__ = ["Direction", "Line"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line(Record):
    """One line of a file.

    Attributes:
        id: the same for the line and for its translations in aligned files: `NAME:NUMBER`, with the
            line's number in the file from 1, so that a list of ids says which lines were used.
        text: one line, in Unicode NFC.
        reference: its translation by a person; None where there is none.
    """

    id: str
    text: str
    reference: str | None = None

    def __post_init__(self) -> None:
        if not self.id or not self.text.strip():
            raise ValueError("Line needs a non-empty id and text")
        if len(self.text.splitlines()) > 1:
            raise ValueError(f"Line {self.id!r} has a line break in it")


@dataclass(frozen=True, slots=True, kw_only=True)
class Direction(Record):
    """From which language into which."""

    source: Language
    target: Language

    def __post_init__(self) -> None:
        if self.source.code == self.target.code:
            raise ValueError(f"from {self.source.code} into itself")

    @property
    def name(self) -> str:
        """`"npi_Deva-eng_Latn"`."""
        return f"{self.source.code}-{self.target.code}"

    @property
    def kind(self) -> Literal["into-english", "from-english", "between"]:
        """Which of LDP's three directions it is: X→En, En→X or X→Y."""
        if self.target == ENGLISH:
            return "into-english"
        return "from-english" if self.source == ENGLISH else "between"
