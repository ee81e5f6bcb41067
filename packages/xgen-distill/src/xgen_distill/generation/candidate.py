"""A task that a teacher made up: what it asks, the teacher's solution, and why it was not kept."""

from __future__ import annotations

from dataclasses import dataclass

from xgen_core.records import Record
from xgen_distill.task import Task
from xgen_distill.unit_test import UnitTest

__all__ = ["Candidate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate(Record):
    """A task on its way.

    Attributes:
        id: other than every other's: `self-instruct/CALL-ITEM`, or its parent's with the round
            behind it.
        method: `"self-instruct"`, or the operation by which its parent was rewritten.
        round: of rewriting; 0 for what was not rewritten.
        parents: ids of the tasks it comes from, the earliest first.
        instruction: what is asked; empty where nothing could be read.
        entry_point, header, prelude, gold: the teacher's solution; empty where there is none.
        reason: why it was left out; empty where it was not.
        like: the id of what it resembles, where that is the reason.
        similarity: to that.
        prompt_tokens, completion_tokens: of requests that were about it alone.
        calls: answers to them.
    """

    id: str
    method: str
    round: int = 0
    parents: tuple[str, ...] = ()
    instruction: str = ""
    entry_point: str = ""
    header: str = ""
    prelude: str = ""
    gold: str = ""
    reason: str = ""
    like: str = ""
    similarity: float | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    calls: int = 0

    def task(self, shown: tuple[UnitTest, ...] = (), hidden: tuple[UnitTest, ...] = ()) -> Task:
        """The task, with tests.

        Raises:
            ValueError: it has no solution.
        """
        return Task(
            id=self.id,
            instruction=self.instruction,
            entry_point=self.entry_point,
            header=self.header,
            shown=shown,
            hidden=hidden,
            gold=self.gold,
            prelude=self.prelude,
            origin="evol-instruct" if self.round else "self-instruct",
        )
