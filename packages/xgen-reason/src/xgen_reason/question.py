"""One question, with what its data set gives beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from xgen_core.records import Record, Scalar

__all__ = ["AnswerKind", "Paragraph", "Question", "Table"]

AnswerKind = Literal["short", "label", "choice", "sentence", "values"]
"""A few words; one of fixed labels; the letter of an option; a sentence; a set of values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph(Record):
    """A titled piece of text."""

    title: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Table(Record):
    """A table as its source wrote it: headings may repeat or be empty, every cell is text.

    Raises:
        ValueError: a row is longer or shorter than the headings.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    title: str = ""

    def __post_init__(self) -> None:
        for number, row in enumerate(self.rows, 1):
            if len(row) != len(self.columns):
                raise ValueError(f"row {number} has {len(row)} cells, not {len(self.columns)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question(Record):
    """A question, claim or task.

    Attributes:
        id: unique in its data set.
        text: as asked, without options.
        kind: what an answer is.
        options: by letter, for multiple choice.
        labels: what may be answered, for `"label"`.
        paragraphs: the data set's own, for the source `paragraphs`.
        table: the data set's own, for the source `table`.
        golds: right answers; empty where none is known.
        support: titles of the paragraphs that the answer rests on.
        attributes: what results may be sliced by.
    """

    id: str
    text: str
    kind: AnswerKind = "short"
    options: Mapping[str, str] = field(default_factory=dict[str, str])
    labels: tuple[str, ...] = ()
    paragraphs: tuple[Paragraph, ...] = ()
    table: Table | None = None
    golds: tuple[str, ...] = ()
    support: tuple[str, ...] = ()
    attributes: Mapping[str, Scalar] = field(default_factory=dict[str, Scalar])

    def __post_init__(self) -> None:
        if not self.id or not self.text.strip():
            raise ValueError("a question needs an id and a text")
        if (self.kind == "choice") != bool(self.options):
            raise ValueError("options belong to questions of kind 'choice', and to no other")
        if (self.kind == "label") != bool(self.labels):
            raise ValueError("labels belong to questions of kind 'label', and to no other")

    @property
    def full(self) -> str:
        """The text as every prompt shows it: options follow it, `A: … B: …`."""
        options = " ".join(f"{letter}: {text}" for letter, text in self.options.items())
        return f"{self.text} {options}".strip()
