"""Results by groups of items (a subject, a protected attribute), and how far the groups lie apart.

    rows ─ by attribute ─▶ groups, each with n and interval, each against the rest (Holm)
                       └▶ disparity: largest minus smallest, smallest over largest

The two groups of a disparity are chosen because they are far apart, which chance alone would do as
well. So its interval and its p hold for all pairs of groups at once (Bonferroni).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

from xgen_core import InputError
from xgen_core.codec import unknown_name
from xgen_core.records import Record
from xgen_eval.analysis.items import Row, TaskItems, cluster_of, score_of, weight_of
from xgen_eval.statistics import (
    ALPHA,
    Difference,
    Estimate,
    Interval,
    clustered_difference,
    clustered_mean,
    holm,
    proportion_difference,
    t_interval,
    welch_difference,
    wilson_interval,
)
from xgen_eval.statistics.distributions import normal_quantile
from xgen_eval.statistics.intervals import two_sided

__all__ = ["FOUR_FIFTHS", "Disparity", "Group", "Slice", "slice_items"]

FOUR_FIFTHS = 0.8
"""Ratio of rates below which a selection is looked into (US Uniform Guidelines, 29 CFR 1607.4D)."""

_MOST_GROUPS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Group(Record):
    """One value of the attribute.

    Attributes:
        name: the value.
        n: items, and `units` the independent ones among them.
        value: of the metric, with its `stderr` and 95 % `interval`.
        difference: from all other items; `p` of it, and `corrected` by Holm over the groups.
    """

    name: str
    n: int
    units: int
    value: float
    stderr: float | None
    interval: tuple[float, float] | None
    difference: float | None = None
    p: float | None = None
    corrected: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Disparity(Record):
    """How far the groups lie apart.

    Attributes:
        largest, smallest: the groups, of those with two units or more.
        difference: largest minus smallest; its 95 % `interval` and `p` hold for all pairs at once.
        ratio: smallest over largest, None where the largest is not above 0; its `ratio_interval`
            likewise, None where the smallest is 0.
        reading: whether the groups differ.
        four_fifths: the ratio by the four-fifths rule, for protected attributes and rates.
    """

    largest: str
    smallest: str
    difference: float
    interval: tuple[float, float] | None
    p: float | None
    ratio: float | None
    ratio_interval: tuple[float, float] | None
    reading: str
    four_fifths: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice(Record):
    """A metric of a task by an attribute.

    Attributes:
        task, metric, unit, attribute: what by what.
        protected: whether people have a right to be treated alike by it.
        groups: largest value first.
        disparity: None with fewer than two groups of two units.
        missing: items without the attribute.
    """

    task: str
    metric: str
    unit: str
    attribute: str
    protected: bool
    groups: tuple[Group, ...]
    disparity: Disparity | None
    missing: int


def slice_items(
    items: TaskItems, attribute: str, metric: str = "", *, protected: bool = False
) -> Slice:
    """A metric by an attribute of the items.

    Args:
        items: of one task.
        attribute: a field `attr.NAME`, with or without `attr.`, or another column.
        metric: a mean over items; the task's first by default.
        protected: read the ratio by the four-fifths rule.

    Raises:
        InputError: no item has the attribute, it has too many values, or an unknown metric.
    """
    if metric:
        items.require_metric(metric)
    elif not items.metrics:
        raise InputError(f"{items.name} has no metric that is a mean over items")
    metric = metric or items.metrics[0]
    weighting = items.weighting(metric) or ""
    column = _column(items, attribute)
    scored = [row for row in items.rows if score_of(row, metric) is not None]
    parts: dict[str, list[Row]] = {}
    for row in scored:
        if row.get(column) is not None:
            parts.setdefault(_label(row[column]), []).append(row)
    if len(parts) > _MOST_GROUPS:
        raise InputError(
            f"{items.name}: {attribute} has {len(parts)} values in {len(scored)} items; "
            f"a slice takes up to {_MOST_GROUPS}"
        )
    measure = _Measure(metric=metric, weighting=weighting)
    groups = _groups(parts, measure)
    unit = items.record.metrics[metric].unit
    return Slice(
        task=items.name,
        metric=metric,
        unit=unit,
        attribute=attribute.removeprefix("attr."),
        protected=protected,
        groups=groups,
        disparity=_disparity(groups, parts, measure, rates=protected and not unit),
        missing=len(scored) - sum(map(len, parts.values())),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measure:
    """A metric with what it is weighted by."""

    metric: str
    weighting: str

    def scores(self, rows: Sequence[Row]) -> list[float]:
        return [score_of(row, self.metric) or 0.0 for row in rows]

    def weights(self, rows: Sequence[Row]) -> list[float]:
        return [weight_of(row, self.weighting) for row in rows]

    def counts(self, rows: Sequence[Row]) -> tuple[int, int] | None:
        """Successes and n, where items are independent and right or wrong."""
        scores = self.scores(rows)
        if not self._alone(rows) or any(s not in (0, 1) for s in scores):
            return None
        return round(sum(scores)), len(scores)

    def estimate(self, rows: Sequence[Row]) -> Estimate:
        clusters = [cluster_of(row) for row in rows]
        return clustered_mean(self.scores(rows), clusters, self.weights(rows))

    def interval(self, rows: Sequence[Row]) -> Interval | None:
        counts = self.counts(rows)
        return wilson_interval(*counts) if counts else t_interval(self.estimate(rows))

    def difference(
        self, first: Sequence[Row], second: Sequence[Row], confidence: float = 1 - ALPHA
    ) -> Difference:
        """Second minus first: by counts, by Welch, or by clusters, as the items allow."""
        rows = [*first, *second]
        if self.counts(rows) is not None:
            counts = (self.counts(first), self.counts(second))
            assert counts[0] is not None
            assert counts[1] is not None
            return proportion_difference(counts[0], counts[1], confidence)
        if self._alone(rows):
            return welch_difference(self.scores(first), self.scores(second), confidence)
        in_second = [False] * len(first) + [True] * len(second)
        clusters = [cluster_of(row) for row in rows]
        return clustered_difference(
            self.scores(rows), in_second, clusters, self.weights(rows), confidence=confidence
        )

    def log_ratio_stderr(self, first: Sequence[Row], second: Sequence[Row]) -> float | None:
        """Standard error of log(second / first), by the delta method.

        That is the standard error of the difference once each group is divided by its own mean.
        """
        means = [self.estimate(rows).value for rows in (first, second)]
        scaled = [s / means[0] for s in self.scores(first)]
        scaled += [s / means[1] for s in self.scores(second)]
        rows = [*first, *second]
        in_second = [False] * len(first) + [True] * len(second)
        clusters = [cluster_of(row) for row in rows]
        return clustered_difference(scaled, in_second, clusters, self.weights(rows)).stderr

    def _alone(self, rows: Sequence[Row]) -> bool:
        clusters = {cluster_of(row) for row in rows}
        return not self.weighting and len(clusters) == len(rows)


def _column(items: TaskItems, attribute: str) -> str:
    columns = dict.fromkeys(name for row in items.rows for name in row)
    for name in (f"attr.{attribute.removeprefix('attr.')}", attribute):
        if name in columns:
            return name
    known = [name for name in columns if name.startswith("attr.")]
    raise InputError(f"{items.name}: {unknown_name(attribute, known, 'attribute of items')}")


def _label(value: object) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else f"{value}"


def _groups(parts: dict[str, list[Row]], measure: _Measure) -> tuple[Group, ...]:
    groups: list[Group] = []
    for name, rows in parts.items():
        estimate = measure.estimate(rows)
        rest = [row for other, own in parts.items() if other != name for row in own]
        apart = measure.difference(rest, rows) if rest else None
        groups.append(
            Group(
                name=name,
                n=len(rows),
                units=estimate.n,
                value=estimate.value,
                stderr=estimate.stderr,
                interval=measure.interval(rows),
                difference=apart.value if apart else None,
                p=apart.p if apart else None,
            )
        )
    corrected = iter(holm([g.p for g in groups if g.p is not None]))
    groups = [
        g if g.p is None else dataclasses.replace(g, corrected=next(corrected)) for g in groups
    ]
    return tuple(sorted(groups, key=lambda g: -g.value))


def _disparity(
    groups: Sequence[Group], parts: dict[str, list[Row]], measure: _Measure, *, rates: bool
) -> Disparity | None:
    judged = [group for group in groups if group.units > 1]
    if len(judged) < 2:
        return None
    largest, smallest = judged[0], judged[-1]
    pairs = math.comb(len(judged), 2)
    confidence = 1 - ALPHA / pairs
    high, low = parts[largest.name], parts[smallest.name]
    found = measure.difference(low, high, confidence)
    p = None if found.p is None else min(1.0, pairs * found.p)
    ratio = smallest.value / largest.value if largest.value > 0 else None
    interval = None
    if ratio is not None and smallest.value > 0:
        stderr = measure.log_ratio_stderr(high, low)
        if stderr is not None:
            reach = math.exp(normal_quantile(two_sided(confidence)) * stderr)
            interval = (ratio / reach, ratio * reach)
    differ = p is not None and p <= ALPHA
    return Disparity(
        largest=largest.name,
        smallest=smallest.name,
        difference=found.value,
        interval=found.interval,
        p=p,
        ratio=ratio,
        ratio_interval=interval,
        reading="groups differ" if differ else "no difference shown",
        four_fifths=_four_fifths(ratio, interval, differ) if rates else "",
    )


def _four_fifths(ratio: float | None, interval: Interval | None, differ: bool) -> str:
    if ratio is None:
        return "no group has a rate above 0"
    if ratio >= FOUR_FIFTHS:
        surely = interval is not None and interval[0] >= FOUR_FIFTHS
        return "at least four fifths" if surely else "at least four fifths, but not surely"
    surely = differ if interval is None else interval[1] < FOUR_FIFTHS
    return "below four fifths" if surely else "below four fifths, but not surely"
