"""Whether one system is better than another: paired bootstrap over the lines that both have."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from xgen_core import InputError
from xgen_eval.statistics import holm
from xgen_ldp.evaluation.measured import Measured
from xgen_ldp.evaluation.scores import Comparison

__all__ = ["compare", "corrected"]

_TAILS = (0.025, 0.975)
_MANY = 1000


def compare(
    first: Measured, second: Measured, *, names: tuple[str, str], metric: str, where: str
) -> Comparison:
    """The difference of two scores on the same lines, second minus first.

    p is two-sided: how often a resampled difference is as far from the mean of all as the observed
    one is from 0; never below 2^(1 - n), how often a coin gives all of n lines one sign, since a
    bootstrap of a few lines knows no better. sacrebleu takes the differences' absolute values
    before it centres them, which comes to one side of the distribution where the systems are far
    apart; it is `one_sided`.

    Args:
        first: the one that stands for usual.
        second: the other.
        names: of both.
        metric: of both.
        where: in which direction or group.

    Raises:
        InputError: they have two signatures: such scores cannot be compared.
        ValueError: they have two numbers of lines or of resamples.
    """
    if first.signature != second.signature:
        raise InputError(
            f"{where}: {metric} of {names[0]} and of {names[1]} cannot be compared: the first has "
            f"the signature {first.signature}, the second {second.signature}"
        )
    if first.lines != second.lines or len(first.resamples) != len(second.resamples):
        raise ValueError(f"{first.lines} and {second.lines} lines, or two numbers of resamples")
    difference = second.value - first.value
    drawn = second.resamples - first.resamples
    low, high = np.quantile(drawn, _TAILS)
    p = max(
        _share(np.abs(drawn - drawn.mean()) >= abs(difference)),
        2.0 ** (1 - min(first.lines, _MANY)),
    )
    sizes = np.abs(drawn)
    return Comparison(
        where=where,
        metric=metric,
        first=names[0],
        second=names[1],
        difference=difference,
        interval=(float(low), float(high)) if first.lines > 1 else None,
        p=p,
        corrected=p,
        one_sided=_share(sizes - sizes.mean() > abs(difference)),
        lines=first.lines,
        signature=first.signature,
    )


def corrected(comparisons: Sequence[Comparison]) -> tuple[Comparison, ...]:
    """The same with p corrected by Holm over those of each metric."""
    ps = {
        metric: [c.p for c in comparisons if c.metric == metric] for metric in _metrics(comparisons)
    }
    left = {metric: iter(holm(of)) for metric, of in ps.items()}
    return tuple(dataclasses.replace(c, corrected=next(left[c.metric])) for c in comparisons)


def _metrics(comparisons: Sequence[Comparison]) -> list[str]:
    return list(dict.fromkeys(c.metric for c in comparisons))


def _share(found: np.ndarray) -> float:
    """Of the resamples and what was observed, which counts as one of them."""
    return (1 + int(np.count_nonzero(found))) / (1 + len(found))
