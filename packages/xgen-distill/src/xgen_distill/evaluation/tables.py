"""Students beside each other and beside the published ones, as the paper's table is laid out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import cast, get_args

from xgen_core import InputError
from xgen_core.records import Scalar
from xgen_core.report import Table
from xgen_distill.evaluation.published import Benchmark, PublishedRow, published_scores
from xgen_distill.evaluation.results import EvaluationResults
from xgen_eval.task import Metric

__all__ = ["comparison_table", "published_benchmark"]

_STEPS = ("s1", "s2")


def published_benchmark(results: EvaluationResults) -> Benchmark | None:
    """The benchmark of the paper's table that was evaluated on; None for another."""
    known: tuple[str, ...] = get_args(Benchmark)
    return cast(Benchmark, results.benchmark) if results.benchmark in known else None


def comparison_table(evaluations: Mapping[str, EvaluationResults]) -> Table:
    """pass@k in percent at step 1 and 2, ours first, then the paper's where it has the benchmark.

    A student has further rows for the tasks that its training data does not have, where somebody
    looked, and for the oracle, where it was asked for.

    Args:
        evaluations: by the student's name, at least one, all on one benchmark.

    Raises:
        InputError: evaluations on several benchmarks.
    """
    results = list(evaluations.values())
    if len({(one.benchmark, one.tasks) for one in results}) != 1:
        asked = ", ".join(
            f"{name}: {one.tasks} tasks of {one.benchmark or 'several'}"
            for name, one in evaluations.items()
        )
        raise InputError(f"students are compared on the same tasks, these are not ({asked})")
    published, benchmark = published_scores(), published_benchmark(results[0])
    rows = [row for name, one in evaluations.items() for row in _rows(name, one, published.ks)]
    notes: tuple[str, ...] = ()
    if benchmark is not None:
        rows += [_printed(row, benchmark, published.ks) for row in published.rows]
        notes = (f"Published: {published.source}; {published.title}.", *published.notes)
    columns = [f"@{k} {step}" for k in published.ks for step in _STEPS]
    kept = [i for i in range(len(columns)) if any(row[i + 2] is not None for row in rows)]
    return Table(
        columns=("student", "tasks", *(columns[i] for i in kept)),
        rows=tuple((row[0], row[1], *(row[i + 2] for i in kept)) for row in rows),
        caption=" ".join(("@5 s2: pass@5 after step 2, in percent.", *notes)),
    )


_Row = tuple[Scalar, ...]


def _rows(name: str, results: EvaluationResults, ks: Sequence[int]) -> Iterator[_Row]:
    steps = dict(results.steps())
    yield _row(name, results.tasks, steps, ks, "step 2", 0)
    if results.leaked is not None:
        left = results.tasks - len(results.leaked)
        yield _row(f"{name}, clean tasks", left, steps, ks, "step 2", 1)
    if "step 2 (oracle)" in steps:
        yield _row(f"{name}, oracle", results.tasks, steps, ks, "step 2 (oracle)", 0)


def _row(
    name: str,
    tasks: int,
    steps: Mapping[str, Mapping[str, tuple[Metric, Metric | None]]],
    ks: Sequence[int],
    second: str,
    which: int,
) -> _Row:
    values: list[Scalar] = []
    for k in ks:
        for label in ("step 1", second):
            found = steps.get(label, {}).get(f"pass@{k}", (None, None))[which]
            values.append(None if found is None else round(100 * found.value, 2))
    return (name, tasks, *values)


def _printed(row: PublishedRow, benchmark: Benchmark, ks: Sequence[int]) -> _Row:
    figures = row.of(benchmark)
    values: list[Scalar] = [
        figures[step][place] if step < len(figures) else None
        for place in range(len(ks))
        for step in range(len(_STEPS))
    ]
    return (f"{row.method}, published", 164 if benchmark == "humaneval" else 306, *values)
