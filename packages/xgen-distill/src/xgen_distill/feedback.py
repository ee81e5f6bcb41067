"""What a student is told of a program that failed: its first failing test, and no more."""

from __future__ import annotations

from dataclasses import dataclass

from xgen_core.records import Record
from xgen_eval.execution import Outcome, Verdict

__all__ = ["Feedback", "feedback_of"]

_WORDS = 50
"""Longest input, output or expected value that is told, in words, as PERsD's release cuts them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback(Record):
    """The first test that a program failed.

    Attributes:
        outcome: as the sandbox judged it.
        kind: name of the exception, or of what ended the program.
        message: of the exception.
        input, output, expected: of the failing test, where it compares a call with a value.
    """

    outcome: Outcome
    kind: str
    message: str = ""
    input: str = ""
    output: str = ""
    expected: str = ""

    @property
    def text(self) -> str:
        """In the form that a prompt gives."""
        if self.outcome == "assertion" and self.input:
            return (
                f"{self.kind}\nINPUT: {_cut(self.input)}\nOUTPUT: {_cut(self.output)}\n"
                f"EXPECTED: {_cut(self.expected)}"
            )
        return f"{self.kind}: {_cut(self.message)}" if self.message else self.kind


def feedback_of(verdict: Verdict) -> Feedback | None:
    """What a verdict says to the one who wrote the program; None for a program that passed.

    Raises:
        ValueError: the verdict is a failure of the harness, which says nothing of the program.
    """
    if verdict.passed:
        return None
    if verdict.outcome == "harness_error":
        raise ValueError(f"no verdict on the program: {verdict.detail}")
    kind = "AssertionError" if verdict.outcome == "assertion" else verdict.exception
    return Feedback(
        outcome=verdict.outcome,
        kind=kind or verdict.outcome,
        message=verdict.message or verdict.assertion,
        input=verdict.input,
        output=verdict.got,
        expected=verdict.expected,
    )


def _cut(text: str) -> str:
    words = text.split(" ")
    return " ".join(words[:_WORDS]) + (" …" if len(words) > _WORDS else "")
