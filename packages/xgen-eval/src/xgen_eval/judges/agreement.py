"""How far two judges, two repeats of one, or a judge and people agree."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations

import numpy as np

__all__ = ["cohen_kappa", "mean_kappa"]


def cohen_kappa(
    a: Sequence[str | float], b: Sequence[str | float], *, quadratic: bool = False
) -> float | None:
    """Agreement beyond chance (Cohen 1960): 1 is perfect, 0 what the two marginals give.

    Args:
        a: labels by one.
        b: labels by the other, of the same things in the same order.
        quadratic: labels are numbers, and two count as the further apart the more they differ
            (Cohen 1968, squared distances); otherwise all disagreements count the same.

    Returns:
        None where chance alone would agree always: both gave one and the same label throughout.

    Raises:
        ValueError: no labels, or not equally many.
    """
    if len(a) != len(b) or not a:
        raise ValueError(f"expected as many labels by both, got {len(a)} and {len(b)}")
    if quadratic:
        x, y = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
        observed = float(np.mean((x - y) ** 2))
        by_chance = float(np.mean((x[:, None] - y[None, :]) ** 2))
    else:
        observed = sum(i != j for i, j in zip(a, b, strict=True)) / len(a)
        by_chance = 1 - math.fsum(a.count(label) * b.count(label) for label in set(a)) / len(a) ** 2
    return None if by_chance == 0 else 1 - observed / by_chance


def mean_kappa(
    repeats: Sequence[Sequence[str | float | None]], *, quadratic: bool = False
) -> float | None:
    """The mean kappa of all pairs of repeats, over the things that both gave a label.

    Args:
        repeats: one row a repeat, one label (or None) a thing.
        quadratic: as in `cohen_kappa`.
    """
    kappas: list[float] = []
    for first, second in combinations(repeats, 2):
        both = [
            (i, j) for i, j in zip(first, second, strict=True) if i is not None and j is not None
        ]
        if both:
            kappa = cohen_kappa([i for i, _ in both], [j for _, j in both], quadratic=quadratic)
            if kappa is not None:
                kappas.append(kappa)
    return math.fsum(kappas) / len(kappas) if kappas else None
