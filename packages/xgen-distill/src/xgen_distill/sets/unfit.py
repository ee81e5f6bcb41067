"""Why a program cannot become a row."""

from __future__ import annotations

from typing import Literal

__all__ = ["REASONS", "Reason", "Unfit"]

Reason = Literal[
    "no direct solution",
    "empty",
    "does not compile",
    "no function",
    "several functions",
    "other signature",
    "decorated",
    "class definition",
    "module-level code",
    "import of everything",
    "global statement",
    "name conflict",
    "undefined name",
    "no body",
    "fails as trained",
    "not judged",
    "no direct solution as trained",
    "in a benchmark",
]

REASONS: dict[Reason, str] = {
    "no direct solution": "the task has none",
    "empty": "there is no program",
    "does not compile": "neither as a program nor as a body under the header",
    "no function": "it defines none of the task's name",
    "several functions": "one of them is not used by the solution, or it is defined twice",
    "other signature": "number or kind of its parameters is not the header's",
    "decorated": "a body cannot carry a decorator",
    "class definition": "at the top level",
    "module-level code": "it does something before the function is there",
    "import of everything": "`from … import *` cannot stand in a body",
    "global statement": "it keeps its state outside the function",
    "name conflict": "the header's names mean something else in it",
    "undefined name": "it uses one that nothing defines",
    "no body": "nothing but a docstring",
    "fails as trained": "header and completion together fail a test of the task",
    "not judged": "the sandbox or a test failed, which says nothing of the program",
    "no direct solution as trained": "left out so that InpD and PERsD have the same tasks",
    "in a benchmark": "what is learnt from has the solution to a task that will be asked",
}
"""What each reason says."""


class Unfit(Exception):  # noqa: N818 - an answer, caught by the builder
    """A program that cannot become a row.

    Attributes:
        reason: which of `REASONS`.
        detail: what in this program; may be empty.
    """

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason: Reason = reason
        self.detail = detail
