"""What a method is, and how one is found by name."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from xgen_reason.question import Question
from xgen_reason.result import Result
from xgen_reason.tools import Tools

__all__ = ["Method"]


@runtime_checkable
class Method(Protocol):
    """A way of answering a question; a frozen dataclass, its settings the fields."""

    @property
    def name(self) -> str:
        """On the command line and in results."""
        ...

    @property
    def needs_sources(self) -> bool:
        """Whether it can do nothing without knowledge."""
        ...

    async def solve(self, question: Question, tools: Tools) -> Result:
        """Answer.

        Raises:
            InputError: the prompts or sources it needs are not there.
            ModelError: the model failed.
        """
        ...
