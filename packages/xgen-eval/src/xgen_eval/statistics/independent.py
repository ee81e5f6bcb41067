"""Two figures from different items: two groups of one task, or ours and a published one."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

import numpy as np

from xgen_eval.statistics.distributions import normal_cdf, normal_quantile, t_cdf, t_quantile
from xgen_eval.statistics.estimates import Estimate, mean_stderr
from xgen_eval.statistics.intervals import Interval, two_sided, wilson_interval
from xgen_eval.statistics.paired import Difference

__all__ = [
    "binomial_stderr",
    "clustered_difference",
    "fisher_exact",
    "independent_difference",
    "newcombe_interval",
    "proportion_difference",
    "welch_difference",
]


def binomial_stderr(proportion: float, n: int) -> float:
    """√(p (1 - p) / n): the standard error of a proportion of which only value and n are known.

    At 0 and 1 that would be 0, as if it were certain; there it is taken at (x + 2) / (n + 4), as
    Agresti and Coull 1998 do.

    Raises:
        ValueError: no proportion, or n below 1.
    """
    if not 0 <= proportion <= 1 or n < 1:
        raise ValueError(f"expected 0 <= proportion <= 1 and n >= 1, got {proportion} and {n}")
    if proportion in (0, 1):
        proportion, n = (proportion * n + 2) / (n + 4), n + 4
    return math.sqrt(proportion * (1 - proportion) / n)


def independent_difference(
    first: Estimate, second: Estimate, confidence: float = 0.95
) -> Difference:
    """Second minus first, by the normal approximation.

    For estimates on the same items, of which the single items are not known, it is the best there
    is, and timid: what the items have in common counts as noise twice.

    Raises:
        ValueError: a confidence outside (0, 1).
    """
    z = normal_quantile(two_sided(confidence))
    value, n = second.value - first.value, first.n + second.n
    if first.stderr is None or second.stderr is None:
        return Difference(value, None, None, None, n)
    stderr = math.hypot(first.stderr, second.stderr)
    p = 2 * normal_cdf(-abs(value) / stderr) if stderr else float(value == 0)
    return Difference(value, stderr, (value - z * stderr, value + z * stderr), p, n)


def welch_difference(
    first: Sequence[float], second: Sequence[float], confidence: float = 0.95
) -> Difference:
    """Mean of the second minus mean of the first, with variances of their own (Welch 1947).

    Raises:
        ValueError: one of them is empty.
    """
    a, b = mean_stderr(first), mean_stderr(second)
    value, n = b.value - a.value, a.n + b.n
    if a.stderr is None or b.stderr is None:
        return Difference(value, None, None, None, n)
    u, v = a.stderr**2, b.stderr**2
    if u + v == 0:
        return Difference(value, 0.0, (value, value), float(value == 0), n)
    df = (u + v) ** 2 / (u**2 / (a.n - 1) + v**2 / (b.n - 1))
    return _by_t(value, math.sqrt(u + v), df, n, confidence)


def clustered_difference(
    values: Sequence[float],
    in_second: Sequence[bool],
    clusters: Sequence[Hashable],
    weights: Sequence[float] | None = None,
    *,
    confidence: float = 0.95,
) -> Difference:
    """Mean of the second group minus mean of the first, where items come in clusters.

    A cluster may have items in both groups; then what it shares cancels. By the clusters' influence
    on the difference, with the factor G / (G - 1) and G - 1 degrees of freedom.

    Raises:
        ValueError: rows of different lengths, or an empty group.
    """
    weights = [1.0] * len(values) if weights is None else weights
    if not len(values) == len(in_second) == len(clusters) == len(weights):
        raise ValueError("values, groups, clusters and weights differ in length")
    rows = list(zip(values, in_second, clusters, weights, strict=True))
    sizes, sums = [0.0, 0.0], [0.0, 0.0]
    for value, second, _, weight in rows:
        sizes[second] += weight
        sums[second] += weight * value
    if not all(sizes):
        raise ValueError("a group is empty")
    means = [total / size for total, size in zip(sums, sizes, strict=True)]
    influence: dict[Hashable, float] = {}
    for value, second, cluster, weight in rows:
        share = weight * (value - means[second]) / sizes[second]
        influence[cluster] = influence.get(cluster, 0.0) + (share if second else -share)
    value, groups = means[1] - means[0], len(influence)
    if groups < 2:
        return Difference(value, None, None, None, groups)
    stderr = math.sqrt(groups / (groups - 1) * math.fsum(x * x for x in influence.values()))
    if stderr == 0:
        return Difference(value, 0.0, (value, value), float(value == 0), groups)
    return _by_t(value, stderr, groups - 1, groups, confidence)


def proportion_difference(
    first: tuple[int, int], second: tuple[int, int], confidence: float = 0.95
) -> Difference:
    """Second minus first of two proportions, each as (successes, n) over items of its own.

    The interval is Newcombe's, p is Fisher's exact test.
    """
    (x, n), (y, m) = first, second
    p, q = x / n, y / m
    stderr = math.sqrt(p * (1 - p) / n + q * (1 - q) / m)
    interval = newcombe_interval(first, second, confidence)
    return Difference(q - p, stderr, interval, fisher_exact(first, second), n + m)


def newcombe_interval(
    first: tuple[int, int], second: tuple[int, int], confidence: float = 0.95
) -> Interval:
    """Interval of the second proportion minus the first (Newcombe 1998, method 10).

    Made from the two Wilson intervals, so that it keeps its coverage near 0 and 1.

    Raises:
        ValueError: as `wilson_interval`.
    """
    p, q = first[0] / first[1], second[0] / second[1]
    low_p, high_p = wilson_interval(*first, confidence)
    low_q, high_q = wilson_interval(*second, confidence)
    return (
        q - p - math.hypot(q - low_q, high_p - p),
        q - p + math.hypot(high_q - q, p - low_p),
    )


def fisher_exact(first: tuple[int, int], second: tuple[int, int]) -> float:
    """Two-sided p of Fisher's exact test: all tables at most as likely as the observed one.

    Raises:
        ValueError: more successes than trials.
    """
    (x, n), (y, m) = first, second
    if not (0 <= x <= n and 0 <= y <= m):
        raise ValueError(f"expected 0 <= successes <= n, got {first} and {second}")
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n + m + 1)))])
    k = np.arange(max(0, x + y - m), min(n, x + y) + 1)
    weights = -logs[k] - logs[n - k] - logs[x + y - k] - logs[m - (x + y - k)]
    likely = np.exp(weights - weights.max())
    at = likely[x - k[0]] * (1 + 1e-9)
    return min(1.0, float(likely[likely <= at].sum() / likely.sum()))


def _by_t(value: float, stderr: float, df: float, n: int, confidence: float) -> Difference:
    half = t_quantile(two_sided(confidence), df) * stderr
    p = 2 * t_cdf(-abs(value) / stderr, df)
    return Difference(value, stderr, (value - half, value + half), p, n)
