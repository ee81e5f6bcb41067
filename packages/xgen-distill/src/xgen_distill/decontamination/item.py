"""What is learnt from: the wording of a task, and every solution of it that rows hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from xgen_core import InputError
from xgen_core.records import Record
from xgen_distill.decontamination.wording import words_of
from xgen_distill.sets.row import Row
from xgen_distill.task import Task

__all__ = ["TrainingItem", "training_items"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingItem(Record):
    """One task of the training data.

    Attributes:
        id: the task's.
        instruction: what a model reads of it in words, without examples.
        entry_point: name of its function.
        programs: solutions that a model is trained on, each a whole program, none twice.
        prelude: source that runs before each of them.
        modules: third-party modules that they may import.
    """

    id: str
    instruction: str
    entry_point: str
    programs: tuple[str, ...] = ()
    prelude: str = ""
    modules: tuple[str, ...] = ()


def training_items(tasks: Sequence[Task], rows: Iterable[Row] = ()) -> list[TrainingItem]:
    """The tasks as they are learnt from: the direct solution, and the programs of all rows.

    Args:
        tasks: in the order of the result.
        rows: of any sets; those of one program count once.

    Raises:
        InputError: a row of a task that is not among `tasks`.
    """
    programs: dict[str, dict[str, None]] = {task.id: {} for task in tasks}
    for task in tasks:
        if task.gold:
            programs[task.id][task.gold] = None
    for row in rows:
        if row.task not in programs:
            raise InputError(f"row {row.id} is of task {row.task!r}, which is not among the tasks")
        programs[row.task][row.program] = None
    return [
        TrainingItem(
            id=task.id,
            instruction=words_of(task),
            entry_point=task.entry_point,
            programs=tuple(programs[task.id]),
            prelude=task.prelude,
            modules=task.modules,
        )
        for task in tasks
    ]
