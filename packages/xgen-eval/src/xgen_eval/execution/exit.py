"""How a child ended."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from typing import Literal

from xgen_core.records import Record
from xgen_eval.execution.inside.endings import DENIED, MEMORY
from xgen_eval.execution.limits import Limits

__all__ = ["Ending", "Exit"]

Ending = Literal[
    "exited", "signal", "wall_time", "cpu_time", "memory", "output", "denied", "killed"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit(Record):
    """How a child ended. None of it is evidence that its code was right: it chose its own code.

    Attributes:
        kind: `"exited"` by itself with `code`; by a `"signal"`; a limit it ran into: `"wall_time"`,
            `"cpu_time"`, `"memory"`, `"output"` (too much written, or a frame too long);
            `"denied"` where it ended over a `PermissionError`, which is how a system call that the
            sandbox forbids is seen inside, or by the kernel for a foreign kind of system call;
            `"killed"` by `Child.kill`. For `"memory"` and `"denied"` the exit code is the child's
            own word, which can only choose between ways to fail.
        code: exit code, where it exited.
        signal: signal number, where one ended it.
        stdout, stderr: the last of what it wrote, undecodable bytes replaced.
        cpu_seconds: user and system time.
        peak_bytes: largest resident size; shared pages of the interpreter count.
    """

    kind: Ending
    code: int | None
    signal: int | None
    stdout: str
    stderr: str
    cpu_seconds: float
    peak_bytes: int

    @classmethod
    def of(
        cls,
        status: int,
        *,
        ended: Ending | None,
        limits: Limits,
        cpu_seconds: float,
        peak_bytes: int,
        stdout: str,
        stderr: str,
    ) -> Exit:
        """Read a wait status; `ended` says what the parent has ended it for, or found, if anything.

        A child may end by itself while it is being killed; only too much output counts even then.
        """
        code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else None
        number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
        return cls(
            kind=ended
            if ended and (number == signal.SIGKILL or ended == "output")
            else _kind(code, number, limits, cpu_seconds),
            code=code,
            signal=number,
            stdout=stdout,
            stderr=stderr,
            cpu_seconds=cpu_seconds,
            peak_bytes=peak_bytes,
        )


def _kind(code: int | None, number: int | None, limits: Limits, cpu_seconds: float) -> Ending:
    if code is not None:
        return "memory" if code == MEMORY else "denied" if code == DENIED else "exited"
    if number == signal.SIGXCPU:
        return "cpu_time"
    if number == signal.SIGSYS:
        return "denied"
    if number == signal.SIGKILL:  # not by us: the hard limit of processor time, or the OOM killer
        return "cpu_time" if cpu_seconds > limits.cpu_seconds - 0.1 else "memory"
    return "signal"
