"""A run beside a published model: column by column, and only where both measured the same."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from xgen_core.records import Record
from xgen_eval.published.registry import Published, PublishedTable
from xgen_eval.results import Results, TaskRecord
from xgen_eval.statistics import (
    ALPHA,
    Estimate,
    binomial_stderr,
    holm,
    independent_difference,
)
from xgen_eval.task import Metric

__all__ = ["Standing", "stand"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing(Record):
    """One column: ours beside the published number.

    Attributes:
        published: the number.
        state: whether ours was measured, and in the same way.
        ours, stderr, n: ours in the published unit; None where it was not run.
        difference, difference_stderr: ours minus published; None unless comparable.
        p: of that difference if both models were equally good, the two samples of items taken as
            independent; `corrected` by Holm over the comparable columns of the table.
        reading: in words.
        reason: why it is not comparable.
    """

    published: Published
    state: Literal["comparable", "not comparable", "not run"]
    reading: str
    reason: str = ""
    ours: float | None = None
    stderr: float | None = None
    n: int | None = None
    difference: float | None = None
    difference_stderr: float | None = None
    p: float | None = None
    corrected: float | None = None


def stand(table: PublishedTable, results: Results, model: str = "") -> tuple[Standing, ...]:
    """A run beside one row of a table.

    Args:
        table: which.
        results: of the run.
        model: the row; the table's reference if empty.

    Raises:
        InputError: no such row.
    """
    found = [_standing(entry, results) for entry in table.of(model or table.reference)]
    tested = [s.p for s in found if s.p is not None]
    corrected = iter(holm(tested))
    return tuple(s if s.p is None else _read(s, next(corrected)) for s in found)


def _standing(entry: Published, results: Results) -> Standing:
    record = results.tasks.get(entry.task)
    metric = record.metrics.get(entry.metric) if record else None
    if record is None or metric is None:
        return Standing(published=entry, state="not run", reading="not run")
    factor = 100.0 if entry.unit == "%" and metric.unit != "%" else 1.0
    ours = Estimate(factor * metric.value, _stderr(metric, factor), metric.n)
    refusal = _unlike(entry, record)
    if refusal:
        return Standing(
            published=entry,
            state="not comparable",
            reading="not comparable",
            reason=refusal,
            ours=ours.value,
            stderr=ours.stderr,
            n=ours.n,
        )
    found = independent_difference(Estimate(entry.value, entry.stderr, entry.n), ours)
    return Standing(
        published=entry,
        state="comparable",
        reading="too few items to tell",
        ours=ours.value,
        stderr=ours.stderr,
        n=ours.n,
        difference=found.value,
        difference_stderr=found.stderr,
        p=found.p,
    )


def _stderr(metric: Metric, factor: float) -> float | None:
    """The metric's standard error; a proportion of 0 or 1 is no certainty."""
    if metric.stderr == 0 and metric.value in (0, factor / 100):
        return factor * binomial_stderr(float(metric.value > 0), metric.n)
    return None if metric.stderr is None else factor * metric.stderr


def _unlike(entry: Published, record: TaskRecord) -> str:
    """Why ours is not the published procedure; empty where it is."""
    shots = record.settings.get("shots")
    if entry.shots is not None and shots is not None and shots != entry.shots:
        return f"{shots} shots, published with {entry.shots}"
    if not _matches(record.variant, entry.variants):
        return f"variant {record.variant}, published is {' or '.join(entry.variants)}"
    return ""


def _matches(variant: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(variant, pattern) for pattern in patterns)


def _read(standing: Standing, corrected: float) -> Standing:
    reading = "no difference shown"
    if corrected <= ALPHA:
        assert standing.difference is not None
        reading = f"{'above' if standing.difference > 0 else 'below'} {standing.published.model}"
    return dataclasses.replace(standing, corrected=corrected, reading=reading)
