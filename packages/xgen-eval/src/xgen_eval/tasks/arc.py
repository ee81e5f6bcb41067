"""ARC (Clark et al. 2018): grade-school science questions, in an easy and a challenge set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from xgen_eval.benchmark import QuestionBenchmark
from xgen_eval.datasets import DataSet, Hub, Raw
from xgen_eval.questions import QuestionRow, parse_labelled, parse_query

__all__ = ["ArcChallenge", "ArcEasy"]


def parse_arc(raw: Raw) -> QuestionRow:
    """A row of the hub or of the release (text, labels, `answerKey`), or `{query, …}`."""
    return parse_query(raw, "Question: ") if "query" in raw.fields else parse_labelled(raw)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Arc(QuestionBenchmark):
    procedure: ClassVar[str] = "question-answer-v1"
    caption: ClassVar[str] = "Question and full-text choices; acc_norm divides by characters."

    def query(self, row: QuestionRow) -> str:
        """`Question: …`, `Answer:`."""
        return f"Question: {row.question}\nAnswer:"


def _data(name: str, configuration: str) -> DataSet[QuestionRow]:
    return DataSet(
        name=name,
        row=QuestionRow,
        parse=parse_arc,
        splits=("test", "validation", "train"),
        hub=Hub(
            path="allenai/ai2_arc",
            configurations=(configuration,),
            splits={"test": "test", "validation": "validation", "train": "train"},
        ),
        about="allenai/ai2_arc, CC BY-SA 4.0",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ArcEasy(_Arc):
    """ARC, the easy set."""

    name: ClassVar[str] = "arc_easy"
    summary: ClassVar[str] = "grade-school science, the easy set"
    title: ClassVar[str] = "ARC easy"
    dataset: ClassVar[DataSet[QuestionRow]] = _data("arc_easy", "ARC-Easy")


@dataclass(frozen=True, slots=True, kw_only=True)
class ArcChallenge(_Arc):
    """ARC, the challenge set: what word statistics and retrieval got wrong."""

    name: ClassVar[str] = "arc_challenge"
    summary: ClassVar[str] = "grade-school science, the challenge set"
    title: ClassVar[str] = "ARC challenge"
    dataset: ClassVar[DataSet[QuestionRow]] = _data("arc_challenge", "ARC-Challenge")
