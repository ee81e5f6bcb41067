"""A worked example in a prompt: the same in two or three languages, and where it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from xgen_core.records import Record
from xgen_ldp.languages import ENGLISH, Language

__all__ = ["Exemplar", "Origin", "Side"]

Origin = Literal["parallel", "synthetic"]
"""Both sides by people; or one side by a model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side(Record):
    """A line in one language."""

    language: Language
    text: str

    def __post_init__(self) -> None:
        if not self.text.strip() or len(self.text.splitlines()) > 1:
            raise ValueError(f"a side is one line with text in it, got {self.text!r:.60}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemplar(Record):
    """The same line in two languages, or three.

    The order of the sides is that of the prompt: the last is what a model would write. X→En has
    (Z, English), En→X has (English, X), X→Y has (X, English, Y).

    Attributes:
        id: of the line that it is made of, so that a prompt can be shown to hold no test line.
        sides: in the order of the prompt, in different languages.
        origin: whether people wrote all sides.
        maker: who did, or which model made the synthetic side.
    """

    id: str
    sides: tuple[Side, ...]
    origin: Origin
    maker: str = ""

    def __post_init__(self) -> None:
        codes = [side.language.code for side in self.sides]
        if len(codes) not in (2, 3) or len(set(codes)) != len(codes):
            raise ValueError(f"exemplar {self.id!r}: two or three languages, got {codes}")

    @property
    def output(self) -> Side:
        """What a model would write: the last side."""
        return self.sides[-1]

    @property
    def other(self) -> Language:
        """The first language of it that is not English."""
        return next(s.language for s in self.sides if s.language != ENGLISH)

    def text(self, language: Language) -> str | None:
        """The side in this language."""
        return next((s.text for s in self.sides if s.language.code == language.code), None)

    def reversed(self) -> Exemplar:
        """The same with its sides in the other order."""
        return Exemplar(id=self.id, sides=self.sides[::-1], origin=self.origin, maker=self.maker)
