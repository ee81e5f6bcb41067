"""Multiplication of whole numbers ("Faith and Fate", Dziri et al. 2023), by number of digits."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from xgen_core.report import Block
from xgen_eval.answers import Answered, Ask
from xgen_eval.curves import curve, score_map
from xgen_eval.generation import GenerationBenchmark
from xgen_eval.grading import Graded
from xgen_eval.inputs import Inputs
from xgen_eval.seeded.computation import ComputationGraph
from xgen_eval.seeded.draws import integer

__all__ = ["Multiplication", "schoolbook"]

_NUMBER = re.compile(r"\d[\d,]*")
_EXAMPLES = ((7, 8), (34, 6), (52, 81))


@dataclass(frozen=True, slots=True, kw_only=True)
class Multiplication(GenerationBenchmark):
    """Products of every pair of lengths, after a few solved examples.

    Attributes:
        digits: lengths of the factors; each is tried with itself and with every shorter one.
        count: products of each pair of lengths.
        shots: solved examples before, at most 3.
    """

    digits: tuple[int, ...] = (1, 2, 3, 4)
    count: int = 20
    shots: int = 3
    max_tokens: int = 64

    name: ClassVar[str] = "multiplication"
    procedure: ClassVar[str] = "digits-v1"
    summary: ClassVar[str] = "products of whole numbers by their digits (Faith and Fate)"
    title: ClassVar[str] = "Multiplication by number of digits"
    caption: ClassVar[str] = (
        "acc: the last number of the answer's first line is the product. digits: the part of the "
        "product's digits that are right, counted from the units. depth and width are those of "
        "the schoolbook algorithm's computation graph."
    )
    parts: ClassVar[tuple[str, ...]] = ("size",)

    def __post_init__(self) -> None:
        GenerationBenchmark.__post_init__(self)
        if not self.digits or min(self.digits) < 1 or len(set(self.digits)) < len(self.digits):
            raise ValueError(f"digits must be positive and differ, got {self.digits}")
        if self.count < 1 or not 0 <= self.shots <= len(_EXAMPLES):
            raise ValueError(f"count is at least 1 and shots at most {len(_EXAMPLES)}")

    def asks(self, inputs: Inputs) -> list[Ask]:
        """Products of all pairs of lengths, one of each pair before the second of any."""
        pairs = [(a, b) for a in sorted(self.digits) for b in sorted(self.digits) if a >= b]
        plan = [(number, a, b) for number in range(self.count) for a, b in pairs]
        return [self._ask(inputs.seed, *item) for item in plan[: inputs.limit]]

    def grade(self, answered: Answered) -> Mapping[str, float]:
        """Is the product right, and how many of its digits are?"""
        (product,) = answered.ask.references
        lines = answered.text.strip().split("\n")
        numbers = _NUMBER.findall(lines[0])
        given = numbers[-1].replace(",", "") if numbers else ""
        given = given.lstrip("0") or given[-1:]
        right = sum(a == b for a, b in zip(reversed(given), reversed(product), strict=False))
        return {
            "acc": float(given == product),
            "digits": right / max(len(product), len(given)),
        }

    def blocks(self, items: Sequence[Graded]) -> Sequence[Block]:
        """Accuracy by lengths, and by depth and width of the computation."""
        return (
            score_map(
                items,
                "acc",
                x="digits_b",
                y="digits_a",
                x_title="digits of the shorter factor",
                y_title="digits of the longer",
            ),
            curve(items, ("acc", "digits"), "depth", x_title="depth of the computation graph"),
            curve(items, ("acc", "digits"), "width", x_title="width of the computation graph"),
        )

    def _ask(self, seed: int, number: int, a: int, b: int) -> Ask:
        x, y = (_number(seed, digits, number, a, b, side) for side, digits in enumerate((a, b)))
        solved = "".join(f"{p} x {q} = {p * q}\n" for p, q in _EXAMPLES[: self.shots])
        return Ask(
            id=f"{a}x{b}-{number + 1}",
            request=self.request(f"{solved}{x} x {y} =", stop=("\n",)),
            references=(f"{x * y}",),
            attributes={
                "size": f"{a}x{b}",
                "digits_a": a,
                "digits_b": b,
                **schoolbook(x, y).attributes(),
            },
        )


def schoolbook(a: int, b: int) -> ComputationGraph:
    """The graph of long multiplication: digit products with carries, then columns added up.

    Nodes are digits of the factors, products of two digits with the carry added, their last digit
    and carry, and the same of every column of the sum.
    """
    graph = ComputationGraph()
    left = [graph.add() for _ in f"{a}"]
    right = [graph.add() for _ in f"{b}"]
    columns: dict[int, list[int]] = {}
    for i, y in enumerate(reversed(right)):
        carry: list[int] = []
        for j, x in enumerate(reversed(left)):
            total = graph.add([x, y, *carry])
            columns.setdefault(i + j, []).append(graph.add([total]))
            carry = [graph.add([total])]
        columns.setdefault(i + len(left), []).extend(carry)
    if len(right) > 1:
        carry = []
        for _, digits in sorted(columns.items()):
            total = graph.add([*digits, *carry])
            graph.add([total])
            carry = [graph.add([total])]
    return graph


def _number(seed: int, digits: int, *key: int) -> int:
    low = 10 ** (digits - 1) if digits > 1 else 2
    return low + integer(10**digits - low, seed, "multiplication", digits, *key)
