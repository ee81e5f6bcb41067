"""Everything that a run knows of one task, put together from its items and its sets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from xgen_core.concurrency import Failure
from xgen_core.lm.asker import Call
from xgen_core.records import Record
from xgen_distill.attempt import Attempt, Refinement
from xgen_distill.golds import GoldCheck
from xgen_distill.items import RunItems
from xgen_distill.run_recipe import RunRecipe
from xgen_distill.sets import Rejection, Row, SetName, Sets
from xgen_distill.task import Task

__all__ = ["TaskRecord", "task_records"]

T = TypeVar("T")
_AFTER_TASK = {"golds": 0, "attempts": 2, "refinements": 3}
"""Parts of an item's id that stand behind the task's: round, sample, refinement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRecord(Record):
    """Everything that a run knows of one task.

    Attributes:
        task: as it was tried.
        gold: what its own solution and tests say; None where nobody looked.
        attempts: of the rounds before and of this one, in order.
        refinements: of these attempts.
        rows: each row with the names of the sets that it is in.
        rejections: solutions of it that became no row.
        failures: why attempts or refinements are missing, in words.
        calls: requests of this round, in order.
    """

    task: Task
    gold: GoldCheck | None = None
    attempts: tuple[Attempt, ...] = ()
    refinements: tuple[Refinement, ...] = ()
    rows: tuple[tuple[Row, tuple[SetName, ...]], ...] = ()
    rejections: tuple[Rejection, ...] = ()
    failures: tuple[str, ...] = ()
    calls: tuple[Call, ...] = ()


def task_records(recipe: RunRecipe, items: RunItems, sets: Sets) -> list[TaskRecord]:
    """What a run knows, task by task, in the tasks' order."""
    attempts = _grouped((a.task, a) for a in (*items.earlier.attempts, *items.attempts))
    tried = {a.id: a for found in attempts.values() for a in found}
    refinements = _grouped(
        (tried[r.attempt].task, r) for r in (*items.earlier.refinements, *items.refinements)
    )
    rejections = _grouped((one.task, one) for one in sets.rejections)
    golds = {gold.task: gold for gold in items.golds}
    rows = _rows(sets)
    failures = _grouped(_failures(items.failed))
    records: list[TaskRecord] = []
    for task in items.tasks:
        record = TaskRecord(
            task=task,
            gold=golds.get(task.id),
            attempts=tuple(attempts.get(task.id, ())),
            refinements=tuple(refinements.get(task.id, ())),
            rows=tuple(rows.get(task.id, ())),
            rejections=tuple(rejections.get(task.id, ())),
            failures=tuple(failures.get(task.id, ())),
        )
        records.append(replace(record, calls=tuple(_calls(recipe, record))))
    return records


def _calls(recipe: RunRecipe, record: TaskRecord) -> Iterable[Call]:
    """The requests of this round; what was asked follows from what is stored."""
    for attempt in record.attempts:
        if attempt.round == recipe.round:
            yield _call("attempts", recipe.template.attempt(record.task), attempt)
            for refinement in record.refinements:
                if refinement.attempt == attempt.id:
                    messages = recipe.prompt.messages(
                        record.task, attempt, gold=recipe.gold_in_context
                    )
                    prompt = "\n".join(message.content for message in messages)
                    yield _call("refinements", prompt, refinement)


def _call(stage: str, prompt: str, made: Attempt | Refinement) -> Call:
    return Call(
        stage=stage,
        prompt=prompt,
        texts=(made.completion if isinstance(made, Attempt) else made.reply,),
        prompt_tokens=made.prompt_tokens,
        completion_tokens=made.completion_tokens,
    )


def _rows(sets: Sets) -> dict[str, list[tuple[Row, tuple[SetName, ...]]]]:
    """Rows of each task, each once with the sets that it is in."""
    homes: dict[str, tuple[Row, list[SetName]]] = {}
    for name, rows in sets.rows.items():
        for row in rows:
            homes.setdefault(row.id, (row, []))[1].append(name)
    return _grouped((row.task, (row, tuple(names))) for row, names in homes.values())


def _failures(failed: Mapping[str, Mapping[str, Failure]]) -> Iterable[tuple[str, str]]:
    """Ids of tasks, with what is missing of them and why."""
    for stage, failures in failed.items():
        for key, failure in failures.items():
            task = key.rsplit("/", _AFTER_TASK[stage])[0]
            yield task, f"{stage} {key}: {failure.kind}: {failure.reason}"


def _grouped(pairs: Iterable[tuple[str, T]]) -> dict[str, list[T]]:
    found: dict[str, list[T]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return found
