"""Judging many programs: one sandbox, and judges that go on from problem to problem."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from xgen_eval.execution.check import Judge, run_check
from xgen_eval.execution.child import Child
from xgen_eval.execution.job import Job
from xgen_eval.execution.level import Level
from xgen_eval.execution.limits import Limits
from xgen_eval.execution.problem import Problem
from xgen_eval.execution.sandbox import Sandbox
from xgen_eval.execution.verdict import Verdict

__all__ = ["Checker"]

_TESTS = 100
"""Tests that one judge runs at most."""
_DAY = 86_400.0


@dataclass(slots=True)
class _Kept:
    """A judge that waits for a test like those it was made for."""

    child: Child
    kind: tuple[tuple[str, ...], Limits]
    tests: int = 0


class Checker:
    """Judges programs for some problems; an async context manager.

    Every program has a process of its own. The judge is another; where the test is `trusted` it
    goes on to the next problem: no program has run in it, so there is nothing to clean away.

    Args:
        problems: what will be asked for; they say which modules are needed.
        workers: programs at once, each in two processes of which one waits; None for two a
            processor.
        allow_weak: run even where the sandbox is not strict.
    """

    def __init__(
        self,
        problems: Sequence[Problem],
        *,
        workers: int | None = None,
        allow_weak: bool = False,
    ) -> None:
        self.workers = workers or 2 * (os.cpu_count() or 1)
        self._needs = sorted({problem.modules for problem in problems})
        modules = sorted({name for names in self._needs for name in names})
        self._sandbox = Sandbox(modules=modules, processes=2 * self.workers, allow_weak=allow_weak)
        self._turns = asyncio.Semaphore(self.workers)
        self._idle: list[_Kept] = []
        self._judges = 0

    @property
    def level(self) -> Level:
        """What holds the processes; known once it is entered."""
        return self._sandbox.level

    async def __aenter__(self) -> Self:
        """Start the sandbox.

        Raises:
            InputError: a module is not installed.
            WeakSandboxError: the sandbox is not strict, and `allow_weak` is not given.
            SandboxError: it could not be started.
        """
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(self._sandbox)
            for names in self._needs:  # what is missing is said now, not by every problem
                job = Job(role="script", payload=b"", modules=names)
                await (await self._sandbox.start(job)).wait()
            stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End all processes."""
        await self._sandbox.__aexit__(kind, error, trace)

    async def check(
        self, problem: Problem, solution: str, *, limits: Limits | None = None
    ) -> Verdict:
        """Decide whether a program solves a problem; see `xgen_eval.execution.check`."""

        def judges(job: Job) -> AbstractAsyncContextManager[Judge]:
            return self._judge(job, keep=problem.trusted)

        async with self._turns:
            start = self._sandbox.start
            return await run_check(problem, solution, limits or Limits(), start, judges)

    @contextlib.asynccontextmanager
    async def _judge(self, job: Job, *, keep: bool) -> AsyncGenerator[Judge]:
        """A judge that has waited, or a new one; to be kept, it must have given its verdict."""
        kind = (job.modules, job.limits)
        found = next((judge for judge in self._idle if keep and judge.kind == kind), None)
        if found is not None:
            self._idle.remove(found)
        else:
            found = _Kept(await self._new(job), kind)
        judge = Judge(found.child)
        try:
            yield judge
        finally:
            found.tests += 1
            if keep and judge.finished and found.tests < _TESTS:
                self._idle.append(found)
            else:
                await self._end(found)

    async def _new(self, job: Job) -> Child:
        """Start a judge; with as many judges as workers none has to wait for a process."""
        if self._judges == self.workers:
            await self._end(self._idle.pop(0))
        self._judges += 1
        # What one test may use is watched by the caller; a judge has the time of all its tests.
        limits = replace(job.limits, wall_seconds=_DAY, cpu_seconds=_TESTS * job.limits.cpu_seconds)
        try:
            return await self._sandbox.start(replace(job, limits=limits))
        except BaseException:
            self._judges -= 1
            raise

    async def _end(self, judge: _Kept) -> None:
        judge.child.kill()
        self._judges -= 1
        await judge.child.wait()
