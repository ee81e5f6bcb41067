"""GSM8K (Cobbe et al. 2021): grade-school word problems, answered by reasoning to a number.

Prompts, shots and the two ways of reading an answer are lm-evaluation-harness's (`gsm8k` 3.0).
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from xgen_core import CodecError, InputError
from xgen_core.records import Record
from xgen_eval.answers import Answered, Ask
from xgen_eval.datasets import DataSet, Hub, Raw, data_directory
from xgen_eval.generation import GenerationBenchmark
from xgen_eval.inputs import Inputs

__all__ = ["Gsm8k", "Gsm8kRow", "flexible_extract", "strict_match"]

_STOP = ("Question:", "</s>", "<|im_end|>")
_SEED = 1234
"""The harness draws the shots of all questions from one stream with this seed."""
_STRICT = re.compile(r"#### (\-?[0-9\.\,]+)")
_FLEXIBLE = re.compile(r"(-?[$0-9.,]{2,})|(-?[0-9]+)")
_IGNORED = (re.compile(","), re.compile(r"\$"), re.compile(r"(?s).*#### "), re.compile(r"\.$"))
_NONE = "[invalid]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gsm8kRow(Record):
    """One problem; the answer is the reasoning and, after `####`, the number."""

    id: str
    question: str
    answer: str

    def __post_init__(self) -> None:
        if "#### " not in self.answer:
            raise ValueError(
                f"answer: expected '#### NUMBER' at its end, got {self.answer[-40:]!r}"
            )


def parse_gsm8k(raw: Raw) -> Gsm8kRow:
    """A row with `question` and `answer`."""
    try:
        return Gsm8kRow(
            id=f"{raw.number}", question=raw.text("question"), answer=raw.text("answer")
        )
    except ValueError as error:
        raise CodecError(str(error)) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Gsm8k(GenerationBenchmark):
    """Chain of thought after solved examples, drawn anew for each question.

    Attributes:
        shots: solved problems of the training split before each question.
    """

    shots: int = 5

    name: ClassVar[str] = "gsm8k"
    procedure: ClassVar[str] = "lm-eval-3.0"
    summary: ClassVar[str] = "grade-school word problems by chain of thought"
    title: ClassVar[str] = "GSM8K"
    caption: ClassVar[str] = (
        "strict_match: the number after #### is right. flexible_extract: the last number of the "
        "answer is right. Read as lm-evaluation-harness does."
    )
    dataset: ClassVar[DataSet[Gsm8kRow]] = DataSet(
        name="gsm8k",
        row=Gsm8kRow,
        parse=parse_gsm8k,
        splits=("test", "train"),
        hub=Hub(
            path="openai/gsm8k",
            configurations=("main",),
            splits={"test": "test", "train": "train"},
        ),
        about="openai/gsm8k, MIT",
    )

    def __post_init__(self) -> None:
        GenerationBenchmark.__post_init__(self)
        if self.shots < 0:
            raise ValueError(f"shots must not be negative, got {self.shots}")

    @property
    def variant(self) -> str:
        """The procedure and the number of shots."""
        return f"{self.procedure}-{self.shots}-shot"

    def files(self, inputs: Inputs) -> tuple[Path, ...]:
        """The problems, and the examples if there are shots."""
        data = data_directory(inputs.data)
        splits = ("test", "train") if self.shots else ("test",)
        return tuple(data.file(self.dataset, split) for split in splits)

    def asks(self, inputs: Inputs) -> list[Ask]:
        """Every problem after its examples."""
        data = data_directory(inputs.data)
        rows = data.read(self.dataset, "test")[: inputs.limit]
        pool = data.read(self.dataset, "train") if self.shots else ()
        if len(pool) < self.shots:
            raise InputError(
                f"{self.name} train has {len(pool)} rows, {self.shots} shots need more"
            )
        stream = random.Random(_SEED)
        asks: list[Ask] = []
        for row in rows:
            shots = stream.sample(pool, self.shots)
            solved = "".join(f"{_query(s)} {s.answer}\n\n" for s in shots)
            asks.append(
                Ask(
                    id=row.id,
                    request=self.request(solved + _query(row), stop=_STOP),
                    references=(row.answer,),
                    attributes={"steps": row.answer.split("#### ")[0].count("\n")},
                )
            )
        return asks

    def grade(self, answered: Answered) -> Mapping[str, float]:
        """Right by the number after ####, and by the last number."""
        wanted = _bare(answered.ask.references[0])
        return {
            "strict_match": float(_bare(strict_match(answered.text)) == wanted),
            "flexible_extract": float(_bare(flexible_extract(answered.text)) == wanted),
        }


def strict_match(answer: str) -> str:
    """The number after the first `####`."""
    found = _STRICT.findall(answer)
    return found[0].strip() if found else _NONE


def flexible_extract(answer: str) -> str:
    """The last thing that looks like a number, with its $ and commas."""
    found: Sequence[tuple[str, str]] = _FLEXIBLE.findall(answer)
    return next(group for group in found[-1] if group).strip() if found else _NONE


def _query(row: Gsm8kRow) -> str:
    return f"Question: {row.question}\nAnswer:"


def _bare(answer: str) -> str:
    """What two answers are compared by: commas, dollars, the reasoning and a full stop dropped."""
    for pattern in _IGNORED:
        answer = pattern.sub("", answer)
    return answer.lower()
