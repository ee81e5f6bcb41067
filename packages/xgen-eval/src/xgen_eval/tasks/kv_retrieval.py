"""Key-value retrieval (Lost in the Middle, Liu et al. 2023): find one value in a JSON object.

Needs no knowledge and no skill but to find what stands there, so it shows from which positions of
its context a model can read.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from xgen_core import InputError
from xgen_core.files import read_jsonl
from xgen_core.records import Record
from xgen_core.report import Block
from xgen_eval.answers import Answered, Ask
from xgen_eval.curves import curve
from xgen_eval.generation import GenerationBenchmark
from xgen_eval.grading import Graded
from xgen_eval.inputs import Inputs
from xgen_eval.seeded.draws import rank
from xgen_eval.seeded.positions import check_positions, position_metrics, spread
from xgen_eval.task import Metric

__all__ = ["KvRetrieval"]

_PROMPT = (
    "Extract the value corresponding to the specified key in the JSON object below.\n\n"
    'JSON data:\n{records}\n\nKey: "{key}"\nCorresponding value:'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class KvRecord(Record):
    """A line of the published files: pairs in their order, and the one that is asked for."""

    ordered_kv_records: tuple[tuple[str, str], ...]
    key: str
    value: str

    def __post_init__(self) -> None:
        keys = [key for key, _ in self.ordered_kv_records]
        if len(keys) < 2 or len(set(keys)) < len(keys):
            raise ValueError("expected at least 2 pairs, no key twice")
        if (self.key, self.value) not in self.ordered_kv_records:
            raise ValueError(f"the pair of key {self.key!r} is not among the records")


@dataclass(frozen=True, slots=True, kw_only=True)
class KvRetrieval(GenerationBenchmark):
    """Every object is asked once for each position of its pair.

    Attributes:
        keys: pairs in an object; the paper has 75, 140 and 300.
        count: objects.
        positions: of the pair that is asked for, from 0; empty spreads five from first to last.
        path: a published file to read instead (`kv-retrieval-75_keys.jsonl.gz`).
    """

    keys: int = 75
    count: int = 100
    positions: tuple[int, ...] = ()
    path: Path | None = None
    max_tokens: int = 100

    name: ClassVar[str] = "kv_retrieval"
    procedure: ClassVar[str] = "liu-2023-v1"
    summary: ClassVar[str] = "find a value in a JSON object, by its position (Lost in the Middle)"
    title: ClassVar[str] = "Key-value retrieval by position"
    caption: ClassVar[str] = (
        "A JSON object of random UUIDs, one value asked for; right if the value stands in the "
        "answer, whatever its case. Each object is asked at every position (clusters)."
    )
    parts: ClassVar[tuple[str, ...]] = ("position",)

    def __post_init__(self) -> None:
        GenerationBenchmark.__post_init__(self)
        if self.keys < 2 or self.count < 1:
            raise ValueError(f"expected keys >= 2 and count >= 1, got {self.keys}, {self.count}")
        if self.path is None:
            check_positions(self.positions, self.keys)

    def files(self, inputs: Inputs) -> tuple[Path, ...]:
        """The published file, if there is one."""
        return () if self.path is None else (self.path,)

    def asks(self, inputs: Inputs) -> list[Ask]:
        """Every object with its pair moved to each position."""
        asks: list[Ask] = []
        for number, record in enumerate(self._records(inputs)):
            pair = (record.key, record.value)
            others = [p for p in record.ordered_kv_records if p != pair]
            size = len(record.ordered_kv_records)
            try:
                check_positions(self.positions, size)
            except ValueError as error:
                raise InputError(f"{self.path}:{number + 1}: {error}") from error
            for position in self.positions or spread(size, 5):
                ordered = [*others[:position], pair, *others[position:]]
                asks.append(
                    Ask(
                        id=f"{number + 1}@{position}",
                        request=self.request(kv_prompt(ordered, record.key)),
                        references=(record.value,),
                        attributes={"position": position, "keys": size},
                        cluster=f"{number + 1}",
                    )
                )
        return asks

    def grade(self, answered: Answered) -> Mapping[str, float]:
        """Does the value stand in the answer?"""
        (value,) = answered.ask.references
        return {"acc": float(value.lower() in answered.text.lower())}

    def overall(self, items: Sequence[Graded]) -> dict[str, Metric]:
        """Paired differences between positions."""
        return position_metrics(items, "acc")

    def blocks(self, items: Sequence[Graded]) -> Sequence[Block]:
        """The curve by position."""
        return (curve(items, ("acc",), "position", x_title="position of the pair"),)

    def _records(self, inputs: Inputs) -> list[KvRecord]:
        if self.path is not None:
            return list(read_jsonl(self.path, KvRecord.from_json))[: inputs.limit]
        count = min(self.count, inputs.limit or self.count)
        return [_made(inputs.seed, number, self.keys) for number in range(count)]


def kv_prompt(records: Sequence[tuple[str, str]], key: str) -> str:
    """The paper's prompt: one pair a line."""
    lines = ",\n ".join(f'"{k}": "{v}"' for k, v in records)
    return _PROMPT.format(records="{" + lines + "}", key=key)


def _made(seed: int, number: int, keys: int) -> KvRecord:
    pairs = tuple(
        (_uuid(seed, number, i, "key"), _uuid(seed, number, i, "value")) for i in range(keys)
    )
    return KvRecord(ordered_kv_records=pairs, key=pairs[0][0], value=pairs[0][1])


def _uuid(seed: int, *key: str | int) -> str:
    return str(uuid.UUID(bytes=rank(seed, "kv", *key)[:16], version=4))
