"""OpenBookQA (Mihaylov et al. 2018): elementary science facts put to use, four choices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from xgen_eval.benchmark import QuestionBenchmark
from xgen_eval.datasets import DataSet, Hub, Raw
from xgen_eval.questions import QuestionRow, parse_labelled, parse_query

__all__ = ["OpenBookQa"]


def parse_openbookqa(raw: Raw) -> QuestionRow:
    """A row of the hub or of the release (text, labels, `answerKey`), or `{query, …}`."""
    return parse_query(raw) if "query" in raw.fields else parse_labelled(raw)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenBookQa(QuestionBenchmark):
    """OpenBookQA, without the book."""

    name: ClassVar[str] = "openbookqa"
    procedure: ClassVar[str] = "stem-v1"
    summary: ClassVar[str] = "elementary science facts put to use"
    title: ClassVar[str] = "OpenBookQA"
    caption: ClassVar[str] = "The bare stem is continued by each choice."
    dataset: ClassVar[DataSet[QuestionRow]] = DataSet(
        name="openbookqa",
        row=QuestionRow,
        parse=parse_openbookqa,
        splits=("test", "validation", "train"),
        hub=Hub(
            path="allenai/openbookqa",
            configurations=("main",),
            splits={"test": "test", "validation": "validation", "train": "train"},
        ),
        about="allenai/openbookqa, Apache-2.0",
    )

    def query(self, row: QuestionRow) -> str:
        """The stem alone."""
        return row.question
