"""Programs run by the tests of their task, with verdicts that are the same every time."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from xgen_core import CodecError, InputError
from xgen_distill.configuration import Told
from xgen_distill.feedback import Feedback, feedback_of
from xgen_distill.task import Task
from xgen_distill.unit_test import UnitTest
from xgen_eval.execution import Checker, Limits, Problem, Verdict

__all__ = ["UNTOLD", "Examiner", "task_problems"]

UNTOLD = Feedback(
    outcome="assertion", kind="AssertionError", message="a test that is not shown fails"
)
"""All that is said of a program that passes the shown tests and fails another."""

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


def task_problems(tasks: Sequence[Task]) -> dict[str, Problem]:
    """What judges solutions of tasks, by id: all tests; a solution cannot ask for a weak verdict.

    Tasks without tests, or with one that does not compile or calls another function, are left out.

    Raises:
        InputError: none is left.
    """
    found: dict[str, Problem] = {}
    for task in tasks:
        with contextlib.suppress(CodecError):
            if task.tests:
                program = task.gold or f"{task.header}    pass\n"
                found[task.id] = task.problem(task.tests, program)
    if not found:
        raise InputError(f"none of {len(tasks)} tasks has tests that can be run")
    return found


class Examiner:
    """Runs programs in one sandbox.

    Args:
        checker: entered, for `problems`.
        problems: by the tasks' ids, as `task_problems` gives them.
        limits: of each program.
    """

    def __init__(self, checker: Checker, problems: Mapping[str, Problem], limits: Limits) -> None:
        self._checker = checker
        self._problems = problems
        self._limits = limits

    def can_judge(self, task: Task) -> bool:
        """Whether the task has tests that can be run."""
        return task.id in self._problems

    async def examine(
        self, task: Task, program: str, tests: Sequence[UnitTest] | None = None
    ) -> Verdict:
        """The verdict by some tests of a task; by all of them where none are given.

        Where a process of ours failed, not the program, it is run once more.
        """
        problem = self._problems[task.id]
        if tests is not None:
            problem = replace(problem, tests=tuple(test.source for test in tests))
        verdict = await self._checker.check(problem, program, limits=self._limits)
        if verdict.outcome == "harness_error":
            verdict = await self._checker.check(problem, program, limits=self._limits)
        return self._stable(verdict)

    async def trial(
        self, task: Task, program: str, *, told: Told
    ) -> tuple[Verdict, Feedback | None]:
        """A program's verdict by all tests, as far as it may be told, and what is said of it.

        Returns:
            The verdict by the tests that may be told of; and None only for a program that passes
            all tests, or of which nothing is known because the sandbox failed.
        """
        verdict = await self.examine(task, program)
        if verdict.passed or verdict.outcome == "harness_error":
            return verdict, None
        if told == "shown" and task.hidden and not _tellable(verdict, task):
            if not task.shown:
                return Verdict(outcome=verdict.outcome, strict=verdict.strict), UNTOLD
            verdict = await self.examine(task, program, task.shown)
            if verdict.passed:
                return verdict, UNTOLD
            if verdict.outcome == "harness_error":
                return verdict, None
        return verdict, feedback_of(verdict)

    def _stable(self, verdict: Verdict) -> Verdict:
        """The same without what differs from run to run: times, addresses, what a kill cut off."""
        message = _ADDRESS.sub("", verdict.message)
        if verdict.outcome == "timeout":  # whichever limit came first
            message = f"no verdict within {self._limits.wall_seconds:g} seconds"
        return replace(
            verdict,
            seconds=0.0,
            stdout="",
            message=message,
            input=_ADDRESS.sub("", verdict.input),
            expected=_ADDRESS.sub("", verdict.expected),
            got=_ADDRESS.sub("", verdict.got),
        )


def _tellable(verdict: Verdict, task: Task) -> bool:
    """Whether a failure is known to be that of a shown test, or of no test at all.

    Shown tests run first, so a line that stands among them as a test failed as that test.
    """
    if verdict.outcome == "syntax":
        return True
    return bool(verdict.assertion) and verdict.assertion in {test.source for test in task.shown}
