"""pass@k: how likely one of k samples is right, estimated from n samples a problem."""

from __future__ import annotations

from collections.abc import Mapping
from math import comb
from typing import NamedTuple

from xgen_core import InputError
from xgen_eval.statistics import mean_stderr
from xgen_eval.task import Metric

__all__ = ["Tally", "pass_at_k", "pass_metric"]


class Tally(NamedTuple):
    """Samples of one problem: how many there are, and how many pass."""

    samples: int
    passed: int


def pass_at_k(n: int, c: int, k: int) -> float:
    """The unbiased estimator 1 - C(n - c, k) / C(n, k) of Chen et al. 2021.

    The chance that k samples drawn from the n without putting back hold one of the c right ones,
    as the floating-point number nearest to it; 1 - (1 - c/n)^k is biased and not the same.

    Raises:
        ValueError: unless 0 <= c <= n and 1 <= k <= n.
    """
    if not (0 <= c <= n and 1 <= k <= n):
        raise ValueError(f"expected 0 <= c <= n and 1 <= k <= n, got n = {n}, c = {c}, k = {k}")
    sets = comb(n, k)
    return (sets - comb(n - c, k)) / sets


def pass_metric(tallies: Mapping[str, Tally], k: int) -> Metric:
    """The mean of pass@k over problems, which are its independent units.

    With one sample a problem it is a proportion with its Wilson interval; else the interval is
    normal.

    Args:
        tallies: by the problem's id.
        k: how many samples one may draw.

    Raises:
        InputError: no problems, or one with fewer than k samples; it is named.
    """
    if not tallies:
        raise InputError(f"pass@{k} needs samples, and there are none")
    short = [(name, tally.samples) for name, tally in tallies.items() if tally.samples < k]
    if short:
        name, samples = short[0]
        raise InputError(
            f"pass@{k} needs {k} samples of every problem, but {name} has {samples} "
            f"({len(short)} of {len(tallies)} problems have fewer than {k}): give a smaller k"
        )
    if all(tally.samples == 1 for tally in tallies.values()):
        return Metric.proportion(sum(t.passed for t in tallies.values()), len(tallies))
    return Metric.of(mean_stderr([pass_at_k(t.samples, t.passed, k) for t in tallies.values()]))
