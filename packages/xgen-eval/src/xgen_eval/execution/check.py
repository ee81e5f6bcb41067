"""Whether a program is right, decided where the program cannot reach.

Candidate and judge are two sandboxed processes. The judge runs the test; a name under test is a
stand-in there that sends its arguments to the candidate's process and gives back the value that
comes. The harness carries frames between the two, reads none of the candidate's, and believes the
judge alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import replace

from xgen_core import CodecError
from xgen_eval.execution.child import Child
from xgen_eval.execution.exit import Exit
from xgen_eval.execution.job import Job
from xgen_eval.execution.limits import Limits
from xgen_eval.execution.problem import Problem
from xgen_eval.execution.sandbox import Sandbox, Slots
from xgen_eval.execution.verdict import Outcome, Report, Verdict

__all__ = ["check", "sandbox_for"]

_LIMITS: Mapping[str, Outcome] = {
    "wall_time": "timeout",
    "cpu_time": "timeout",
    "memory": "memory",
    "output": "output",
    "denied": "denied",
}
_TAIL = 2000


@contextlib.asynccontextmanager
async def sandbox_for(
    problems: Sequence[Problem], *, workers: int | None = None, allow_weak: bool = False
) -> AsyncGenerator[Sandbox]:
    """A sandbox in which programs for these problems can be judged.

    Args:
        problems: they say which modules are needed.
        workers: programs at once, each in two processes; None for one a processor.
        allow_weak: see `Sandbox`.

    Raises:
        InputError: a module is not installed.
        WeakSandboxError: the sandbox is not strict, and `allow_weak` is not given.
        SandboxError: it could not be started.
    """
    needs = sorted({problem.modules for problem in problems})
    modules = sorted({name for names in needs for name in names})
    count = workers or os.cpu_count() or 1
    async with Sandbox(modules=modules, processes=2 * count, allow_weak=allow_weak) as sandbox:
        for names in needs:  # what is missing is said now, not by every problem that needs it
            await (await sandbox.start(Job(role="script", payload=b"", modules=names))).wait()
        yield sandbox


async def check(
    sandbox: Sandbox, problem: Problem, solution: str, *, limits: Limits | None = None
) -> Verdict:
    """Decide whether a program solves a problem.

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
    allowed = limits or Limits()
    async with sandbox.slots(1 if problem.weak else 2) as slots:
        run = _Run(slots, problem, solution, allowed)
        begun = time.monotonic()
        try:
            async with asyncio.timeout(allowed.wall_seconds):
                verdict = await (run.weak() if problem.weak else run.strict())
        except TimeoutError:
            seconds = f"{allowed.wall_seconds:g} seconds"
            verdict = Verdict(outcome="timeout", message=f"no verdict within {seconds}")
        took = round(time.monotonic() - begun, 4)
        stdout = await run.end()
    return replace(verdict, strict=not problem.weak, seconds=took, stdout=stdout[-_TAIL:])


class _Run:
    """The processes of one check."""

    def __init__(self, slots: Slots, problem: Problem, solution: str, limits: Limits) -> None:
        self._slots = slots
        self._problem = problem
        self._solution = solution
        self._limits = limits
        self._children: list[Child] = []  # the one that runs the program comes first

    async def strict(self) -> Verdict:
        candidate = await self._start("candidate", self._program())
        loaded = await candidate.receive()
        if loaded is None:
            return await self._ended(candidate)
        report = _parsed(loaded)
        if report is None or report.outcome not in ("passed", "load"):
            return Verdict(outcome="exception", message="the program broke its own process")
        if report.outcome == "load":
            return _verdict(report)
        judge = await self._start("judge", {**self._test(), "program": None, "prelude": ""})
        while (frame := await judge.receive()) is not None:
            if frame[:1] != b"C":
                return self._judged(frame)
            await candidate.send(frame[1:])
            answer = await candidate.receive()
            if answer is None:
                return await self._ended(candidate)
            await judge.send(answer)
        return await self._ended(judge)

    async def weak(self) -> Verdict:
        child = await self._start("judge", {**self._test(), **self._program()})
        frame = await child.receive()
        return await self._ended(child) if frame is None else self._judged(frame)

    async def end(self) -> str:
        """End all processes; the last that the program printed."""
        for child in self._children:
            child.kill()
        exits = [await child.wait() for child in self._children]
        return exits[0].stdout if exits else ""

    async def _start(self, role: str, payload: Mapping[str, object]) -> Child:
        data = json.dumps(payload).encode("ascii")
        modules = self._problem.modules
        job = Job(role=role, payload=data, modules=modules, limits=self._limits)
        child = await self._slots.start(job)
        self._children.append(child)
        return child

    def _program(self) -> dict[str, object]:
        problem = self._problem
        return {
            "prelude": problem.prelude,
            "program": self._solution,
            "as_text": problem.as_text,
        }

    def _test(self) -> dict[str, object]:
        problem = self._problem
        return {
            "setup": problem.setup,
            "tests": problem.tests,
            "names": problem.entry_points,
        }

    def _judged(self, frame: bytes) -> Verdict:
        report = _parsed(frame[1:])
        if report is None:
            return Verdict(outcome="harness_error", message="the judge sent no verdict")
        return _verdict(report)

    async def _ended(self, child: Child) -> Verdict:
        """The verdict where a process ended before it had one to give."""
        exit = await child.wait()
        outcome = _LIMITS.get(exit.kind)
        if outcome is None:
            ours = child is not self._children[0]
            outcome = "harness_error" if ours else "exception"
        return Verdict(outcome=outcome, message=_how(exit))


def _parsed(frame: bytes) -> Report | None:
    try:
        return Report.from_json(json.loads(frame))
    except (CodecError, ValueError, RecursionError):
        return None


def _verdict(report: Report) -> Verdict:
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
