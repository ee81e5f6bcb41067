"""Rows of questions with choices, and the forms in which several data sets lay them out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from xgen_core import CodecError
from xgen_core.records import Record
from xgen_eval.datasets import Raw

__all__ = ["QuestionRow", "Row", "check_gold", "parse_labelled", "parse_query"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row(Record):
    """One question of a benchmark; its id is unique in the split."""

    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionRow(Row):
    """A question with its choices; `gold` counts from 0."""

    question: str
    choices: tuple[str, ...]
    gold: int

    def __post_init__(self) -> None:
        check_gold(self.gold, self.choices)
        if any(not choice for choice in self.choices):
            raise ValueError("a choice is empty")


def check_gold(gold: int, choices: Sequence[str]) -> None:
    """Refuse an answer that is none of the choices.

    Raises:
        ValueError: it is out of range, or there are fewer than two choices.
    """
    if len(choices) < 2:
        raise ValueError(f"expected at least 2 choices, got {len(choices)}")
    if not 0 <= gold < len(choices):
        raise ValueError(
            f"answer {gold} is out of range: there are {len(choices)} choices, counted from 0"
        )


def parse_query(raw: Raw, prefix: str = "") -> QuestionRow:
    """A row `{query, choices, gold}`.

    Args:
        raw: the row.
        prefix: what the query repeats of the prompt, which is taken off.
    """
    return QuestionRow(
        id=f"{raw.number}",
        question=raw.text("query").removeprefix(prefix),
        choices=raw.texts("choices"),
        gold=raw.number_of("gold"),
    )


def parse_labelled(raw: Raw) -> QuestionRow:
    """A row of AI2's data sets: choices with labels, and the label of the right one.

    Their releases have it as `{question: {stem, choices: [{text, label}]}}`, the hub as
    `{question or question_stem, choices: {text: […], label: […]}}`.
    """
    if isinstance(raw.fields.get("question"), dict):
        inner = raw.fields_of("question")
        question, listed = inner.text("stem"), inner.value("choices")
        if not isinstance(listed, list):
            raise CodecError(f"choices: expected a list, got {listed!r:.60}")
        each = [
            Raw(fields={"choice": c}, stem="", number=0).fields_of("choice")
            for c in cast("list[object]", listed)
        ]
        texts = tuple(c.text("text") for c in each)
        labels = tuple(c.text("label") for c in each)
    else:
        question = raw.text("question_stem" if "question_stem" in raw.fields else "question")
        inner = raw.fields_of("choices")
        texts, labels = inner.texts("text"), inner.texts("label")
    if len(texts) != len(labels):
        raise CodecError(f"choices: {len(texts)} texts, but {len(labels)} labels")
    key = raw.text("answerKey").strip()
    if key not in labels:
        raise CodecError(f"answerKey: {key!r} is none of the labels {', '.join(labels)}")
    return QuestionRow(id=raw.text("id"), question=question, choices=texts, gold=labels.index(key))
