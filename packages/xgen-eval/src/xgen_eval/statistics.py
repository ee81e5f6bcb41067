"""How far off a number may be: Wilson intervals, and standard errors of means and ratios.

Every estimate names its independent units. Tokens of one document are not independent of each
other, so figures over tokens are estimated by cluster: by document, or by window.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

__all__ = ["Estimate", "clustered_mean", "mean_stderr", "ratio_of_sums", "wilson_interval"]


class Estimate(NamedTuple):
    """A number with its standard error.

    Attributes:
        value: the estimate.
        stderr: one standard error, or None where a single unit says nothing about spread.
        n: how many independent units it rests on.
    """

    value: float
    stderr: float | None
    n: int


def wilson_interval(successes: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """The score interval of a proportion (Wilson 1927), without continuity correction.

    Unlike value ± z·stderr it stays inside 0..1 and keeps its coverage near the ends.

    Raises:
        ValueError: no trials, more successes than trials, or a confidence outside (0, 1).
    """
    if not 0 <= successes <= n or n < 1:
        raise ValueError(f"expected 0 <= successes <= n and n >= 1, got {successes} of {n}")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence lies in (0, 1), got {confidence}")
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    p = successes / n
    scale = 1 + z * z / n
    middle = (p + z * z / (2 * n)) / scale
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / scale
    # At the ends the bound is exactly 0 or 1; rounding must not leave 1e-17 there.
    low = 0.0 if successes == 0 else middle - half
    high = 1.0 if successes == n else middle + half
    return low, high


def mean_stderr(values: Sequence[float] | np.ndarray) -> Estimate:
    """The mean of independent values and its standard error, sd / √n with n - 1 in the sd.

    Raises:
        ValueError: no values.
    """
    return ratio_of_sums(values, np.ones(len(values)))


def ratio_of_sums(
    numerators: Sequence[float] | np.ndarray, denominators: Sequence[float] | np.ndarray
) -> Estimate:
    """Σ numerators / Σ denominators over independent clusters, one pair a cluster.

    The standard error is the linearised one of a ratio estimator (Cochran, *Sampling Techniques*,
    3rd ed., §6.3, sampling fraction 0): √(n / (n - 1) · Σ (yᵢ - r·xᵢ)²) / Σ xᵢ. With equal
    denominators it is the standard error of a mean.

    Raises:
        ValueError: no clusters, two lengths, or denominators that do not sum to more than 0.
    """
    y = np.asarray(numerators, dtype=np.float64)
    x = np.asarray(denominators, dtype=np.float64)
    if y.ndim != 1 or y.shape != x.shape or not len(y):
        raise ValueError(f"expected two equally long, non-empty rows, got {y.shape} and {x.shape}")
    # fsum is exact: the same figure on every machine and Python, whatever the order of summing.
    total = math.fsum(x)
    if not total > 0:
        raise ValueError(f"the denominators sum to {total}, which is not above 0")
    ratio = math.fsum(y) / total
    if len(y) == 1:
        return Estimate(ratio, None, 1)
    spread = math.fsum((y - ratio * x) ** 2)
    return Estimate(ratio, math.sqrt(len(y) / (len(y) - 1) * spread) / total, len(y))


def clustered_mean(values: Sequence[float] | np.ndarray, clusters: Sequence[Hashable]) -> Estimate:
    """The mean over all values, with the standard error by cluster.

    The clusters are the independent units (`n` counts them), as in Liang and Zeger 1986, with the
    small-sample factor G / (G - 1): √(G / (G - 1) · Σ_g (Σ_{i∈g} (vᵢ - mean))²) / N.

    Raises:
        ValueError: no values, or not one cluster for each.
    """
    if len(values) != len(clusters):
        raise ValueError(f"{len(values)} values, but {len(clusters)} clusters")
    groups: dict[Hashable, list[float]] = {}
    for value, cluster in zip(values, clusters, strict=True):
        groups.setdefault(cluster, []).append(float(value))
    return ratio_of_sums(
        [math.fsum(g) for g in groups.values()], [float(len(g)) for g in groups.values()]
    )
