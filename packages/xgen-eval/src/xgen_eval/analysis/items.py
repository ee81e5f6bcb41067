"""The rows of finished runs, read back: `items/TASK.jsonl` as it was written, or an error."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from xgen_core import CodecError, FormatError, InputError
from xgen_core.codec import unknown_name
from xgen_core.files import read_jsonl, sha256_file
from xgen_core.records import Scalar
from xgen_eval.results import Results, TaskRecord, is_breakdown, read_results
from xgen_eval.statistics import ratio_of_sums

__all__ = ["FinishedRun", "Row", "TaskItems", "cluster_of", "open_runs", "score_of", "weight_of"]

Row = Mapping[str, Scalar]
"""One line: `id`, a column for each per-item metric, `cluster`, `attr.NAME`, and details."""

_WEIGHTS = ("bytes", "tokens")
"""Columns that a mean over rows may be weighted by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskItems:
    """One task of a run with its rows.

    Attributes:
        name: of the task.
        record: what `results.json` says of it.
        rows: in the file's order.
    """

    name: str
    record: TaskRecord
    rows: tuple[Row, ...]

    @property
    def metrics(self) -> tuple[str, ...]:
        """Metrics that are means over the rows, in the order of the results; no breakdowns."""
        whole = [m for m in self.record.metrics if not is_breakdown(m)]
        return tuple(m for m in whole if self.weighting(m) is not None)

    def weighting(self, metric: str) -> str | None:
        """By which column the rows are weighted in a metric; empty for none.

        None where the metric is not the mean of its column at all: then nothing is known of what
        single items add to it.
        """
        value = self.record.metrics[metric].value
        for name in ("", *_WEIGHTS):
            rows = [r for r in self.rows if _is_number(r.get(metric)) and _weighs(r, name)]
            if rows:
                mean = ratio_of_sums(
                    [_number(r, metric) * weight_of(r, name) for r in rows],
                    [weight_of(r, name) for r in rows],
                ).value
                if math.isclose(mean, value, rel_tol=1e-9, abs_tol=1e-12):
                    return name
        return None

    @property
    def judges(self) -> frozenset[str]:
        """Which models graded the rows; empty where none did."""
        return frozenset(str(row["judge"]) for row in self.rows if row.get("judge"))

    def by_id(self) -> dict[str, Row]:
        """Rows by their id.

        Raises:
            InputError: two have the same.
        """
        rows = {str(row["id"]): row for row in self.rows}
        if len(rows) < len(self.rows):
            raise InputError(f"{self.name}: {len(self.rows)} rows share {len(rows)} ids")
        return rows

    def require_metric(self, name: str) -> None:
        """Refuse a metric that is not a mean over rows.

        Raises:
            InputError: the nearest one is given.
        """
        if name not in self.metrics:
            raise InputError(f"{self.name}: {unknown_name(name, self.metrics, 'metric of items')}")


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedRun:
    """A run directory of `xgen eval run`.

    Attributes:
        name: what tables call it; the directory's name, with its parent's where two share it.
        directory: where it lies.
        results: its `results.json`.
    """

    name: str
    directory: Path
    results: Results = field(repr=False)

    def items(self, task: str) -> TaskItems:
        """One task with its rows.

        Raises:
            InputError: the run has no such task; the nearest is given.
            FormatError: the rows are not the ones that were written.
        """
        if task not in self.results.tasks:
            raise InputError(
                f"{self.directory}: {unknown_name(task, list(self.results.tasks), 'task')}"
            )
        record = self.results.tasks[task]
        path = self.directory / "items" / f"{task}.jsonl"
        if not path.is_file():
            raise FormatError(f"{path}: gone; run the task again")
        if sha256_file(path) != record.items_sha256:
            raise FormatError(f"{path}: not what results.json was made from; run the task again")
        return TaskItems(name=task, record=record, rows=tuple(read_jsonl(path, _row)))


def open_runs(directories: Sequence[Path | str]) -> tuple[FinishedRun, ...]:
    """Open finished runs, each with a name of its own.

    Raises:
        InputError: a directory has no results.
        FormatError: they are damaged.
    """
    names = _names([Path(d).resolve() for d in directories])
    return tuple(
        FinishedRun(name=name, directory=Path(directory), results=read_results(directory))
        for name, directory in zip(names, directories, strict=True)
    )


def score_of(row: Row, metric: str) -> float | None:
    """A metric's value in a row, or None where it has none."""
    return _number(row, metric) if _is_number(row.get(metric)) else None


def weight_of(row: Row, weighting: str) -> float:
    """What a row weighs, by `TaskItems.weighting`."""
    return _number(row, weighting) if weighting else 1.0


def cluster_of(row: Row) -> Hashable:
    """What the row shares its chance with: its cluster, or itself alone."""
    return row.get("cluster") or ("", row["id"])


def _number(row: Row, name: str) -> float:
    return float(cast(float, row[name]))


def _is_number(value: Scalar) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)


def _weighs(row: Row, name: str) -> bool:
    value = row.get(name)
    return not name or (_is_number(value) and cast(float, value) > 0)


def _row(value: object) -> Row:
    if not isinstance(value, Mapping):
        raise CodecError(f"expected an object, got {value!r:.60}")
    row = cast("Row", value)
    if "id" not in row:
        raise CodecError("a row without id")
    return row


def _names(paths: Sequence[Path]) -> list[str]:
    """What tells the runs apart: the directory, its parent as well, at last a number."""
    names = [path.name for path in paths]
    if len(set(names)) < len(names):
        names = [f"{path.parent.name}/{path.name}" for path in paths]
    before = [names[:i].count(name) for i, name in enumerate(names)]
    return [f"{name} ({n + 1})" if n else name for name, n in zip(names, before, strict=True)]
