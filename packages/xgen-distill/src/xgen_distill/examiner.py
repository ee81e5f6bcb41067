"""Programs run by the tests of their task, with verdicts that are the same every time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from xgen_distill.configuration import Told
from xgen_distill.feedback import Feedback, feedback_of
from xgen_distill.task import Task
from xgen_distill.unit_test import UnitTest
from xgen_eval.execution import Checker, Limits, Problem, Verdict

__all__ = ["UNTOLD", "Examiner", "task_problem"]

UNTOLD = Feedback(
    outcome="assertion", kind="AssertionError", message="a test that is not shown fails"
)
"""All that is said of a program that passes the shown tests and fails another."""

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


def task_problem(task: Task, tests: Sequence[UnitTest]) -> Problem:
    """What judges solutions of a task, whichever it is: no solution can ask for a weak verdict.

    Raises:
        ValueError: no tests.
        CodecError: a test does not compile, or none calls the function.
    """
    return task.problem(tests, task.gold or f"{task.header}    pass\n")


class Examiner:
    """Runs programs in one sandbox.

    Args:
        checker: entered.
        limits: of each program.
    """

    def __init__(self, checker: Checker, limits: Limits) -> None:
        self._checker = checker
        self._limits = limits
        self._problems: dict[tuple[str, Sequence[UnitTest]], Problem] = {}

    async def examine(
        self, task: Task, program: str, tests: Sequence[UnitTest] | None = None
    ) -> Verdict:
        """The verdict by some tests of a task; by all of them where none are given.

        Where a process of ours failed, not the program, it is run once more.
        """
        tests = task.tests if tests is None else tests
        problem = self._problems.get((task.id, tests))
        if problem is None:
            problem = self._problems[task.id, tests] = task_problem(task, tests)
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
