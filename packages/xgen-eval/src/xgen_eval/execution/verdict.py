"""What became of one program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from xgen_core.records import Record

__all__ = ["OUTCOMES", "Outcome", "Report", "Verdict"]

Outcome = Literal[
    "passed",
    "assertion",
    "exception",
    "syntax",
    "timeout",
    "memory",
    "output",
    "denied",
    "harness_error",
]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)

_RAISED: Mapping[str, Outcome] = {"MemoryError": "memory", "PermissionError": "denied"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Report(Record):
    """What a sandboxed process says of its run; from the candidate's, a word and no more.

    Attributes:
        outcome: `"load"`, the program did not load; `"test"`, the test itself is broken; the rest
            as in `Verdict`.
        stage: `"syntax"` where nothing was run.
        type, base: of the exception, and the built-in class that it is or derives from.
        message, line, assertion, input, expected, got: as in `Verdict`.
    """

    outcome: Literal["passed", "assertion", "exception", "output", "load", "test"]
    stage: str = ""
    type: str = ""
    base: str = ""
    message: str = ""
    line: int | None = None
    assertion: str = ""
    input: str = ""
    expected: str = ""
    got: str = ""

    def verdict(self) -> Outcome:
        """The outcome that the report stands for."""
        if self.outcome in ("passed", "assertion", "output"):
            return self.outcome
        if self.outcome == "test":
            return "harness_error"
        if self.outcome == "load" and self.stage == "syntax":
            return "syntax"
        return _RAISED.get(self.base, "exception")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict(Record):
    """What became of one program.

    Attributes:
        outcome: `"passed"`; `"assertion"`, a test was not met; `"exception"`, one that the program
            raised, or the test over its answer; `"syntax"`, it does not compile; `"timeout"`, of
            processor or wall-clock time; `"memory"`; `"output"`, it said too much; `"denied"`, it
            wanted what the sandbox forbids; `"harness_error"`, no fault of the program's: the test
            itself is broken, or one of our processes ended.
        strict: whether the program was kept away from its verdict.
        exception: name of its type.
        message: of the exception, or what went wrong.
        line: of the program, where the exception came from there.
        assertion: the line of the test that failed.
        input, expected, got: of the latest call, where the failed test shows them.
        seconds: wall-clock time from start to verdict.
        stdout: the last that the program printed.
    """

    outcome: Outcome
    strict: bool = True
    exception: str = ""
    message: str = ""
    line: int | None = None
    assertion: str = ""
    input: str = ""
    expected: str = ""
    got: str = ""
    seconds: float = 0.0
    stdout: str = ""

    @property
    def passed(self) -> bool:
        """Whether every test was met."""
        return self.outcome == "passed"

    @property
    def detail(self) -> str:
        """What went wrong in one line; empty for a program that passed."""
        what = ": ".join(text for text in (self.exception, self.message or self.assertion) if text)
        where = "" if self.line is None else f" (line {self.line})"
        return " ".join(f"{what}{where}".split())
