"""ARC (Clark et al. 2018): grade-school science questions, in an easy and a challenge set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from xgen_core import CodecError
from xgen_core.records import Record
from xgen_eval.benchmark import ChoiceBenchmark
from xgen_eval.choices import ChoiceItem
from xgen_eval.datasets import DataSet, Hub, Raw

__all__ = ["ArcChallenge", "ArcEasy", "ArcRow"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArcRow(Record):
    """One question with its choices; `gold` counts from 0."""

    id: str
    question: str
    choices: tuple[str, ...]
    gold: int

    def __post_init__(self) -> None:
        if not 0 <= self.gold < len(self.choices):
            raise ValueError(
                f"answer {self.gold} is out of range: there are {len(self.choices)} choices, "
                "counted from 0"
            )


def parse_arc(raw: Raw) -> ArcRow:
    """A row of the hub's form (`question`, `choices`, `answerKey`), or `{query, choices, gold}`."""
    if "query" in raw.fields:
        choices, gold = raw.value("choices"), raw.value("gold")
        if not isinstance(choices, (list, tuple)) or not isinstance(gold, int):
            raise CodecError(f"choices and gold: expected a list and an index, got {gold!r:.40}")
        question = raw.text("query").removeprefix("Question: ")
        return ArcRow(id=f"{raw.number}", question=question, choices=tuple(choices), gold=gold)
    options = raw.value("choices")
    if not isinstance(options, Mapping):
        raise CodecError(f"choices: expected an object with text and label, got {options!r:.60}")
    labels = list(options["label"])
    key = raw.text("answerKey")
    if key not in labels:
        raise CodecError(f"answerKey: {key!r} is none of the labels {', '.join(labels)}")
    return ArcRow(
        id=raw.text("id"),
        question=raw.text("question"),
        choices=tuple(options["text"]),
        gold=labels.index(key),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Arc(ChoiceBenchmark[ArcRow]):
    variant: ClassVar[str] = "question-answer-v1"
    shot_split: ClassVar[str] = "train"
    caption: ClassVar[str] = "Question and full-text choices; acc_norm divides by characters."

    def item(self, row: ArcRow, shots: Sequence[ArcRow]) -> ChoiceItem:
        """`Question: …`, `Answer:`, and each choice after a space."""
        solved = "".join(f"{_query(s)} {s.choices[s.gold]}\n\n" for s in shots)
        return ChoiceItem(
            id=row.id,
            contexts=(solved + _query(row),) * len(row.choices),
            continuations=tuple(f" {c}" for c in row.choices),
            choices=row.choices,
            gold=row.gold,
            shots=tuple(s.id for s in shots),
        )


def _query(row: ArcRow) -> str:
    return f"Question: {row.question}\nAnswer:"


def _data(name: str, configuration: str) -> DataSet[ArcRow]:
    return DataSet(
        name=name,
        row=ArcRow,
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
    dataset: ClassVar[DataSet[ArcRow]] = _data("arc_easy", "ARC-Easy")


@dataclass(frozen=True, slots=True, kw_only=True)
class ArcChallenge(_Arc):
    """ARC, the challenge set: what word statistics and retrieval got wrong."""

    name: ClassVar[str] = "arc_challenge"
    summary: ClassVar[str] = "grade-school science, the challenge set"
    title: ClassVar[str] = "ARC challenge"
    dataset: ClassVar[DataSet[ArcRow]] = _data("arc_challenge", "ARC-Challenge")
