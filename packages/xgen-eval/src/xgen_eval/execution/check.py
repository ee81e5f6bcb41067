"""Whether a program is right, decided where the program cannot reach.

Candidate and judge are two sandboxed processes with a channel between them. The judge runs the
test; a name under test is a stand-in there that sends its arguments to the candidate's process and
gives back the value that comes. The harness hears the judge alone: the candidate has no channel to
anybody else.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Protocol

from xgen_core import CodecError
from xgen_eval.execution.child import Child
from xgen_eval.execution.exit import Exit
from xgen_eval.execution.job import Job
from xgen_eval.execution.limits import Limits
from xgen_eval.execution.problem import Problem
from xgen_eval.execution.roles.judge import GONE
from xgen_eval.execution.sandbox import Sandbox
from xgen_eval.execution.verdict import Outcome, Report, Verdict

__all__ = ["Judge", "Judges", "Start", "check", "new_judge", "run_check"]

_LIMITS: Mapping[str, Outcome] = {
    "wall_time": "timeout",
    "cpu_time": "timeout",
    "memory": "memory",
    "output": "output",
    "denied": "denied",
}
_TAIL = 2000


@dataclass(slots=True)
class Judge:
    """A judge's process, for one test.

    Attributes:
        child: the process; it waits for a test.
        finished: whether it has given its verdict, and waits for another.
    """

    child: Child
    finished: bool = False


class Start(Protocol):
    """How a process is begun; see `Sandbox.start`."""

    async def __call__(self, job: Job, channel: socket.socket | None = None) -> Child:
        """Begin it."""
        ...


Judges = Callable[[Job], AbstractAsyncContextManager[Judge]]
"""Where a judge for such a job comes from, for a while."""


async def check(
    sandbox: Sandbox, problem: Problem, solution: str, *, limits: Limits | None = None
) -> Verdict:
    """Decide whether a program solves a problem. For many see `Checker`.

    Args:
        sandbox: entered.
        problem: with its test. One that says why it is `weak` runs its test beside the program, in
            one sandboxed process; such a verdict is not `strict`.
        solution: the whole program, see `Problem.program`.
        limits: of each process; `wall_seconds` holds for loading and all calls together.

    Returns:
        The verdict; nothing is raised for what the program does.

    Raises:
        XgenError: the sandbox could not start a process.
    """
    async with sandbox.slots(1 if problem.weak else 2) as slots:
        judges = new_judge(slots.start)
        return await run_check(problem, solution, limits or Limits(), slots.start, judges)


def new_judge(start: Start) -> Judges:
    """Every test gets a judge of its own."""

    @contextlib.asynccontextmanager
    async def judge(job: Job) -> AsyncGenerator[Judge]:
        child = await start(job)
        try:
            yield Judge(child)
        finally:
            child.kill()
            await child.wait()

    return judge


async def run_check(
    problem: Problem, solution: str, limits: Limits, start: Start, judges: Judges
) -> Verdict:
    """Decide, with processes from `start` and `judges`; see `check`."""
    run = _Run(problem, solution, limits, start, judges)
    begun = time.monotonic()
    try:
        async with asyncio.timeout(limits.wall_seconds):
            verdict = await (run.weak() if problem.weak else run.strict())
    except TimeoutError:
        seconds = f"{limits.wall_seconds:g} seconds"
        verdict = Verdict(outcome="timeout", message=f"no verdict within {seconds}")
    finally:
        stdout = await run.end()
    seconds = round(time.monotonic() - begun, 4)
    return replace(verdict, strict=not problem.weak, seconds=seconds, stdout=stdout[-_TAIL:])


class _Run:
    """One check."""

    def __init__(
        self, problem: Problem, solution: str, limits: Limits, start: Start, judges: Judges
    ) -> None:
        self._problem = problem
        self._solution = solution
        self._limits = limits
        self._start = start
        self._judges = judges
        self._candidate: Child | None = None  # the process that the program runs in

    async def strict(self) -> Verdict:
        async with self._judges(self._job("judge")) as judge:
            ours, theirs = socket.socketpair()
            with ours, theirs:
                judge.child.give(ours)
                self._candidate = await self._start(self._job("candidate"), theirs)
            await judge.child.send(self._test())
            report = await judge.child.receive()
            judge.finished = report is not None
            if report is None:
                return await _ended(judge.child, otherwise="harness_error")
        if report == GONE:
            return await _ended(self._candidate, otherwise="exception")
        return _judged(report)

    async def weak(self) -> Verdict:
        child = self._candidate = await self._start(self._job("together", self._test()))
        report = await child.receive()
        return await _ended(child, otherwise="exception") if report is None else _judged(report)

    async def end(self) -> str:
        """End the program's process; the last that it printed."""
        if self._candidate is None:
            return ""
        self._candidate.kill()
        return (await self._candidate.wait()).stdout

    def _job(self, role: str, payload: bytes = b"") -> Job:
        modules = self._problem.modules
        return Job(role=role, payload=payload, modules=modules, limits=self._limits)

    def _test(self) -> bytes:
        problem = self._problem
        test = {
            "names": problem.entry_points,
            "setup": problem.setup,
            "tests": problem.tests,
            "prelude": problem.prelude,
            "program": self._solution,
            "as_text": problem.as_text,
        }
        return json.dumps(test).encode("ascii")


async def _ended(child: Child, *, otherwise: Outcome) -> Verdict:
    """The verdict where a process ended before it had one to give."""
    exit = await child.wait()
    return Verdict(outcome=_LIMITS.get(exit.kind, otherwise), message=_how(exit))


def _judged(frame: bytes) -> Verdict:
    """The verdict that a report of a judge stands for."""
    try:
        report = Report.from_json(json.loads(frame))
    except (CodecError, ValueError, RecursionError):
        return Verdict(outcome="harness_error", message="the judge sent no verdict")
    return Verdict(
        outcome=report.verdict(),
        exception=report.type,
        message=report.message,
        line=report.line,
        assertion=report.assertion,
        input=report.input,
        expected=report.expected,
        got=report.got,
    )


def _how(exit: Exit) -> str:
    if exit.signal is not None:
        return f"its process was ended: {exit.kind}, signal {exit.signal}"
    return f"its process ended: {exit.kind}, status {exit.code}"
