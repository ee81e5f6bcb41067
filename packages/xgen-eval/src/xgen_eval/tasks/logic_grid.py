"""Logic-grid ("Einstein") puzzles of "Faith and Fate" (Dziri et al. 2023), by their size."""

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
from xgen_eval.seeded.puzzles import CATEGORIES, Puzzle, make_puzzle

__all__ = ["LogicGrid"]

_LINE = re.compile(r"house\s+(\d+)\s*:\s*([^\n]*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogicGrid(GenerationBenchmark):
    """Fill the grid from its clues; a solved puzzle of two houses stands before.

    Attributes:
        houses: how many stand in a row.
        categories: what is to be found of each house (its name, its colour, …).
        count: puzzles of each size.
    """

    houses: tuple[int, ...] = (2, 3, 4)
    categories: tuple[int, ...] = (2, 3, 4)
    count: int = 5

    name: ClassVar[str] = "logic_grid"
    procedure: ClassVar[str] = "clues-v1"
    summary: ClassVar[str] = "logic-grid puzzles by houses and categories (Faith and Fate)"
    title: ClassVar[str] = "Logic-grid puzzles"
    caption: ClassVar[str] = (
        "acc: the whole grid is right. cells: the part of its cells that are. Every puzzle has one "
        "solution, found by a solver. depth and width are those of its rounds of deduction."
    )
    parts: ClassVar[tuple[str, ...]] = ("size",)

    def __post_init__(self) -> None:
        GenerationBenchmark.__post_init__(self)
        if not self.houses or not all(2 <= h <= 6 for h in self.houses):
            raise ValueError(f"houses lie in 2..6, got {self.houses}")
        if not self.categories or not all(1 <= c <= len(CATEGORIES) for c in self.categories):
            raise ValueError(f"categories lie in 1..{len(CATEGORIES)}, got {self.categories}")
        if self.count < 1:
            raise ValueError(f"count must be at least 1, got {self.count}")

    def asks(self, inputs: Inputs) -> list[Ask]:
        """Puzzles of all sizes, one of each before the second of any."""
        sizes = [(h, c) for h in dict.fromkeys(self.houses) for c in dict.fromkeys(self.categories)]
        plan = [(number, h, c) for number in range(self.count) for h, c in sizes]
        return [self._ask(inputs.seed, *item) for item in plan[: inputs.limit]]

    def grade(self, answered: Answered) -> Mapping[str, float]:
        """Is the grid right, and how many of its cells are?"""
        (solved,) = answered.ask.references
        given = _read(answered.text)
        cells = [
            given.get(house, {}).get(column) == value
            for house, row in _read(solved).items()
            for column, value in row.items()
        ]
        return {"acc": float(all(cells)), "cells": sum(cells) / len(cells)}

    def blocks(self, items: Sequence[Graded]) -> Sequence[Block]:
        """Accuracy by size, depth and width."""
        return (
            score_map(
                items, "acc", x="houses", y="categories", x_title="houses", y_title="categories"
            ),
            curve(items, ("acc", "cells"), "depth", x_title="depth of the computation graph"),
            curve(items, ("acc", "cells"), "width", x_title="width of the computation graph"),
        )

    def _ask(self, seed: int, number: int, houses: int, categories: int) -> Ask:
        puzzle = make_puzzle(houses, categories, seed, number)
        example = make_puzzle(2, categories, seed, "example")
        prompt = f"{_question(example)}\n{_solution(example)}\n\n{_question(puzzle)}"
        return Ask(
            id=f"{houses}x{categories}-{number + 1}",
            request=self.request(prompt, stop=("\n\n",)),
            references=(_solution(puzzle),),
            attributes={
                "size": f"{houses}x{categories}",
                "houses": houses,
                "categories": categories,
                "clues": len(puzzle.clues),
                **puzzle.graph().attributes(),
            },
        )


def _question(puzzle: Puzzle) -> str:
    houses = len(puzzle.solution)
    lines = [
        f"There are {houses} houses in a row, numbered 1 to {houses} from left to right. One "
        "person lives in each house. Each of these is true of exactly one of them:"
    ]
    for category in range(len(puzzle.solution[0])):
        name, _, values = CATEGORIES[category]
        lines.append(f"- {name}: {', '.join(values[:houses])}")
    lines.append("Clues:")
    lines += [f"{i}. {clue.text()}" for i, clue in enumerate(puzzle.clues, 1)]
    order = ", ".join(CATEGORIES[c][0] for c in range(len(puzzle.solution[0])))
    lines.append(f"Who lives where? Write one line a house: House NUMBER: {order}")
    return "\n".join([*lines, "Answer:"])


def _solution(puzzle: Puzzle) -> str:
    rows = enumerate(puzzle.values(), 1)
    return "\n".join(f"House {house}: {', '.join(values)}" for house, values in rows)


def _read(text: str) -> dict[int, dict[int, str]]:
    """What an answer says of each house; its first line about a house counts."""
    found: dict[int, dict[int, str]] = {}
    for house, line in _LINE.findall(text):
        values = [value.strip(" .*").lower() for value in line.split(",")]
        found.setdefault(int(house), dict(enumerate(values)))
    return found
