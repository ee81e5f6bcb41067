"""What the plots of a run have in common: means of steps, and stage edges."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from statistics import fmean
from typing import Any

from xgen_train.recipe import TrainRecipe

__all__ = ["Row", "edges", "means", "width"]

Row = dict[str, Any]
"""A line of metrics.jsonl or timings.jsonl."""

_POINTS = 60
"""Means that a curve shows at least; single steps of a small batch are mostly noise."""


def edges(recipe: TrainRecipe) -> list[tuple[float, str]]:
    """Vertical lines: tokens read, and what the sequence length becomes."""
    marks: list[tuple[float, str]] = []
    for number, (end, following) in enumerate(
        zip(recipe.edges, recipe.stages[1:], strict=False), 1
    ):
        before = recipe.stages[number - 1].sequence_length
        label = f"{before} → {following.sequence_length}"
        if before == following.sequence_length:
            label = "mixture"
        marks.append((end * recipe.batch_tokens, label))
    return marks


def width(steps: Sequence[Row]) -> int:
    """How many steps a point of a curve is the mean of."""
    return max(1, len(steps) // _POINTS)


def means(
    steps: Sequence[Row], value: Callable[[Row], float | None]
) -> Iterator[tuple[int, float]]:
    """Tokens read and mean value of about `width` steps, none of them across a stage edge."""
    wide = width(steps)
    for _, group in itertools.groupby(steps, key=lambda row: row["stage"]):
        rows = list(group)
        parts = max(1, round(len(rows) / wide))
        for number in range(parts):
            part = rows[len(rows) * number // parts : len(rows) * (number + 1) // parts]
            known = [v for row in part if (v := value(row)) is not None]
            if known:
                yield part[-1]["tokens"], fmean(known)
