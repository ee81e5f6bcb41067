"""HellaSwag (Zellers et al. 2019): how does a described scene go on?"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from xgen_eval.benchmark import ChoiceBenchmark
from xgen_eval.choices import ChoiceItem
from xgen_eval.datasets import DataSet, Hub, Raw
from xgen_eval.questions import Row, check_gold

__all__ = ["HellaSwag", "HellaSwagRow"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HellaSwagRow(Row):
    """A scene as released: what is done, the context in two parts, four endings."""

    activity: str
    context_a: str
    context_b: str
    endings: tuple[str, ...]
    gold: int
    split_type: str = ""

    def __post_init__(self) -> None:
        check_gold(self.gold, self.endings)


def parse_hellaswag(raw: Raw) -> HellaSwagRow:
    """A row of the release, or of the hub, whose label is text."""
    named = "source_id" in raw.fields and "ind" in raw.fields
    return HellaSwagRow(
        id=f"{raw.text('source_id')}:{raw.number_of('ind')}" if named else f"{raw.number}",
        activity=raw.text("activity_label"),
        context_a=raw.text("ctx_a", empty=True),
        context_b=raw.text("ctx_b", empty=True),
        endings=raw.texts("endings"),
        gold=raw.number_of("label"),
        split_type=raw.text("split_type", empty=True) if "split_type" in raw.fields else "",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class HellaSwag(ChoiceBenchmark[HellaSwagRow]):
    """HellaSwag, on its validation split: the test split has no answers."""

    name: ClassVar[str] = "hellaswag"
    procedure: ClassVar[str] = "cleaned-v1"
    summary: ClassVar[str] = "how a described scene goes on"
    title: ClassVar[str] = "HellaSwag"
    caption: ClassVar[str] = "The activity, then the scene, continued by each of four endings."
    shot_split: ClassVar[str] = "train"
    finer: ClassVar[tuple[str, ...]] = ("split_type",)
    dataset: ClassVar[DataSet[HellaSwagRow]] = DataSet(
        name="hellaswag",
        row=HellaSwagRow,
        parse=parse_hellaswag,
        splits=("validation", "train"),
        hub=Hub(path="Rowan/hellaswag", splits={"validation": "validation", "train": "train"}),
        about="rowanz/hellaswag, MIT",
    )

    def item(self, row: HellaSwagRow, shots: Sequence[HellaSwagRow]) -> ChoiceItem:
        """`ACTIVITY: CONTEXT`, and each ending after a space."""
        solved = "".join(f"{_query(s)} {_clean(s.endings[s.gold])}\n\n" for s in shots)
        endings = tuple(map(_clean, row.endings))
        return ChoiceItem(
            id=row.id,
            contexts=(solved + _query(row),) * len(endings),
            continuations=tuple(f" {e}" for e in endings),
            choices=endings,
            gold=row.gold,
            shots=tuple(s.id for s in shots),
            attributes=_attributes(row),
        )


def _query(row: HellaSwagRow) -> str:
    # capitalize() also lowers the rest of the text; the harness does, so the figures rest on it
    return _clean(f"{row.activity}: {row.context_a} {row.context_b.capitalize()}")


def _clean(text: str) -> str:
    """Without WikiHow's marks: " [title]" ends a sentence, other brackets go, spaces pair up."""
    text = text.strip().replace(" [title]", ". ")
    return re.sub(r"\[.*?\]", "", text).replace("  ", " ")


def _attributes(row: HellaSwagRow) -> Mapping[str, str]:
    source = row.id.partition("~")[0] if "~" in row.id else ""
    named = {"split_type": row.split_type, "source": source}
    return {name: value for name, value in named.items() if value}
