"""The dynamic-programming task of "Faith and Fate" (Dziri et al. 2023).

The largest sum of numbers no two of which are neighbours in the list, as a list of choices.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from xgen_core.report import Block
from xgen_eval.answers import Answered, Ask, prompt_text
from xgen_eval.curves import curve
from xgen_eval.generation import GenerationBenchmark
from xgen_eval.grading import Graded
from xgen_eval.inputs import Inputs
from xgen_eval.seeded.computation import ComputationGraph
from xgen_eval.seeded.draws import integer

__all__ = ["NonadjacentSum", "choices"]

_TASK = (
    "Choose numbers of a list so that their sum is as large as possible and no two of them stand "
    "next to each other in the list. Choosing none gives 0. Write 1 for each number that is chosen "
    "and 2 for each that is not, in the order of the list. If several choices have the largest "
    "sum, give the one whose list of 1s and 2s comes first in lexicographic order.\n\n"
)
_EXAMPLES = ((3, 2, 5), (-1, 4, 4, -2), (1, -3, 2, 2, 5))
_LIST = re.compile(r"\[([^\]]*)\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class NonadjacentSum(GenerationBenchmark):
    """Lists of numbers from -5 to 5, after a few solved examples.

    Attributes:
        lengths: of the lists.
        count: lists of each length.
        shots: solved examples before, at most 3.
    """

    lengths: tuple[int, ...] = (2, 3, 4, 5, 6, 8, 10)
    count: int = 20
    shots: int = 3
    max_tokens: int = 128

    name: ClassVar[str] = "nonadjacent_sum"
    procedure: ClassVar[str] = "list-v1"
    summary: ClassVar[str] = "largest sum of non-adjacent numbers by length (Faith and Fate)"
    title: ClassVar[str] = "Largest sum of non-adjacent numbers"
    caption: ClassVar[str] = (
        "acc: the list of choices is the right one. optimal: it is valid and has the largest sum. "
        "choices: the part of the places where it says what the right one says. depth and width "
        "are those of the dynamic programme's computation graph."
    )
    parts: ClassVar[tuple[str, ...]] = ("length",)

    def __post_init__(self) -> None:
        GenerationBenchmark.__post_init__(self)
        if not self.lengths or min(self.lengths) < 2 or len(set(self.lengths)) < len(self.lengths):
            raise ValueError(f"lengths must be at least 2 and differ, got {self.lengths}")
        if self.count < 1 or not 0 <= self.shots <= len(_EXAMPLES):
            raise ValueError(f"count is at least 1 and shots at most {len(_EXAMPLES)}")

    def asks(self, inputs: Inputs) -> list[Ask]:
        """Lists of all lengths, one of each before the second of any."""
        plan = [(number, length) for number in range(self.count) for length in self.lengths]
        return [self._ask(inputs.seed, *item) for item in plan[: inputs.limit]]

    def grade(self, answered: Answered) -> Mapping[str, float]:
        """Exact, as good as the best, and the part of the places that are right."""
        wanted = [int(c) for c in answered.ask.references[0].split(", ")]
        numbers = [int(n) for n in _LIST.findall(prompt_text(answered.ask.request))[-1].split(",")]
        found = _LIST.search(answered.text)
        given = [c.strip() for c in (found[1] if found else answered.text).split(",")]
        chosen = [int(c) if c in ("1", "2") else 0 for c in given]
        same = sum(a == b for a, b in zip(chosen, wanted, strict=False))
        return {
            "acc": float(chosen == wanted),
            "optimal": float(_sum(numbers, chosen) == _sum(numbers, wanted)),
            "choices": same / max(len(wanted), len(chosen)),
        }

    def blocks(self, items: Sequence[Graded]) -> Sequence[Block]:
        """Curves by length, depth and width."""
        scores = ("acc", "optimal", "choices")
        return (
            curve(items, scores, "length", x_title="numbers in the list"),
            curve(items, scores, "depth", x_title="depth of the computation graph"),
            curve(items, scores, "width", x_title="width of the computation graph"),
        )

    def _ask(self, seed: int, number: int, length: int) -> Ask:
        numbers = [integer(11, seed, "nonadjacent", length, number, i) - 5 for i in range(length)]
        solved = "".join(f"{_shown(e)} {list(choices(e))}\n\n" for e in _EXAMPLES[: self.shots])
        return Ask(
            id=f"{length}-{number + 1}",
            request=self.request(_TASK + solved + _shown(numbers), stop=("\n\n",)),
            references=(_joined(choices(numbers)),),
            attributes={"length": length, **_graph(length).attributes()},
        )


def choices(numbers: Sequence[int]) -> tuple[int, ...]:
    """The right answer: 1 for chosen, 2 for not, the lexicographically first of the best."""
    best = [0, 0]  # of the tails, the empty one last
    for number in reversed(numbers):
        best.insert(0, max(best[0], number + best[1]))
    found: list[int] = []
    free = True
    for i, number in enumerate(numbers):
        free = not (free and best[i] == number + best[i + 2])
        found.append(2 if free else 1)
    return tuple(found)


def _graph(length: int) -> ComputationGraph:
    """Best sums of the tails from the back, then choices from the front."""
    graph = ComputationGraph()
    inputs = [graph.add() for _ in range(length)]
    best: list[int] = []
    for number in reversed(inputs):
        best.append(graph.add([number, *best[-2:]]))
    before: list[int] = []
    for i, number in enumerate(inputs):
        tails = best[: length - i][-1:] + best[: max(length - i - 2, 0)][-1:]
        before = [graph.add([number, *tails, *before])]
    return graph


def _sum(numbers: Sequence[int], chosen: Sequence[int]) -> int | None:
    """What a choice is worth; None for one that is not allowed."""
    adjacent = any(a == b == 1 for a, b in pairwise(chosen))
    if len(chosen) != len(numbers) or adjacent or not set(chosen) <= {1, 2}:
        return None
    return sum(n for n, c in zip(numbers, chosen, strict=True) if c == 1)


def _shown(numbers: Sequence[int]) -> str:
    return f"List: [{_joined(numbers)}]\nChoices:"


def _joined(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))
