"""Logic-grid ("Einstein") puzzles: made from a seed, with exactly one solution.

A row of houses, and for each category (name, colour, …) one value in each house. Clues say where
values are, relative to each other. The solver keeps the set of houses that every value may be in
(bits of an integer), lets the clues shrink these sets, and tries cases where that is not enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from xgen_eval.seeded.computation import ComputationGraph
from xgen_eval.seeded.draws import rank, shuffled

__all__ = ["CATEGORIES", "Clue", "Puzzle", "make_puzzle", "solutions"]

CATEGORIES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("name", "{}", ("Ada", "Ben", "Cleo", "Dan", "Eve", "Finn")),
    ("colour", "the person in the {} house", ("red", "blue", "green", "white", "black", "pink")),
    ("pet", "the owner of the {}", ("cat", "dog", "horse", "parrot", "rabbit", "turtle")),
    ("drink", "the person who drinks {}", ("tea", "milk", "juice", "cocoa", "water", "coffee")),
    ("sport", "the person who plays {}", ("chess", "golf", "tennis", "polo", "hockey", "rugby")),
    ("fruit", "the person who eats {}", ("plums", "pears", "figs", "grapes", "limes", "dates")),
)
"""Category, how a person is named by a value of it, values."""

Value = tuple[int, int]
"""Category and index of a value in it."""
Domains = dict[Value, int]
"""The houses that each value may be in: bit h for house h, counted from 0."""


class Clue(NamedTuple):
    """A fact: `first` is at house `house`, or stands so to `second`."""

    kind: Literal["at", "same", "left", "next", "before"]
    first: Value
    second: Value
    house: int

    def text(self) -> str:
        """The clue as a sentence."""
        a, b = _person(self.first), _person(self.second)
        sentence = {
            "at": f"{a} lives in house {self.house + 1}.",
            "same": f"{a} is {b}.",
            "left": f"{a} lives directly to the left of {b}.",
            "next": f"{a} and {b} live next to each other.",
            "before": f"{a} lives somewhere to the left of {b}.",
        }[self.kind]
        return sentence[0].upper() + sentence[1:]


@dataclass(frozen=True, slots=True, kw_only=True)
class Puzzle:
    """A puzzle with its solution.

    Attributes:
        solution: for each house, the index of its value in each category.
        clues: enough for one solution; without any of them there are more.
    """

    solution: tuple[tuple[int, ...], ...]
    clues: tuple[Clue, ...]

    def values(self) -> list[list[str]]:
        """The solution in words, a row a house."""
        return [[CATEGORIES[c][2][v] for c, v in enumerate(house)] for house in self.solution]

    def graph(self) -> ComputationGraph:
        """The clues (layer 0), then what the solver is sure of after each round of deduction.

        Where a round settles nothing, one value is settled by trying cases.
        """
        houses, categories = len(self.solution), len(self.solution[0])
        place = {(c, v): h for h, row in enumerate(self.solution) for c, v in enumerate(row)}
        graph = ComputationGraph()
        before = [graph.add() for _ in self.clues]
        domains = _start(houses, categories)
        settled: set[Value] = set()
        while len(settled) < len(domains):
            after = _round(domains, self.clues, houses)
            if after == domains:
                open_ = min(
                    (v for v in domains if v not in settled), key=lambda v: _size(domains[v])
                )
                after = {**domains, open_: 1 << place[open_]}
            domains = after
            new = [v for v, d in domains.items() if v not in settled and _size(d) == 1]
            if new:
                before = [graph.add(before) for _ in new]
                settled.update(new)
        return graph


def make_puzzle(houses: int, categories: int, seed: int, *key: str | int) -> Puzzle:
    """A puzzle of that size with one solution and no clue too many.

    Raises:
        ValueError: fewer than 2 or more than 6 houses, no category or more than 6.
    """
    if not 2 <= houses <= 6 or not 1 <= categories <= len(CATEGORIES):
        raise ValueError(f"houses lie in 2..6 and categories in 1..6, got {houses}, {categories}")
    key = ("puzzle", houses, categories, *key)
    columns = [
        sorted(range(houses), key=lambda v: rank(seed, *key, "solution", c, v))
        for c in range(categories)
    ]
    solution = tuple(zip(*columns, strict=True))
    clues = shuffled(
        _true_clues(columns, houses),
        seed,
        lambda clue: (*key, clue.kind, *clue.first, *clue.second, clue.house),
    )
    low, high = 0, len(clues)  # all clues together leave one solution
    while low < high:
        middle = (low + high) // 2
        if solutions(houses, categories, clues[:middle]) == 1:
            high = middle
        else:
            low = middle + 1
    kept = clues[:high]
    for clue in reversed(kept[:]):
        fewer = [c for c in kept if c is not clue]
        if solutions(houses, categories, fewer) == 1:
            kept = fewer
    return Puzzle(solution=solution, clues=tuple(kept))


def solutions(houses: int, categories: int, clues: Sequence[Clue], most: int = 2) -> int:
    """How many solutions there are, counted up to `most`."""
    return _count(_start(houses, categories), clues, houses, most)


def _start(houses: int, categories: int) -> Domains:
    everywhere = (1 << houses) - 1
    return {(c, v): everywhere for c in range(categories) for v in range(houses)}


def _count(domains: Domains, clues: Sequence[Clue], houses: int, most: int) -> int:
    while True:
        after = _round(domains, clues, houses)
        if not all(after.values()):
            return 0
        if after == domains:
            break
        domains = after
    undecided = [v for v, d in domains.items() if _size(d) > 1]
    if not undecided:
        return 1
    value = min(undecided, key=lambda v: _size(domains[v]))
    found = 0
    for house in range(houses):
        if domains[value] >> house & 1 and found < most:
            found += _count({**domains, value: 1 << house}, clues, houses, most - found)
    return found


def _round(domains: Domains, clues: Sequence[Clue], houses: int) -> Domains:
    """What every clue, and the rule of one value a house, leave of the domains; all at once."""
    after = dict(domains)
    everywhere = (1 << houses) - 1
    for clue in clues:
        x, y = domains[clue.first], domains[clue.second]
        match clue.kind:
            case "at":
                x, y = 1 << clue.house, everywhere
            case "same":
                x, y = y, x
            case "left":
                x, y = y >> 1, x << 1
            case "next":
                x, y = y << 1 | y >> 1, x << 1 | x >> 1
            case "before":
                below = (1 << y.bit_length() >> 1) - 1
                x, y = below, everywhere & ~((x & -x) * 2 - 1) if x else 0
        after[clue.first] &= x
        after[clue.second] &= y
    groups: dict[int, list[Value]] = {}
    for value in domains:
        groups.setdefault(value[0], []).append(value)
    for group in groups.values():
        for value in group:
            others = [domains[v] for v in group if v != value]
            taken = sum({d for d in others if _size(d) == 1})
            after[value] &= everywhere & ~taken
            alone = domains[value]
            for other in others:
                alone &= ~other
            if alone:  # a house that no other value can be in
                after[value] &= alone
    return after


def _true_clues(columns: Sequence[Sequence[int]], houses: int) -> list[Clue]:
    at = {(c, v): h for c, column in enumerate(columns) for h, v in enumerate(column)}
    clues = [Clue("at", value, value, house) for value, house in at.items()]
    for x, i in at.items():
        for y, j in at.items():
            if i == j and x < y:
                clues.append(Clue("same", x, y, 0))
            if j == i + 1:
                clues.append(Clue("left", x, y, 0))
            if abs(i - j) == 1 and x < y:
                clues.append(Clue("next", x, y, 0))
            if j > i + 1:
                clues.append(Clue("before", x, y, 0))
    return clues


def _person(value: Value) -> str:
    category, index = value
    _, phrase, values = CATEGORIES[category]
    return phrase.format(values[index])


def _size(domain: int) -> int:
    return domain.bit_count()
