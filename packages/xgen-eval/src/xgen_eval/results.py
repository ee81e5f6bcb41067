"""The results format: what was measured, on which model and data, and how sure it is.

    run.json            the model, the pinned documents, seed and limits (a core run directory)
    results.json        metrics of every finished task; rewritten whole when one more has finished
    items/TASK.jsonl    one row a scored thing
    sections/*.json     what the report page shows, published numbers beside ours

There is no time and no path of this machine in it: the same evaluation writes the same bytes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from xgen_core import CodecError, FormatError, ModelInfo, Run
from xgen_core.codec import JSON, decode, encode
from xgen_core.files import check_format, read_json, sha256_file, write_json, write_jsonl
from xgen_core.recipe import fingerprint
from xgen_core.records import Record, Scalar
from xgen_core.report import Section, Table
from xgen_eval.inputs import DataFile, Inputs
from xgen_eval.task import Metric, Task, TaskResult

__all__ = ["Results", "ResultsDirectory", "TaskRecord", "is_breakdown", "read_results", "task_key"]

_FORMAT = "xgen-results"
_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRecord(Record):
    """One finished task.

    Attributes:
        variant: the exact procedure.
        key: equal exactly when model, task, settings and data are (see `task_key`).
        settings: of the task.
        files: what it read.
        metrics: by name.
        items: how many rows `items/TASK.jsonl` has, and `items_sha256` its checksum.
        sections: names of its report sections.
    """

    variant: str
    key: str
    settings: Mapping[str, object]
    files: tuple[DataFile, ...]
    metrics: Mapping[str, Metric]
    items: int
    items_sha256: str
    sections: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Results(Record):
    """All finished tasks of one evaluation.

    Attributes:
        model: what was evaluated.
        documents: the held-out files.
        seed, limit, max_bytes: as in `Inputs`.
        tasks: by name, sorted.
    """

    model: ModelInfo
    documents: tuple[DataFile, ...] = ()
    seed: int = 0
    limit: int | None = None
    max_bytes: int | None = None
    tasks: Mapping[str, TaskRecord] = field(default_factory=dict[str, TaskRecord])


def task_key(task: Task, files: Sequence[DataFile], results: Results) -> str:
    """What a task's numbers depend on, as one checksum."""
    parts: dict[str, JSON] = {
        "model": encode(results.model),
        "task": task.name,
        "variant": task.variant,
        "settings": encode(task),
        "files": encode(tuple(files)),
        "seed": results.seed,
        "limit": results.limit,
        "max_bytes": results.max_bytes,
    }
    return fingerprint(parts)


def read_results(directory: Path | str) -> Results:
    """Read the results of an evaluation.

    Raises:
        InputError: there are none.
        FormatError: damaged, or of a version that this release does not read.
    """
    path = Path(directory) / "results.json"
    header = check_format(read_json(path), name=_FORMAT, version=_VERSION, path=path)
    body = {k: v for k, v in header.items() if k not in ("format", "version")}
    try:
        return decode(Results, body)
    except CodecError as error:
        raise FormatError(f"{path}: {error}") from error


class ResultsDirectory:
    """The run directory of an evaluation, new or taken up again.

    Args:
        directory: where; an evaluation of the same model, documents, seed and limits may lie there.
        model: what is evaluated.
        inputs: on what.

    Raises:
        InputError: another evaluation lies there.
        FormatError: its results are damaged.
    """

    def __init__(self, directory: Path | str, model: ModelInfo, inputs: Inputs) -> None:
        self.directory = Path(directory)
        self.results = Results(
            model=model,
            documents=tuple(DataFile.of(path) for path in inputs.files),
            seed=inputs.seed,
            limit=inputs.limit,
            max_bytes=inputs.max_bytes,
        )
        recipe = {k: v for k, v in self.results.to_json().items() if k != "tasks"}
        self._run = Run.create(self.directory, "eval", recipe)
        if (self.directory / "results.json").exists():
            tasks = read_results(self.directory).tasks
            self.results = dataclasses.replace(self.results, tasks=tasks)

    def has(self, task: Task, key: str) -> bool:
        """Whether the task is finished under that key, with its rows and sections in place."""
        record = self.results.tasks.get(task.name)
        if record is None or record.key != key:
            return False
        items = self._items(task.name)
        sections = (self._section(name).is_file() for name in record.sections)
        return items.is_file() and sha256_file(items) == record.items_sha256 and all(sections)

    def add(self, task: Task, key: str, files: Sequence[DataFile], result: TaskResult) -> None:
        """Store a task's result; `results.json` names it only once all else is on disk."""
        old = self.results.tasks.get(task.name)
        names = tuple(f"20-{task.name}-{i}" for i in range(len(result.sections)))
        count = write_jsonl(self._items(task.name), result.items)
        for name, section in zip(names, result.sections, strict=True):
            self._run.write_section(name, section)
        record = TaskRecord(
            variant=result.variant,
            key=key,
            settings=_settings(task),
            files=tuple(files),
            metrics=result.metrics,
            items=count,
            items_sha256=sha256_file(self._items(task.name)),
            sections=names,
        )
        tasks = {**self.results.tasks, task.name: record}
        self.results = dataclasses.replace(self.results, tasks=dict(sorted(tasks.items())))
        self._run.write_section("10-results", _overview(self.results))
        header = {"format": _FORMAT, "version": _VERSION}
        write_json(self.directory / "results.json", header | self.results.to_json())
        for name in set(old.sections if old else ()) - set(names):
            self._section(name).unlink(missing_ok=True)

    def show(self, name: str, section: Section) -> None:
        """Put a section on the page that belongs to no single task."""
        self._run.write_section(name, section)

    def _items(self, name: str) -> Path:
        return self.directory / "items" / f"{name}.jsonl"

    def _section(self, name: str) -> Path:
        return self.directory / "sections" / f"{name}.json"


def is_breakdown(metric: str, beside: Container[str] = ()) -> bool:
    """Whether a metric is a part of another.

    `bits_per_byte@1024` is, and `acc/stem` where `acc` is among those `beside` it.
    """
    whole, slash, _ = metric.partition("/")
    return "@" in metric.removeprefix("pass@") or bool(slash and whole in beside)


def _settings(task: Task) -> dict[str, object]:
    values = encode(task)
    assert isinstance(values, Mapping)
    return dict(values)


def _overview(results: Results) -> Section:
    rows: list[tuple[Scalar, ...]] = []
    for task, record in results.tasks.items():
        for name, metric in record.metrics.items():
            if not is_breakdown(name, record.metrics):
                value = round(metric.value, 4)
                rows.append((task, name, value, metric.uncertainty, metric.n, metric.unit))
    columns = ("task", "metric", "value", "uncertainty", "n", "unit")
    variants = ", ".join(f"{task} {record.variant}" for task, record in results.tasks.items())
    caption = (
        "± is one standard error; a range is the 95 % interval. Breakdowns (by subject, by length) "
        f"are in the tasks' own sections. Variants: {variants}."
    )
    return Section(
        title="Results",
        summary=f"{results.model.identity}, seed {results.seed}",
        blocks=(Table(columns=columns, rows=tuple(rows), caption=caption),),
    )
