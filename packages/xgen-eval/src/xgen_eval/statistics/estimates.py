"""Means and ratios with their standard errors.

Every estimate names its independent units. Tokens of one document are not independent of each
other, so figures over tokens are estimated by cluster: by document, or by window.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np

__all__ = ["Estimate", "cluster_sums", "clustered_mean", "mean_stderr", "ratio_of_sums"]


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


def clustered_mean(
    values: Sequence[float] | np.ndarray,
    clusters: Sequence[Hashable],
    weights: Sequence[float] | np.ndarray | None = None,
) -> Estimate:
    """The mean over all values, with the standard error by cluster.

    The clusters are the independent units (`n` counts them), as in Liang and Zeger 1986, with the
    small-sample factor G / (G - 1): √(G / (G - 1) · Σ_g (Σ_{i∈g} wᵢ (vᵢ - mean))²) / Σ w.

    Raises:
        ValueError: no values, or not one cluster (and weight) for each.
    """
    return ratio_of_sums(*cluster_sums(values, clusters, weights))


def cluster_sums(
    values: Sequence[float] | np.ndarray,
    clusters: Sequence[Hashable],
    weights: Sequence[float] | np.ndarray | None = None,
) -> tuple[list[float], list[float]]:
    """Σ w·v and Σ w of each cluster, in the order of first appearance; without weights they are 1.

    Raises:
        ValueError: not one cluster (and weight) for each value.
    """
    weights = np.ones(len(values)) if weights is None else weights
    if not len(values) == len(clusters) == len(weights):
        raise ValueError(
            f"{len(values)} values, but {len(clusters)} clusters and {len(weights)} weights"
        )
    groups: dict[Hashable, tuple[list[float], list[float]]] = {}
    for value, weight, cluster in zip(values, weights, clusters, strict=True):
        group = groups.setdefault(cluster, ([], []))
        group[0].append(float(value) * float(weight))
        group[1].append(float(weight))
    sums = [(math.fsum(v), math.fsum(w)) for v, w in groups.values()]
    return [v for v, _ in sums], [w for _, w in sums]
