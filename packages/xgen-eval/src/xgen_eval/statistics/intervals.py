"""Intervals of one number: where it may lie, given what was measured."""

from __future__ import annotations

import math

from xgen_eval.statistics.distributions import normal_quantile, t_quantile
from xgen_eval.statistics.estimates import Estimate

__all__ = ["Interval", "t_interval", "two_sided", "wilson_interval"]

Interval = tuple[float, float]
"""The lower and the upper bound."""


def two_sided(confidence: float) -> float:
    """The probability below the upper bound of a two-sided interval: 0.975 for 0.95.

    Raises:
        ValueError: a confidence outside (0, 1).
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence lies in (0, 1), got {confidence}")
    return 0.5 + confidence / 2


def wilson_interval(successes: int, n: int, confidence: float = 0.95) -> Interval:
    """The score interval of a proportion (Wilson 1927), without continuity correction.

    Unlike value ± z·stderr it stays inside 0..1 and keeps its coverage near the ends.

    Raises:
        ValueError: no trials, more successes than trials, or a confidence outside (0, 1).
    """
    if not 0 <= successes <= n or n < 1:
        raise ValueError(f"expected 0 <= successes <= n and n >= 1, got {successes} of {n}")
    z = normal_quantile(two_sided(confidence))
    p = successes / n
    scale = 1 + z * z / n
    middle = (p + z * z / (2 * n)) / scale
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / scale
    # At the ends the bound is exactly 0 or 1; rounding must not leave 1e-17 there.
    low = 0.0 if successes == 0 else middle - half
    high = 1.0 if successes == n else middle + half
    return low, high


def t_interval(estimate: Estimate, confidence: float = 0.95) -> Interval | None:
    """Value ± t·stderr with n - 1 degrees of freedom, n the independent units; None for one unit.

    Raises:
        ValueError: a confidence outside (0, 1).
    """
    p = two_sided(confidence)
    if estimate.stderr is None or estimate.n < 2:
        return None
    half = t_quantile(p, estimate.n - 1) * estimate.stderr
    return estimate.value - half, estimate.value + half
