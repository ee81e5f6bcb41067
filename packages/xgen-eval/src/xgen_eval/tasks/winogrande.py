"""Winogrande (Sakaguchi et al. 2020): which of two names does the blank stand for?"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from xgen_core import CodecError
from xgen_eval.benchmark import ChoiceBenchmark
from xgen_eval.choices import ChoiceItem, accuracy
from xgen_eval.datasets import DataSet, Hub, Raw
from xgen_eval.questions import Row, check_gold

__all__ = ["Winogrande", "WinograndeRow"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WinograndeRow(Row):
    """A sentence with one blank, `_`, and the two options for it; `gold` counts from 0."""

    sentence: str
    options: tuple[str, str]
    gold: int

    def __post_init__(self) -> None:
        check_gold(self.gold, self.options)
        if not self.sentence.partition("_")[2].strip():
            raise ValueError(f"the sentence needs a blank _ with words after it: {self.sentence!r}")


def parse_winogrande(raw: Raw) -> WinograndeRow:
    """A row of the release or the hub, or `{context_options, continuation, gold}`."""
    if "context_options" in raw.fields:
        return _from_options(raw)
    return WinograndeRow(
        id=raw.text("qID") if "qID" in raw.fields else f"{raw.number}",
        sentence=raw.text("sentence"),
        options=(raw.text("option1"), raw.text("option2")),
        gold=raw.number_of("answer") - 1,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Winogrande(ChoiceBenchmark[WinograndeRow]):
    """Winogrande by partial scoring: the same words are scored after either option."""

    name: ClassVar[str] = "winogrande"
    procedure: ClassVar[str] = "partial-v1"
    summary: ClassVar[str] = "which of two names a blank stands for"
    title: ClassVar[str] = "Winogrande"
    caption: ClassVar[str] = (
        "The sentence up to the blank with either option in it, and then the words after the blank,"
        " which are scored. Sentences that come in pairs are one unit of the standard error."
    )
    shot_split: ClassVar[str] = "train"
    numbered: ClassVar[bool] = True
    dataset: ClassVar[DataSet[WinograndeRow]] = DataSet(
        name="winogrande",
        row=WinograndeRow,
        parse=parse_winogrande,
        splits=("validation", "train"),
        hub=Hub(
            path="allenai/winogrande",
            configurations=("winogrande_xl",),
            splits={"validation": "validation", "train": "train"},
        ),
        about="allenai/winogrande, Apache-2.0 (code), CC BY (data)",
    )

    def item(self, row: WinograndeRow, shots: Sequence[WinograndeRow]) -> ChoiceItem:
        """Two contexts and one continuation."""
        solved = "".join(f"{_filled(s)[s.gold]} {_after(s)}\n\n" for s in shots)
        contexts = _filled(row)
        return ChoiceItem(
            id=row.id,
            contexts=tuple(solved + context for context in contexts),
            continuations=(f" {_after(row)}",) * len(contexts),
            choices=contexts,
            gold=row.gold,
            shots=tuple(s.id for s in shots),
            cluster=" / ".join((row.sentence.partition("_")[0], *sorted(row.options))),
        )

    def grade(self, item: ChoiceItem, sums: Sequence[float]) -> Mapping[str, float]:
        """The words scored are the same: there is nothing to divide by."""
        return accuracy(item, sums)


def _filled(row: WinograndeRow) -> tuple[str, ...]:
    return tuple(row.sentence.partition("_")[0] + option for option in row.options)


def _after(row: WinograndeRow) -> str:
    return row.sentence.partition("_")[2].strip()


def _from_options(raw: Raw) -> WinograndeRow:
    """The blank is where the two contexts begin to differ, at the beginning of a word."""
    contexts = raw.texts("context_options")
    if len(contexts) != 2:
        raise CodecError(f"context_options: expected 2, got {len(contexts)}")
    first, second = contexts
    alike = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(first, second, strict=False))
    shared = first[: first.rfind(" ", 0, len(list(alike))) + 1]
    return WinograndeRow(
        id=f"{raw.number}",
        sentence=f"{shared}_ {raw.text('continuation')}",
        options=(first.removeprefix(shared), second.removeprefix(shared)),
        gold=raw.number_of("gold"),
    )
