"""Which tasks are sound: their own solution passes, does so every time, and the tests can fail."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from xgen_core import CodecError
from xgen_core.concurrency import gather
from xgen_core.progress import Progress
from xgen_core.records import Record
from xgen_distill.program import find_definition
from xgen_distill.task import Task
from xgen_distill.tasks.mutants import make_mutants
from xgen_distill.tasks.reading import Refused
from xgen_distill.unit_test import UnitTest
from xgen_eval.execution import Checker, Limits, Verdict

__all__ = ["CheckedTasks", "Quality", "check_tasks"]

_RUNS = 3
"""How often a solution is run to see whether it gives the same every time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality(Record):
    """What a task's deciding tests notice.

    Attributes:
        task: its id.
        mutants: programs with one fault.
        killed: of them, those that fail a test.
        idle: sources of tests that no mutant fails.
    """

    task: str
    mutants: int
    killed: int
    idle: tuple[str, ...] = ()

    @property
    def share(self) -> float | None:
        """Of mutants killed; None where there are none."""
        return self.killed / self.mutants if self.mutants else None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedTasks(Record):
    """Sound tasks, and why the others are not.

    Attributes:
        tasks: in order; examples that are shown and that the gold solution fails are taken out.
        refused: the others.
        untrue: shown tests that were taken out, by the ids of their tasks.
        quality: of the tests, where mutants were made.
    """

    tasks: tuple[Task, ...]
    refused: tuple[Refused, ...] = ()
    untrue: tuple[Refused, ...] = ()
    quality: tuple[Quality, ...] = ()

    @property
    def counts(self) -> Counter[str]:
        """How many were refused, by kind."""
        return Counter(one.kind for one in self.refused)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    task: Task | None
    refused: Refused | None = None
    untrue: tuple[Refused, ...] = ()
    quality: Quality | None = None


async def check_tasks(
    tasks: Sequence[Task], checker: Checker, *, mutants: int = 0, limits: Limits | None = None
) -> CheckedTasks:
    """Run every gold solution by its tests.

    A task without a gold solution is kept: nothing can be said of it. Without any test it is
    refused.

    Args:
        tasks: with different ids.
        checker: entered.
        mutants: programs with a fault to try for each task; 0 for none. Tests that notice none of
            them refuse the task.
        limits: of each process.
    """
    with Progress("check tasks", len(tasks), unit="tasks") as progress:

        async def work(task: Task) -> _Outcome:
            return await _Task(task, checker, limits).outcome(mutants)

        found = await gather(tasks, work, concurrency=2 * checker.workers, progress=progress)
    outcomes: list[_Outcome] = []
    for task, one in zip(tasks, found, strict=True):
        if isinstance(one, _Outcome):
            outcomes.append(one)
        else:
            refused = Refused(id=task.id, reason=f"{one.kind}: {one.reason}")
            outcomes.append(_Outcome(task=None, refused=refused))
    return CheckedTasks(
        tasks=tuple(one.task for one in outcomes if one.task is not None),
        refused=tuple(one.refused for one in outcomes if one.refused is not None),
        untrue=tuple(untrue for one in outcomes for untrue in one.untrue),
        quality=tuple(one.quality for one in outcomes if one.quality is not None),
    )


class _Task:
    """One task under examination."""

    def __init__(self, task: Task, checker: Checker, limits: Limits | None) -> None:
        self._task = task
        self._checker = checker
        self._limits = limits

    async def outcome(self, mutants: int) -> _Outcome:
        task = self._task
        if not task.tests:
            return self._refuse("no tests")
        if not task.gold:
            return _Outcome(task=task)
        wrong = await self._wrong_with_gold()
        if wrong:
            return self._refuse(wrong)
        shown, untrue = await self._true_examples()
        task = replace(task, shown=shown)
        if not mutants:
            return _Outcome(task=task, untrue=untrue)
        quality = await self._quality(mutants)
        if quality.mutants and not quality.killed:
            reason = f"tests never fail: {quality.mutants} programs with a fault pass all of them"
            return self._refuse(reason, quality)
        return _Outcome(task=task, untrue=untrue, quality=quality)

    async def _wrong_with_gold(self) -> str:
        """Why the gold solution is none; empty where it is one."""
        task = self._task
        if find_definition(task.gold, task.entry_point) is None:
            return f"gold: it does not compile, or defines no {task.entry_point}"
        try:
            runs = await asyncio.gather(*(self._run(task.deciding) for _ in range(_RUNS)))
        except CodecError as error:
            return f"tests: {error}"
        passed = sum(verdict.passed for verdict in runs)
        if 0 < passed < _RUNS:
            return f"not the same every time: {passed} of {_RUNS} runs pass"
        return "" if passed else f"gold fails: {runs[0].outcome}, {runs[0].detail}"

    def _refuse(self, reason: str, quality: Quality | None = None) -> _Outcome:
        return _Outcome(
            task=None, refused=Refused(id=self._task.id, reason=reason), quality=quality
        )

    async def _run(self, tests: Sequence[UnitTest], program: str = "") -> Verdict:
        program = program or self._task.gold
        problem = self._task.problem(tests, program)
        return await self._checker.check(problem, program, limits=self._limits)

    async def _true_examples(self) -> tuple[tuple[UnitTest, ...], tuple[Refused, ...]]:
        """Shown tests that the gold solution passes; those of others are wrong in the docstring."""
        shown = self._task.shown
        if not self._task.complete or not shown or (await self._run(shown)).passed:
            return shown, ()
        verdicts = await asyncio.gather(*(self._run([test]) for test in shown))
        kept = tuple(t for t, v in zip(shown, verdicts, strict=True) if v.passed)
        wrong = tuple(
            Refused(id=self._task.id, reason=f"example that is not true: {t.source}")
            for t, v in zip(shown, verdicts, strict=True)
            if not v.passed
        )
        return kept, wrong

    async def _quality(self, most: int) -> Quality:
        """How many faults the deciding tests notice, and which tests notice none."""
        tests = self._task.deciding
        made = make_mutants(self._task.gold, most)
        idle = list(tests)
        killed = 0
        for mutant in made:
            verdict = await self._run(tests, mutant.program)
            if verdict.passed:
                continue
            killed += 1
            if len(tests) > 1 and idle:
                alone = await asyncio.gather(*(self._run([test], mutant.program) for test in idle))
                idle = [t for t, v in zip(idle, alone, strict=True) if v.passed]
            else:
                idle = []
        return Quality(
            task=self._task.id,
            mutants=len(made),
            killed=killed,
            idle=tuple(test.source for test in idle) if made else (),
        )
