"""What a task's own solution and tests say of it, before anybody tries it."""

from __future__ import annotations

from dataclasses import dataclass

from xgen_core.records import Record
from xgen_distill.examiner import Examiner
from xgen_distill.task import Task
from xgen_eval.execution import Verdict

__all__ = ["GoldCheck", "check_gold"]


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
    if not examiner.can_judge(task):
        return GoldCheck(task=task.id, reason="broken test" if task.tests else "no tests")
    if not task.gold:
        return GoldCheck(task=task.id)
    verdict = await examiner.examine(task, task.gold)
    reason = "no verdict" if verdict.outcome == "harness_error" else "gold fails"
    return GoldCheck(task=task.id, verdict=verdict, reason="" if verdict.passed else reason)
