"""BoolQ (Clark et al. 2019): yes or no, after a passage."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from xgen_core import CodecError
from xgen_eval.benchmark import ChoiceBenchmark
from xgen_eval.choices import ChoiceItem, accuracy
from xgen_eval.datasets import DataSet, Hub, Raw
from xgen_eval.questions import Row, check_gold

__all__ = ["BoolQ", "BoolQRow"]

_CHOICES = ("no", "yes")


@dataclass(frozen=True, slots=True, kw_only=True)
class BoolQRow(Row):
    """A passage, a question without its mark, and 0 for no or 1 for yes."""

    passage: str
    question: str
    gold: int

    def __post_init__(self) -> None:
        check_gold(self.gold, _CHOICES)


def parse_boolq(raw: Raw) -> BoolQRow:
    """A row of SuperGLUE (`label`), of the release (`title`, `answer`), or `{query, gold}`.

    SuperGLUE's passages begin with their title and two dashes; the release has it in a field.
    """
    if "query" in raw.fields:
        passage, mark, question = raw.text("query").rpartition("\nQuestion: ")
        if not mark:
            raise CodecError("query: expected a passage, and a line with Question: after it")
        passage, question = passage.removeprefix("Passage: "), question.removesuffix("?")
        return BoolQRow(
            id=f"{raw.number}", passage=passage, question=question, gold=raw.number_of("gold")
        )
    passage = raw.text("passage")
    if "title" in raw.fields:
        passage = f"{raw.text('title')} -- {passage}"
    return BoolQRow(
        id=f"{raw.number_of('idx')}" if "idx" in raw.fields else f"{raw.number}",
        passage=passage,
        question=raw.text("question"),
        gold=_answer(raw),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BoolQ(ChoiceBenchmark[BoolQRow]):
    """BoolQ as SuperGLUE has it, on its validation split."""

    name: ClassVar[str] = "boolq"
    procedure: ClassVar[str] = "superglue-v1"
    summary: ClassVar[str] = "yes or no, after a passage"
    title: ClassVar[str] = "BoolQ"
    caption: ClassVar[str] = "Passage and question, answered by no or yes."
    shot_split: ClassVar[str] = "train"
    dataset: ClassVar[DataSet[BoolQRow]] = DataSet(
        name="boolq",
        row=BoolQRow,
        parse=parse_boolq,
        splits=("validation", "train"),
        hub=Hub(
            path="aps/super_glue",
            configurations=("boolq",),
            splits={"validation": "validation", "train": "train"},
        ),
        about="google-research BoolQ, CC BY-SA 3.0",
    )

    def item(self, row: BoolQRow, shots: Sequence[BoolQRow]) -> ChoiceItem:
        """Passage, question, `Answer:`; questions about one passage are one cluster."""
        solved = "".join(f"{_query(s)} {_CHOICES[s.gold]}\n\n" for s in shots)
        return ChoiceItem(
            id=row.id,
            contexts=(solved + _query(row),) * len(_CHOICES),
            continuations=tuple(f" {c}" for c in _CHOICES),
            choices=_CHOICES,
            gold=row.gold,
            shots=tuple(s.id for s in shots),
            cluster=hashlib.sha256(row.passage.encode("utf-8")).hexdigest()[:16],
        )

    def grade(self, item: ChoiceItem, sums: Sequence[float]) -> Mapping[str, float]:
        """No and yes are told apart by acc alone."""
        return accuracy(item, sums)


def _query(row: BoolQRow) -> str:
    return f"{row.passage}\nQuestion: {row.question}?\nAnswer:"


def _answer(raw: Raw) -> int:
    answer = raw.value("label", "answer")
    return int(answer) if isinstance(answer, bool) else raw.number_of("label", "answer")
