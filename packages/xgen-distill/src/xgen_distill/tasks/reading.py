"""Reading tasks: ours, HumanEval's, MBPP's, CodeAlpaca's, or a plain form for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from xgen_core import CodecError, InputError
from xgen_core.files import read_json, read_jsonl
from xgen_core.records import Record
from xgen_distill.task import Task
from xgen_distill.tasks.forms import FORMS, Form, form_of, parse_row
from xgen_eval.inputs import DataFile

__all__ = ["FORMS", "Form", "Refused", "TaskFile", "read_tasks"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused(Record):
    """What is no task, or no longer one.

    Attributes:
        id: of the task, or where its row stands.
        reason: in words; counted by what comes before its first colon.
    """

    id: str
    reason: str

    @property
    def kind(self) -> str:
        """What it is counted as."""
        return self.reason.partition(":")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFile(Record):
    """What a file holds.

    Attributes:
        file: by content.
        form: in which it was read.
        tasks: in order.
        refused: rows that are no task.
    """

    file: DataFile
    form: Form
    tasks: tuple[Task, ...]
    refused: tuple[Refused, ...] = ()

    @property
    def counts(self) -> Counter[str]:
        """How many rows were refused, by kind."""
        return Counter(one.kind for one in self.refused)


def read_tasks(path: Path | str, form: Form | None = None) -> TaskFile:
    """Read tasks from JSONL (`.gz` too) or a JSON list.

    A row that is no task is refused with its reason, and the others are read.

    Args:
        path: the file.
        form: None tells by the fields of the first row.

    Raises:
        InputError: no such file, a line that is not JSON, a first row of no known form, or nothing
            in it that is a task.
    """
    place = Path(path)
    tasks: dict[str, Task] = {}
    refused: list[Refused] = []
    for number, row in enumerate(_rows(place), 1):
        where = f"{place.name}:{number}"
        if not isinstance(row, dict):
            refused.append(Refused(id=where, reason=f"not an object: {row!r:.60}"))
            continue
        fields = cast("dict[str, object]", row)
        try:
            form = form or form_of(fields)
        except CodecError as error:
            raise InputError(f"{place}: row {number}: {error}") from error
        try:
            task = parse_row(fields, form, number)
        except CodecError as error:
            refused.append(Refused(id=where, reason=f"{error}"))
            continue
        if task.id in tasks:
            refused.append(Refused(id=where, reason=f"a second task of this id: {task.id}"))
            continue
        tasks[task.id] = task
    if not tasks or form is None:
        first = f", the first: {refused[0].reason}" if refused else ""
        raise InputError(f"{place}: no task in its {len(refused)} rows{first}")
    return TaskFile(
        file=DataFile.of(place), form=form, tasks=tuple(tasks.values()), refused=tuple(refused)
    )


def _rows(path: Path) -> Iterator[object]:
    if path.suffix == ".json":
        rows = read_json(path)
        if not isinstance(rows, list):
            raise InputError(f"{path}: expected a list of tasks")
        yield from cast("list[object]", rows)
        return
    yield from read_jsonl(path)
