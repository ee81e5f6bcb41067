"""Two systems on the same items: how large the difference is, and whether chance explains it.

What both get right or wrong says nothing of the difference, so a paired test sees differences that
two separate intervals hide. Differences are second minus first.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np

from xgen_eval.statistics.bootstrap import RESAMPLES, Floats, resampled
from xgen_eval.statistics.distributions import binomial_tail, normal_quantile, t_cdf
from xgen_eval.statistics.estimates import Estimate, cluster_sums, mean_stderr, ratio_of_sums
from xgen_eval.statistics.intervals import Interval, t_interval, two_sided

__all__ = [
    "Difference",
    "McNemar",
    "mcnemar",
    "paired_bootstrap",
    "paired_proportions",
    "paired_t",
    "sign_flip_test",
]

_EXACT = 14
"""Differences other than 0 up to which all signs are tried, 2^14 of them."""

_FLIPS = 10_000


class Difference(NamedTuple):
    """A difference and what may be said of it.

    Attributes:
        value: the difference.
        stderr: its standard error, or None where nothing shows it.
        interval: of the asked confidence, or None where the units are too few or do not vary.
        p: probability of a difference at least as large, of either sign, if there were none.
        n: independent units behind it.
    """

    value: float
    stderr: float | None
    interval: Interval | None
    p: float | None
    n: int


class McNemar(NamedTuple):
    """Two-sided p-values of McNemar's test.

    Attributes:
        exact: never below the true probability, and so sure and a little timid.
        mid: half of what was observed counted; close to the true probability (Fagerland, Lydersen
            and Laake 2013).
    """

    exact: float
    mid: float


def mcnemar(won: int, lost: int) -> McNemar:
    """McNemar's exact test: would a fair coin split the items on which the two differ like this?

    Args:
        won: items that the second gets right and the first does not.
        lost: the reverse.

    Raises:
        ValueError: a negative count.
    """
    if won < 0 or lost < 0:
        raise ValueError(f"counts must not be negative, got {won} and {lost}")
    n, fewer = won + lost, min(won, lost)
    tail = binomial_tail(fewer, n)
    return McNemar(exact=min(1.0, 2 * tail), mid=tail + binomial_tail(fewer - 1, n))


def paired_proportions(won: int, lost: int, n: int, confidence: float = 0.95) -> Difference:
    """The difference of two proportions on the same n items.

    The interval is that of Agresti and Min 2005 (half an item added to each of the four cells),
    which keeps its coverage with few items; p is exact McNemar.

    Raises:
        ValueError: more items that differ than items.
    """
    if not 0 < n >= won + lost:
        raise ValueError(f"{won} + {lost} items differ, but there are {n}")
    value = (won - lost) / n
    spread = won + lost - (won - lost) ** 2 / n
    stderr = math.sqrt(spread / n / (n - 1)) if n > 1 else None
    middle = (won - lost) / (n + 2)
    half = math.sqrt(won + lost + 1 - (won - lost) ** 2 / (n + 2)) / (n + 2)
    half *= normal_quantile(two_sided(confidence))
    interval = max(middle - half, -1.0), min(middle + half, 1.0)
    return Difference(value, stderr, interval, mcnemar(won, lost).exact, n)


def paired_t(differences: Sequence[float] | Floats, confidence: float = 0.95) -> Difference:
    """The mean difference by Student's paired test.

    Raises:
        ValueError: no differences.
    """
    estimate = mean_stderr(differences)
    p = None
    if estimate.stderr:
        p = 2 * t_cdf(-abs(estimate.value / estimate.stderr), estimate.n - 1)
    elif estimate.stderr == 0:
        p = _without_spread(estimate)
    return Difference(
        estimate.value, estimate.stderr, t_interval(estimate, confidence), p, estimate.n
    )


def sign_flip_test(differences: Sequence[float] | Floats, seed: int = 0) -> float:
    """P of the permutation test: how often the mean is as large when signs are drawn by a coin.

    Exact up to 14 differences other than 0, 10,000 draws beyond. For clusters give their sums.

    Raises:
        ValueError: no differences.
    """
    values = np.asarray(differences, dtype=np.float64)
    if not len(values):
        raise ValueError("no differences to test")
    values = values[values != 0]
    if not len(values):
        return 1.0
    observed = abs(math.fsum(values)) * (1 - 1e-12)
    if len(values) <= _EXACT:
        signs = np.array(list(itertools.product((1.0, -1.0), repeat=len(values))))
        return float(np.mean(np.abs(signs @ values) >= observed))
    raw = np.random.PCG64(seed).random_raw(_FLIPS * -(-len(values) // 64))
    bits = np.unpackbits(raw.view(np.uint8).reshape(_FLIPS, -1), axis=1)[:, : len(values)]
    sums = 2 * (bits @ values) - values.sum()
    return (1 + int(np.count_nonzero(np.abs(sums) >= observed))) / (1 + _FLIPS)


def paired_bootstrap(
    differences: Sequence[float] | Floats,
    clusters: Sequence[Hashable] | None = None,
    weights: Sequence[float] | None = None,
    *,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Difference:
    """The mean difference by a studentised bootstrap over items, or over clusters of them.

    Each resample of the centred differences gives a mean over its own standard error. p is how
    often that is as far from 0 as the observed one, and the interval reaches so far that it leaves
    out 0 exactly when p is at most 1 - confidence.

    Args:
        differences: one an item.
        clusters: what each item belongs to, where items are not independent.
        weights: of the items in the mean.
        confidence: of the interval.
        resamples: how many.
        seed: decides the draws.

    Raises:
        ValueError: no differences, or not one cluster (and weight) for each.
    """
    alpha = 2 - 2 * two_sided(confidence)
    owners = range(len(differences)) if clusters is None else clusters
    y, x = map(np.asarray, cluster_sums(differences, owners, weights))
    estimate = ratio_of_sums(y, x)
    value, stderr, n = estimate
    if stderr is None:
        return Difference(value, None, None, None, n)
    if stderr == 0:
        interval = (0.0, 0.0) if value == 0 else None
        return Difference(value, 0.0, interval, _without_spread(estimate), n)
    units = np.stack([y - value * x, x], axis=1)
    ratios = np.concatenate([_t_ratios(drawn) for drawn in resampled(units, resamples, seed)])
    observed = abs(value) / stderr
    p = (1 + int(np.count_nonzero(ratios >= observed))) / (1 + resamples)
    reach = float(np.sort(ratios)[-max(1, math.floor(alpha * (resamples + 1)))]) * stderr
    interval = (value - reach, value + reach) if math.isfinite(reach) else None
    return Difference(value, stderr, interval, p, n)


def _t_ratios(drawn: Floats) -> Floats:
    """|mean| / standard error of each resample `[r, n, 2]` of centred sums and counts.

    One that drew equal units has no standard error: as far from 0 as can be, unless it is at 0.
    """
    y, x = drawn[..., 0], drawn[..., 1]
    n = drawn.shape[1]
    mean = y.sum(axis=1) / x.sum(axis=1)
    squares = ((y - mean[:, None] * x) ** 2).sum(axis=1)
    stderr = np.sqrt(n / (n - 1) * squares) / x.sum(axis=1)
    far = np.where(mean == 0, 0.0, np.inf)
    return np.divide(np.abs(mean), stderr, out=far, where=stderr > 1e-12 * np.abs(mean))


def _without_spread(estimate: Estimate) -> float:
    """P where all n differences are equal: a coin gives n equal signs with probability 2^(1-n)."""
    return 1.0 if estimate.value == 0 else 2.0 ** (1 - estimate.n)
