"""How a score changes along an attribute of the items: curves, heat maps, paired differences."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence

from xgen_core.records import Scalar
from xgen_core.report import Plot, heat_map, line_plot
from xgen_eval.grading import Graded
from xgen_eval.statistics import mean_stderr
from xgen_eval.task import Metric

__all__ = ["curve", "paired_difference", "score_map"]


def curve(
    items: Iterable[Graded],
    scores: Sequence[str],
    by: str,
    *,
    x_title: str,
    y_title: str = "score",
    series: str = "",
    log_x: bool = False,
    caption: str = "",
) -> Plot:
    """The mean of each score over the items of each value of the attribute `by`.

    Args:
        items: those without the attribute or the score are left out.
        scores: one line each.
        by: the attribute along the x axis: numbers by value, names as they first appear.
        x_title: what it is called.
        y_title: what the scores are.
        series: an attribute; one line for each of its values (of one score only).
        log_x: logarithmic x axis.
        caption: the line below the plot.

    Raises:
        ValueError: no item has the attribute and a score.
    """
    groups: dict[tuple[Scalar, str], list[float]] = {}
    for item in items:
        at = item.attributes.get(by)
        for name in scores:
            if at is not None and name in item.scores:
                line = name if not series else f"{item.attributes.get(series)}"
                groups.setdefault((at, line), []).append(item.scores[name])
    means = {key: math.fsum(values) / len(values) for key, values in groups.items()}
    rows = [{"at": at, "series": line, "mean": mean} for (at, line), mean in means.items()]
    return line_plot(
        rows=sorted(rows, key=lambda row: _order(row["at"])),
        x="at",
        y="mean",
        series="series" if series or len(scores) > 1 else None,
        x_title=x_title,
        y_title=y_title,
        log_x=log_x,
        y_range=(0, 1) if all(0 <= mean <= 1 for mean in means.values()) else None,
        description=f"Mean {', '.join(scores)} by {x_title}.",
        caption=caption,
    )


def score_map(
    items: Sequence[Graded],
    score: str,
    *,
    x: str,
    y: str,
    x_title: str,
    y_title: str,
    caption: str = "",
) -> Plot:
    """The mean score in every cell of two attributes.

    Raises:
        ValueError: no item has both attributes and the score.
    """
    cells: dict[tuple[Scalar, Scalar], list[float]] = {}
    for item in items:
        at = (item.attributes.get(x), item.attributes.get(y))
        if None not in at and score in item.scores:
            cells.setdefault(at, []).append(item.scores[score])
    rows = [
        {"x": a, "y": b, "mean": math.fsum(values) / len(values)}
        for (a, b), values in sorted(
            cells.items(), key=lambda c: (_order(c[0][1]), _order(c[0][0]))
        )
    ]
    return heat_map(
        rows=rows,
        x="x",
        y="y",
        value="mean",
        x_title=x_title,
        y_title=y_title,
        value_title=f"mean {score}",
        description=f"Mean {score} by {x_title} and {y_title}.",
        caption=caption,
    )


def paired_difference(
    items: Iterable[Graded],
    score: str,
    first: Callable[[Graded], bool],
    second: Callable[[Graded], bool],
) -> Metric | None:
    """Mean over clusters of (mean score of `first` items - mean score of `second` items).

    Clusters are what was asked in several ways, so that its difficulty falls out. Those without
    items of both kinds are left out; None where that is all.
    """
    kept = (item for item in items if score in item.scores)
    pairs: list[float] = []
    for _, group in itertools.groupby(
        sorted(kept, key=lambda item: item.cluster), key=lambda item: item.cluster
    ):
        members = list(group)
        sides = [[m.scores[score] for m in members if kind(m)] for kind in (first, second)]
        if all(sides):
            means = [math.fsum(side) / len(side) for side in sides]
            pairs.append(means[0] - means[1])
    return Metric.of(mean_stderr(pairs)) if pairs else None


def _order(value: Scalar) -> tuple[bool, float]:
    """Numbers by value, then names, whose order is kept."""
    number = isinstance(value, (int, float))
    return (not number, value if number else 0.0)
