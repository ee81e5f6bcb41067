"""Runs on the same items against each other: paired, tested, corrected, and said in words.

    rows of A ─┐
               ├─ pair by id ─ per metric: difference, interval, p ─ Holm over all ─ verdict
    rows of B ─┘

A task is compared only where both runs asked the same (variant) of the same data (checksums).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from xgen_core import InputError
from xgen_core.codec import unknown_name
from xgen_core.progress import Progress
from xgen_core.records import Record
from xgen_eval.analysis.items import FinishedRun, Row, TaskItems, cluster_of, score_of, weight_of
from xgen_eval.statistics import (
    ALPHA,
    Difference,
    detectable_difference,
    holm,
    paired_bootstrap,
    paired_proportions,
)
from xgen_eval.task import Metric

__all__ = [
    "Comparison",
    "Line",
    "PairedTask",
    "compare_runs",
    "pair_task",
    "paired_difference",
    "says",
]

_HIGHER = (
    *("acc", "acc_norm", "acc_bytes", "mc1", "mc2", "em", "exact_match", "f1", "recall", "passed"),
    *("strict_match", "flexible_extract", "cells", "optimal", "language_modeling"),
    *("win_rate", "discrete_win_rate", "win_rate_adjusted", "score"),
    *("rouge1", "rouge2", "rougeL", "rougeLsum", "bleu", "chrf"),
)
_LOWER = (
    *("bits_per_byte", "perplexity", "nats_per_token", "nll", "failed", "unparsed", "unscored"),
    *("over_refusal", "expected_max_toxicity", "toxicity_probability", "extracted"),
)
_BOOKKEEPING = ("failed", "unparsed", "unscored", "length")
"""Said of the measuring, not of the model: compared only when asked for, as each test counts."""

_LOWER_UNITS = ("bits/byte", "nats/token")

Pair = tuple[Row, Row]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line(Record):
    """One metric of one task in two runs, on the items that both have.

    Attributes:
        task, metric, unit: what is compared.
        run: the second run's name.
        first, second: the values on these items.
        difference: second minus first, with its `stderr` and 95 % `interval`.
        p: of the paired test; None where there is but one independent unit.
        corrected: p by Holm over all lines of the comparison.
        test: McNemar's exact test where each item is right or wrong, otherwise the studentised
            paired bootstrap.
        n: items.
        units: independent units: items, or clusters of them.
        won, lost: items on which the second is higher, and lower.
        detectable: the true difference that would be found four times in five.
        verdict: in words.
    """

    task: str
    metric: str
    unit: str
    run: str
    first: float
    second: float
    difference: float
    stderr: float | None
    interval: tuple[float, float] | None
    p: float | None
    corrected: float | None = None
    test: Literal["McNemar", "bootstrap"]
    n: int
    units: int
    won: int
    lost: int
    detectable: float | None
    verdict: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison(Record):
    """All lines of one first run against others.

    Attributes:
        first: name of the run that the others are compared with.
        models: identity by run name.
        lines: by run and task.
        notes: what could not be compared, and what differs although it was.
    """

    first: str
    models: Mapping[str, str]
    lines: tuple[Line, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedTask:
    """The rows of one task that two runs share.

    Attributes:
        name: of the task.
        metrics: that can be compared, each with its weighting (see `TaskItems.weighting`).
        record: the task's metrics in the first run, for their units.
        pairs: first and second row of each shared id.
    """

    name: str
    metrics: Mapping[str, str]
    record: Mapping[str, Metric]
    pairs: tuple[Pair, ...]

    def without(self, ids: Collection[str]) -> PairedTask:
        """The same but for the items with these ids."""
        kept = tuple(pair for pair in self.pairs if str(pair[0]["id"]) not in ids)
        return dataclasses.replace(self, pairs=kept)

    def scored(self, metric: str) -> list[Pair]:
        """The pairs of which both rows have the metric."""
        return [
            (a, b)
            for a, b in self.pairs
            if score_of(a, metric) is not None and score_of(b, metric) is not None
        ]


def compare_runs(
    runs: Sequence[FinishedRun],
    tasks: Sequence[str] = (),
    metrics: Sequence[str] = (),
    leave_out: Mapping[str, Collection[str]] | None = None,
) -> Comparison:
    """Compare every run with the first.

    Args:
        runs: at least two.
        tasks: which; all that both have by default.
        metrics: which; by default all that are means over items.
        leave_out: ids of items by task, those that training data may contain say.

    Raises:
        InputError: nothing can be compared (says why), or an unknown task.
        FormatError: rows are damaged.
    """
    if len(runs) < 2:
        raise ValueError(f"a comparison takes two runs or more, got {len(runs)}")
    lines: list[Line] = []
    notes: list[str] = []
    wanted = [(run, task) for run in runs[1:] for task in _tasks(runs[0], run, tasks, notes)]
    with Progress("compare", len(wanted), unit="tasks") as progress:
        for run, task in wanted:
            paired = pair_task(runs[0], run, task, notes)
            if paired is not None:
                paired = paired.without((leave_out or {}).get(task, ()))
                lines += _lines(paired, run.name, metrics)
            progress.advance()
    if not lines:
        reasons = "; ".join(dict.fromkeys(notes)) or f"no metric named {', '.join(metrics)}"
        raise InputError(f"nothing to compare: {reasons}")
    return Comparison(
        first=runs[0].name,
        models={run.name: run.results.model.identity for run in runs},
        lines=tuple(_judged(lines, runs[0].name)),
        notes=tuple(dict.fromkeys(notes)),
    )


def pair_task(
    first: FinishedRun, second: FinishedRun, task: str, notes: list[str]
) -> PairedTask | None:
    """The shared rows of a task, or None with the reason in `notes`.

    What differs without making a comparison meaningless (settings, seeds, items of one run only) is
    noted as well.
    """
    a, b = first.items(task), second.items(task)
    refusal = _unlike(first.name, a, second.name, b)
    if refusal:
        notes.append(refusal)
        return None
    try:
        rows_a, rows_b = a.by_id(), b.by_id()
    except InputError as error:
        notes.append(f"{error}, and cannot be paired")
        return None
    pairs = tuple((rows_a[i], rows_b[i]) for i in rows_a if i in rows_b)
    if not pairs:
        notes.append(f"{task}: {first.name} and {second.name} share no items")
        return None
    notes += _remarks(first, a, second, b, len(pairs))
    weightings = {m: a.weighting(m) for m in a.metrics}
    metrics = {
        metric: weighting
        for metric, weighting in weightings.items()
        if weighting is not None
        and b.weighting(metric) == weighting
        and all(not weighting or x.get(weighting) == y.get(weighting) for x, y in pairs)
    }
    if not metrics:
        notes.append(f"{task}: no metric is a mean over items in both runs")
    return PairedTask(name=task, metrics=metrics, record=a.record.metrics, pairs=pairs)


def paired_difference(
    pairs: Sequence[Pair], metric: str, weighting: str = ""
) -> tuple[Difference, Literal["McNemar", "bootstrap"]]:
    """The difference on pairs that have the metric, and the test that p comes from."""
    scores = [(score_of(a, metric) or 0.0, score_of(b, metric) or 0.0) for a, b in pairs]
    clusters = [cluster_of(a) for a, _ in pairs]
    alone = len(set(clusters)) == len(clusters)
    if alone and not weighting and all(x in (0, 1) for both in scores for x in both):
        won, lost = sum(b > a for a, b in scores), sum(b < a for a, b in scores)
        return paired_proportions(won, lost, len(scores)), "McNemar"
    weights = [weight_of(a, weighting) for a, _ in pairs]
    return paired_bootstrap([b - a for a, b in scores], clusters, weights), "bootstrap"


def says(metric: str, unit: str, difference: float, p: float | None, names: tuple[str, str]) -> str:
    """A verdict in words.

    Args:
        metric: its name.
        unit: its unit.
        difference: second minus first.
        p: corrected for the number of tests; None where there is no test.
        names: first and second.
    """
    if p is None:
        return "too few units to tell"
    if p > ALPHA or difference == 0:
        return "no difference shown"
    base = metric.partition("/")[0]
    if unit in _LOWER_UNITS or base in _LOWER:
        return f"{names[difference < 0]} is better"
    known = base in _HIGHER or base.startswith("pass@")
    return f"{names[difference > 0]} is {'better' if known else 'higher'}"


def _tasks(
    first: FinishedRun, second: FinishedRun, asked: Sequence[str], notes: list[str]
) -> list[str]:
    here, there = first.results.tasks, second.results.tasks
    for task in asked:
        if task not in here:
            raise InputError(f"{first.directory}: {unknown_name(task, list(here), 'task')}")
    for task in asked or dict.fromkeys([*here, *there]):
        if (task in here) != (task in there):
            notes.append(f"{task}: only in {first.name if task in here else second.name}")
    return [task for task in asked or here if task in here and task in there]


def _unlike(name_a: str, a: TaskItems, name_b: str, b: TaskItems) -> str:
    """Why two results of a task do not compare; empty where they do."""
    if a.record.variant != b.record.variant:
        return (
            f"{a.name}: variant {a.record.variant!r} in {name_a}, {b.record.variant!r} in {name_b}"
        )
    files_a = {f.sha256: f.name for f in a.record.files}
    files_b = {f.sha256: f.name for f in b.record.files}
    if files_a.keys() != files_b.keys():
        own = next(iter(files_a.keys() - files_b.keys()), None)
        other = next(iter(files_b.keys() - files_a.keys()), None)
        texts = [
            f"{files[sha]} {sha[:12]}… in {name}" if sha else f"no such file in {name}"
            for sha, files, name in ((own, files_a, name_a), (other, files_b, name_b))
        ]
        return f"{a.name}: other data (sha256): {', '.join(texts)}"
    if a.judges and b.judges and a.judges != b.judges:
        one, other = (", ".join(sorted(judges)) for judges in (a.judges, b.judges))
        return f"{a.name}: judged by {one} in {name_a}, by {other} in {name_b}"
    return ""


def _remarks(
    first: FinishedRun, a: TaskItems, second: FinishedRun, b: TaskItems, shared: int
) -> Iterator[str]:
    if len(a.rows) != shared or len(b.rows) != shared:
        yield (
            f"{a.name}: compared on {shared} shared items; {first.name} has {len(a.rows)}, "
            f"{second.name} {len(b.rows)}"
        )
    for key in dict.fromkeys([*a.record.settings, *b.record.settings]):
        x, y = a.record.settings.get(key), b.record.settings.get(key)
        if x != y:
            yield f"{a.name}: {key} is {x!r:.60} in {first.name}, {y!r:.60} in {second.name}"
    if first.results.seed != second.results.seed:
        yield (
            f"seeds: {first.results.seed} in {first.name}, {second.results.seed} in {second.name}"
        )


def _lines(paired: PairedTask, run: str, metrics: Sequence[str]) -> Iterator[Line]:
    for metric, weighting in paired.metrics.items():
        pairs = paired.scored(metric)
        wanted = metric in metrics if metrics else metric not in _BOOKKEEPING
        if not wanted or not pairs:
            continue
        found, test = paired_difference(pairs, metric, weighting)
        weights = [weight_of(a, weighting) for a, _ in pairs]
        first = _mean([score_of(a, metric) or 0.0 for a, _ in pairs], weights)
        steps = [(score_of(b, metric) or 0.0) - (score_of(a, metric) or 0.0) for a, b in pairs]
        yield Line(
            task=paired.name,
            metric=metric,
            unit=paired.record[metric].unit,
            run=run,
            first=first,
            second=first + found.value,
            difference=found.value,
            stderr=found.stderr,
            interval=found.interval,
            p=found.p,
            test=test,
            n=len(pairs),
            units=found.n,
            won=sum(step > 0 for step in steps),
            lost=sum(step < 0 for step in steps),
            detectable=None if found.stderr is None else detectable_difference(found.stderr),
        )


def _mean(values: Sequence[float], weights: Sequence[float]) -> float:
    return sum(v * w for v, w in zip(values, weights, strict=True)) / sum(weights)


def _judged(lines: Sequence[Line], first: str) -> Iterable[Line]:
    tested = [line for line in lines if line.p is not None]
    corrected = iter(holm([line.p for line in tested if line.p is not None]))
    for line in lines:
        p = None if line.p is None else next(corrected)
        verdict = says(line.metric, line.unit, line.difference, p, (first, line.run))
        yield dataclasses.replace(line, corrected=p, verdict=verdict)
