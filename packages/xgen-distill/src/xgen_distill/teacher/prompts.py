"""What a teacher is asked: to repair a student's attempt, after its error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from xgen_core.records import Message, Record
from xgen_distill.attempt import Attempt
from xgen_distill.task import Task

__all__ = ["PROMPTS", "VARIANTS", "RepairPrompt", "Variant"]

Variant = Literal["v0", "v1", "v2", "nl"]
"""As PERsD's release names its prompts, of which `v1` is the default. `v0`: repair, with no word on
closeness. `v1`: stay close, or rewrite what is hopeless. `v2`: stay close. `nl`: as `v1`, with the
mistakes in words first."""

VARIANTS: tuple[Variant, ...] = get_args(Variant)

_CLOSE_OR_NEW = (
    "If the program is wrong beyond repair, write it anew; otherwise keep as much of it as you "
    "can: its approach, its names, its style."
)
_CLOSE = (
    "Keep as much of the program as you can: its approach, its names, its style. Change only what "
    "is wrong."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairPrompt(Record):
    """How a teacher is asked for a repair. The words are ours; what they ask for is PERsD's.

    Attributes:
        opening: what it is to be.
        rules: of the repair, one a line.
        listed: whether mistakes are named in words before the code.
    """

    opening: str = (
        "You are an expert programmer who helps a learner. A program that was written for the "
        "task below is wrong."
    )
    rules: tuple[str, ...] = ()
    listed: bool = False

    def messages(self, task: Task, attempt: Attempt, *, gold: bool = False) -> tuple[Message, ...]:
        """The conversation that a teacher goes on from.

        Args:
            task: what is to be solved.
            attempt: one that failed.
            gold: put the task's direct solution before it, as the teacher's own answer to the task.
        """
        assert attempt.feedback is not None
        repair = (
            f"{self.opening}\n\n{_task(task)}\n\nINCORRECT PROGRAM:\n```python\n"
            f"{attempt.program.strip()}\n```\n\nERROR:\n{attempt.feedback.text}\n\n{self._asked(task)}"
        )
        if not gold:
            return (Message(role="user", content=repair),)
        return (
            Message(
                role="user",
                content=f"Complete the function.\n\n{_task(task)}\n\n{_FORM.format(_name(task))}",
            ),
            Message(role="assistant", content=f"```python\n{task.gold.strip()}\n```"),
            Message(role="user", content=repair),
        )

    def _asked(self, task: Task) -> str:
        rules = [
            "Work out from the error what is wrong, and repair the logic.",
            *self.rules,
            *(["First list the mistakes, one a line, in words."] if self.listed else []),
            _FORM.format(_name(task)),
        ]
        return "Repair it by these rules:\n" + "\n".join(f"- {rule}" for rule in rules)


_FORM = (
    "Write the whole function once, with its header as given, in one block fenced by ```python and "
    "```; imports that it needs stand in the block before it. No other function than {}, no tests, "
    "no examples."
)


def _name(task: Task) -> str:
    return f"`{task.entry_point}`"


def _task(task: Task) -> str:
    return f"TASK:\n{task.instruction.strip()}\n\nHEADER:\n{task.header.strip()}"


PROMPTS: Mapping[Variant, RepairPrompt] = {
    "v0": RepairPrompt(),
    "v1": RepairPrompt(rules=(_CLOSE_OR_NEW,)),
    "v2": RepairPrompt(rules=(_CLOSE,)),
    "nl": RepairPrompt(rules=(_CLOSE_OR_NEW,), listed=True),
}
