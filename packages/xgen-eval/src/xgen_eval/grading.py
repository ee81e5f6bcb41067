"""From graded items to a task's result: every metric is a mean over items, or says why it is not.

Graded (one a scored thing) ──rows──▶ items/TASK.jsonl
                            └─metrics─▶ Metric with standard error and 95 % interval
                            └─browser─▶ the report page
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from xgen_core.records import Scalar
from xgen_core.report import Block, Item, Items, Section, Table
from xgen_eval.statistics import clustered_mean, wilson_interval
from xgen_eval.task import Metric, TaskResult

__all__ = [
    "Graded",
    "browser",
    "cut",
    "graded_result",
    "metric_table",
    "metrics_of",
    "part_metrics",
]

_SHOWN = 200
"""Items on the report page; all of them are in `items/NAME.jsonl`."""

_LONGEST = 4000
"""Characters of a field on the report page; the middle of a longer one is left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Graded:
    """One scored thing.

    Attributes:
        id: unique in the task, and the same for every model: comparisons pair by it.
        scores: value of each per-item metric, `{"acc": 1.0}` say.
        details: what stands beside them in the row (answer, log-probabilities, outcome).
        attributes: what results may be sliced by (`subject`, a protected attribute).
        cluster: equal for items that are not independent (they share a passage); empty for none.
        shown: texts for the page's browser, by heading; the details if there are none.
        error: why the model gave no answer; its scores are then what no answer is worth.
    """

    id: str
    scores: Mapping[str, float]
    details: Mapping[str, Scalar] = field(default_factory=dict[str, Scalar])
    attributes: Mapping[str, Scalar] = field(default_factory=dict[str, Scalar])
    cluster: str = ""
    shown: Mapping[str, str] = field(default_factory=dict[str, str])
    error: str = ""

    def row(self) -> dict[str, Scalar]:
        """The line of `items/TASK.jsonl`."""
        row: dict[str, Scalar] = {"id": self.id, **self.scores}
        if self.cluster:
            row["cluster"] = self.cluster
        row |= {f"attr.{name}": value for name, value in self.attributes.items()}
        row |= self.details
        if self.error:
            row["error"] = self.error
        return row


def metrics_of(items: Sequence[Graded]) -> dict[str, Metric]:
    """The mean of every score over the items that have it, in order of first appearance.

    A score that is 0 or 1 for every item is a proportion with its Wilson interval; others get
    Student's, cut at 0 and 1 where every item's score lies between them. Where items name clusters,
    these are the independent units.
    """
    names = dict.fromkeys(name for item in items for name in item.scores)
    return {name: _metric(name, [i for i in items if name in i.scores]) for name in names}


def part_metrics(items: Sequence[Graded], attribute: str) -> dict[str, Metric]:
    """`NAME/PART` for every value of an attribute, in order of first appearance."""
    parts: dict[Scalar, list[Graded]] = {}
    for item in items:
        if item.attributes.get(attribute) is not None:
            parts.setdefault(item.attributes[attribute], []).append(item)
    return {
        f"{name}/{part}": metric
        for part, group in parts.items()
        for name, metric in metrics_of(group).items()
    }


def graded_result(
    name: str,
    variant: str,
    items: Sequence[Graded],
    *,
    title: str,
    caption: str,
    parts: Sequence[str] = (),
    extra: Mapping[str, Metric] | None = None,
    blocks: Sequence[Block] = (),
) -> TaskResult:
    """A task's result: metrics, rows, and a section with table and browser.

    Args:
        name: of the task.
        variant: of the task.
        items: in a fixed order, at least one.
        title: of the section.
        caption: what was asked and how it was graded.
        parts: attributes whose values get metrics of their own.
        extra: metrics that are not means over items (chance, a weighted mean).
        blocks: plots and texts between the table and the browser.
    """
    metrics = metrics_of(items)
    for attribute in parts:
        metrics |= part_metrics(items, attribute)
    metrics |= dict(extra or {})
    failed = sum(bool(item.error) for item in items)
    if failed:
        metrics["failed"] = Metric.proportion(failed, len(items))
    return TaskResult(
        name=name,
        variant=variant,
        metrics=metrics,
        items=tuple(item.row() for item in items),
        sections=(
            Section(
                title=title,
                blocks=(metric_table(metrics, caption), *blocks, browser(items)),
            ),
        ),
    )


def metric_table(metrics: Mapping[str, Metric], caption: str = "") -> Table:
    """Metrics as a table of the page: value, standard error, 95 % interval, n."""
    columns = ("metric", "value", "±", "95 % from", "to", "n", "unit")
    rows: list[tuple[Scalar, ...]] = []
    for name, m in metrics.items():
        low, high = m.interval or (None, None)
        rows.append((name, *map(_rounded, (m.value, m.stderr, low, high)), m.n, m.unit))
    units = any(m.unit for m in metrics.values())
    width = len(columns) if units else len(columns) - 1
    return Table(columns=columns[:width], rows=tuple(row[:width] for row in rows), caption=caption)


def browser(items: Sequence[Graded]) -> Items:
    """The page's browser through the first items, what each was worth in its title."""
    shown = [
        Item(
            title=f"{item.id}  {_worth(item)}",
            fields={
                heading: cut(text) for heading, text in (item.shown or _texts(item.details)).items()
            }
            | ({"error": item.error} if item.error else {}),
        )
        for item in items[:_SHOWN]
    ]
    some = f"The first {len(shown)} of {len(items)} items" if len(shown) < len(items) else "Items"
    return Items(items=tuple(shown), caption=f"{some}; all are in items/*.jsonl.")


def _metric(name: str, items: Sequence[Graded]) -> Metric:
    values = [item.scores[name] for item in items]
    if any(not math.isfinite(v) for v in values):
        raise ValueError(f"{name} must be finite for every item")
    clusters = [item.cluster or ("", i) for i, item in enumerate(items)]
    units = len(set(clusters))
    rates = all(v in (0, 1) for v in values)
    if units == len(items) and rates:
        return Metric.proportion(round(sum(values)), len(values))
    metric = Metric.of(clustered_mean(values, clusters))
    if rates and metric.value in (0, 1):  # no spread among clusters is not certainty
        interval = wilson_interval(round(metric.value) * units, units)
        return dataclasses.replace(metric, interval=interval)
    if metric.interval is not None and all(0 <= v <= 1 for v in values):
        low, high = metric.interval
        return dataclasses.replace(metric, interval=(max(low, 0.0), min(high, 1.0)))
    return metric


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _worth(item: Graded) -> str:
    return "  ".join(f"{name} {value:g}" for name, value in item.scores.items())


def _texts(details: Mapping[str, Scalar]) -> dict[str, str]:
    return {name: f"{value}" for name, value in details.items()}


def cut(text: str) -> str:
    """A text for the page: the middle of a long one is left out, and that is said."""
    if len(text) <= _LONGEST:
        return text
    half = _LONGEST // 2
    return f"{text[:half]}\n… {len(text) - 2 * half:,} characters left out …\n{text[-half:]}"
