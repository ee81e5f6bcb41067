"""A question of a run, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass

from xgen_core.concurrency import Failure
from xgen_reason.question import Question
from xgen_reason.result import Result

__all__ = ["Outcome"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One question with its result.

    Attributes:
        question: that was asked.
        result: what the method did, or why there is nothing.
    """

    question: Question
    result: Result | Failure
