"""What a task's own solution and tests say of it, before anybody tries it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xgen_core import CodecError, InputError
from xgen_core.records import Record
from xgen_distill.examiner import Examiner, task_problem
from xgen_distill.task import Task
from xgen_eval.execution import Problem, Verdict

__all__ = ["GoldCheck", "check_gold", "readable_problems"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldCheck(Record):
    """Whether a task can be used.

    Attributes:
        task: its id.
        verdict: on its direct solution by all its tests; None where it was not run.
        reason: why the task is left out: `"gold fails"`, `"no tests"`, `"broken test"`, …; empty
            where it is not.
    """

    task: str
    verdict: Verdict | None = None
    reason: str = ""

    @property
    def executable(self) -> bool:
        """Whether the direct solution passes."""
        return self.verdict is not None and self.verdict.passed


async def check_gold(task: Task, examiner: Examiner) -> GoldCheck:
    """Run a task's direct solution; a task without one can be tried all the same."""
    if not task.tests:
        return GoldCheck(task=task.id, reason="no tests")
    try:
        task_problem(task, task.tests)
        if task.shown:
            task_problem(task, task.shown)
    except CodecError:
        return GoldCheck(task=task.id, reason="broken test")
    if not task.gold:
        return GoldCheck(task=task.id)
    verdict = await examiner.examine(task, task.gold)
    reason = "no verdict" if verdict.outcome == "harness_error" else "gold fails"
    return GoldCheck(task=task.id, verdict=verdict, reason="" if verdict.passed else reason)


def readable_problems(tasks: Sequence[Task]) -> list[Problem]:
    """The tasks as a `Checker` is told of them; those that cannot be judged are passed over.

    Raises:
        InputError: none of them can.
    """
    found: list[Problem] = []
    for task in tasks:
        try:
            found += [task_problem(task, task.tests)] if task.tests else []
        except CodecError:
            continue
    if not found:
        raise InputError(f"none of the {len(tasks)} tasks has tests that can be run")
    return found
