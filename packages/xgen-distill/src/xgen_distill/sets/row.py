"""One row of a training set, as it will be trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from xgen_core.records import Example, Message, Record

__all__ = ["SETS", "SUMMARIES", "Row", "SetName", "Source"]

SetName = Literal[
    "stand",
    "inpd",
    "inpd-refine",
    "inpd-combined",
    "persd",
    "persd-refine",
    "persd-combined",
]
"""As Chen et al. 2023 name them. `StanD`: every task, the teacher's own solution. `InpD`: the tasks
that the student failed. `PERsD`: the same tasks, the teacher's repair of the student's attempt.
`-refine`: from attempt and error. `-combined`: both kinds of rows."""

Source = Literal["direct", "repair"]
"""From what a completion is: the teacher's own solution, or its repair of an attempt."""

SETS: tuple[SetName, ...] = get_args(SetName)

SUMMARIES: Mapping[SetName, str] = {
    "stand": "task → direct solution, all tasks",
    "inpd": "task → direct solution, tasks that the student failed and the teacher repaired",
    "inpd-refine": "task, attempt, error → direct solution, the same tasks",
    "inpd-combined": "inpd and inpd-refine",
    "persd": "task → repair, the same tasks",
    "persd-refine": "task, attempt, error → repair, the same tasks",
    "persd-combined": "persd and persd-refine",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row(Record):
    """A prompt and its completion, with what they are made of.

    Attributes:
        id: other than every other row's of its set.
        task: the task's id.
        attempt: id of the student's attempt; empty where there is none in it.
        source: from what the completion is: the teacher's direct solution, or its repair.
        asks: whether the prompt asks for a first attempt, or for a refinement.
        prompt: ends with the header of the function.
        completion: the body.
        program: prompt's header and completion together, which passed all tests of the task.
        repaired: what the builder had to change, in words; empty for nothing.
    """

    id: str
    task: str
    attempt: str = ""
    source: Source
    asks: Literal["attempt", "refinement"]
    prompt: str
    completion: str
    program: str
    repaired: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.prompt.endswith("\n") or not self.completion.strip():
            raise ValueError(f"row {self.id}: expected a prompt that ends a line, and a completion")

    def example(self) -> Example:
        """As `xgen train sft` takes it with the template `raw`: the loss is on the completion."""
        return Example(
            id=self.id,
            messages=(
                Message(role="user", content=self.prompt),
                Message(role="assistant", content=self.completion, trained=True),
            ),
            task=self.asks,
            metadata={
                "distill.task": self.task,
                "distill.attempt": self.attempt,
                "distill.source": self.source,
            },
        )
