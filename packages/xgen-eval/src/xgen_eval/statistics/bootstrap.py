"""The bootstrap (Efron 1979): how a figure varies when its units are drawn again from themselves.

A figure is a function of sums over independent units (items, documents, clusters), which is what a
mean, a ratio, a corpus BLEU or a perplexity is. That makes ten thousand resamples one product of
arrays. The draws depend on the seed and the number of units alone, not on numpy's release.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from xgen_eval.statistics.distributions import normal_cdf, normal_quantile
from xgen_eval.statistics.intervals import Interval, two_sided

__all__ = ["RESAMPLES", "bca_interval", "mean_of_sums", "percentile_interval", "resampled"]

RESAMPLES = 5000
"""Enough that the second digit of an interval's width does not hang on the seed."""

Floats = npt.NDArray[np.float64]
OfSums = Callable[[Floats], Floats]
"""Sums of the units' columns, `[r, k]` for r resamples, to figures `[r]`."""

_CHUNK = 2**21


def mean_of_sums(sums: Floats) -> Floats:
    """First column over second: the mean of `(value, 1)`, the ratio of `(numerator, weight)`."""
    return sums[:, 0] / sums[:, 1]


def resampled(units: Floats, resamples: int, seed: int) -> Iterator[Floats]:
    """Yield units `[r, n, k]` drawn with replacement from `units` `[n, k]`, some resamples a time.

    The raw stream of PCG64 is fixed for ever; what numpy's generators make of it is not.
    """
    stream = np.random.PCG64(seed)
    n = len(units)
    at_once = max(1, _CHUNK // (n * units.shape[1]))
    for start in range(0, resamples, at_once):
        rows = min(at_once, resamples - start)
        raw = stream.random_raw(rows * n) >> np.uint64(32)
        yield units[((raw * np.uint64(n)) >> np.uint64(32)).astype(np.intp).reshape(rows, n)]


def percentile_interval(
    units: Sequence[float] | Floats,
    figure: OfSums = mean_of_sums,
    *,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """Quantiles of the resampled figures.

    Args:
        units: one row an independent unit, `[n, k]`; a flat row of values means their mean.
        figure: from the units' sums to the figure.
        confidence: of the interval.
        resamples: how many.
        seed: decides the draws.

    Raises:
        ValueError: no units, or a confidence outside (0, 1).
    """
    p = two_sided(confidence)
    figures = _figures(_table(units), figure, resamples, seed)
    low, high = np.quantile(figures, [1 - p, p])
    return float(low), float(high)


def bca_interval(
    units: Sequence[float] | Floats,
    figure: OfSums = mean_of_sums,
    *,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """Quantiles moved for bias and skewness (Efron 1987: bias-corrected and accelerated).

    Better than `percentile_interval` where the figure is skewed; its acceleration comes from
    leaving out one unit at a time. The arguments are those of `percentile_interval`.

    Raises:
        ValueError: fewer than 2 units, or a confidence outside (0, 1).
    """
    p = two_sided(confidence)
    table = _table(units)
    n = len(table)
    if n < 2:
        raise ValueError("an interval from one unit says nothing: expected at least 2")
    sums = table.sum(axis=0)
    value = float(figure(sums[None])[0])
    figures = _figures(table, figure, resamples, seed)
    left_out = figure(sums - table)
    deviations = left_out.mean() - left_out
    spread = float((deviations**2).sum())
    if spread == 0:
        return value, value
    acceleration = float((deviations**3).sum()) / (6 * spread**1.5)
    # Half of the ties count as below, so that a symmetric discrete figure has no bias.
    below = (np.count_nonzero(figures < value) + np.count_nonzero(figures <= value)) / 2
    bias = normal_quantile(min(max(below, 0.5), resamples - 0.5) / resamples)

    def moved(q: float) -> float:
        z = bias + normal_quantile(q)
        return normal_cdf(bias + z / (1 - acceleration * z))

    low, high = np.quantile(figures, [moved(1 - p), moved(p)])
    return float(low), float(high)


def _table(units: Sequence[float] | Floats) -> Floats:
    table = np.asarray(units, dtype=np.float64)
    if table.ndim == 1:
        table = np.stack([table, np.ones_like(table)], axis=1)
    if table.ndim != 2 or not len(table):
        raise ValueError(f"expected rows of numbers, one a unit, got the shape {table.shape}")
    return table


def _figures(table: Floats, figure: OfSums, resamples: int, seed: int) -> Floats:
    chunks = [figure(drawn.sum(axis=1)) for drawn in resampled(table, resamples, seed)]
    return np.concatenate(chunks)
