"""What several rounds of judging say together: their median, their range, their agreement."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from statistics import median

from xgen_eval.judges.agreement import mean_kappa
from xgen_eval.task import Metric

__all__ = ["agreement_metric", "mean_of", "round_metrics", "unparsed_metric"]


def mean_of(values: Sequence[float | None]) -> float | None:
    """The mean of those that are there."""
    there = [v for v in values if v is not None]
    return math.fsum(there) / len(there) if there else None


def round_metrics(
    name: str, values: Sequence[Sequence[float | None]], unit: str = ""
) -> dict[str, Metric]:
    """`NAME_median` and `NAME_range` over the rounds, and `NAME@round_N` for each.

    Args:
        name: of the metric.
        values: one row an item, one value (or None) a round.
        unit: of the metric.

    Returns:
        Nothing where there was one round.
    """
    rounds = [
        Metric(value=mean, n=sum(v is not None for v in column), unit=unit)
        for column in zip(*values, strict=True)
        if (mean := mean_of(column)) is not None
    ]
    if len(rounds) < 2:
        return {}
    means = [m.value for m in rounds]
    return {
        f"{name}_median": Metric(value=median(means), n=len(means), unit=unit),
        f"{name}_range": Metric(value=max(means) - min(means), n=len(means), unit=unit),
        **{f"{name}@round_{i}": m for i, m in enumerate(rounds, 1)},
    }


def unparsed_metric(read: Iterable[object]) -> dict[str, Metric]:
    """`unparsed`: the fraction of judgments that say nothing that can be read.

    Args:
        read: what was read from each judgment; None from those.
    """
    found = [value is None for value in read]
    return {"unparsed": Metric.proportion(sum(found), len(found))} if found else {}


def agreement_metric(
    labels: Sequence[Sequence[str | float | None]], *, quadratic: bool = False
) -> dict[str, Metric]:
    """`kappa`: mean Cohen's kappa of all pairs of rounds; nothing where there was one round.

    Args:
        labels: one row an item, one label (or None) a round.
        quadratic: as in `cohen_kappa`.
    """
    kappa = mean_kappa(list(zip(*labels, strict=True)), quadratic=quadratic)
    return {} if kappa is None else {"kappa": Metric(value=kappa, n=len(labels))}
