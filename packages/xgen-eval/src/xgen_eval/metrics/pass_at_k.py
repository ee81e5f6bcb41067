"""pass@k: how likely one of k samples is right, estimated from n samples a problem."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import comb
from typing import NamedTuple

from xgen_core import InputError

__all__ = ["Tally", "pass_at_k", "pass_scores"]


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


def pass_scores(tallies: Mapping[str, Tally], ks: Sequence[int]) -> dict[str, dict[str, float]]:
    """`pass@K` of every problem for every K; its mean over problems is the benchmark's.

    Args:
        tallies: by the problem's id.
        ks: how many samples one may draw.

    Raises:
        InputError: no problems, or one with fewer samples than a K; it is named.
    """
    if not tallies:
        raise InputError("pass@k needs samples, and there are none")
    for k in ks:
        short = [(name, tally.samples) for name, tally in tallies.items() if tally.samples < k]
        if short:
            name, samples = short[0]
            raise InputError(
                f"pass@{k} needs {k} samples of every problem, but {name} has {samples} "
                f"({len(short)} of {len(tallies)} problems have fewer): give a smaller k"
            )
    return {
        name: {f"pass@{k}": pass_at_k(tally.samples, tally.passed, k) for k in ks}
        for name, tally in tallies.items()
    }
