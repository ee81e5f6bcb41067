"""PIQA (Bisk et al. 2020): which of two ways reaches an everyday goal?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from xgen_eval.benchmark import QuestionBenchmark
from xgen_eval.datasets import DataSet, Hub, Raw
from xgen_eval.questions import QuestionRow, parse_query

__all__ = ["Piqa"]


def parse_piqa(raw: Raw) -> QuestionRow:
    """A row of the release (`goal`, `sol1`, `sol2`; `label` from the .lst file) or of the hub."""
    if "query" in raw.fields:
        return parse_query(raw, "Question: ")
    return QuestionRow(
        id=f"{raw.number}",
        question=raw.text("goal"),
        choices=(raw.text("sol1"), raw.text("sol2")),
        gold=raw.number_of("label"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Piqa(QuestionBenchmark):
    """PIQA, on its validation split: the test split has no answers."""

    name: ClassVar[str] = "piqa"
    procedure: ClassVar[str] = "question-answer-v1"
    summary: ClassVar[str] = "which of two ways reaches an everyday goal"
    title: ClassVar[str] = "PIQA"
    caption: ClassVar[str] = "Goal and two solutions; the published column is acc."
    numbered: ClassVar[bool] = True
    dataset: ClassVar[DataSet[QuestionRow]] = DataSet(
        name="piqa",
        row=QuestionRow,
        parse=parse_piqa,
        splits=("validation", "train"),
        hub=Hub(path="baber/piqa", splits={"validation": "validation", "train": "train"}),
        about="ybisk PIQA, AFL-3.0",
    )

    def query(self, row: QuestionRow) -> str:
        """`Question: …`, `Answer:`."""
        return f"Question: {row.question}\nAnswer:"
