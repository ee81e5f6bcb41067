"""What became of a sample, step by step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from xgen_core.records import Record
from xgen_distill.feedback import Feedback
from xgen_eval.execution import Outcome

__all__ = ["Solved", "Step", "Told", "Trajectory"]

Told = Literal["shown", "oracle"]
"""By whose failures a program is rectified: the shown tests', or the scoring tests' themselves. The
second leaks what is to be measured, and is there for comparison with figures that do so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step(Record):
    """One sample after one step.

    Attributes:
        how: `"sampled"`, the first attempt; `"refined"`, rectified; `"carried"`, taken over because
            nothing is known against it; `"kept"`, taken over though something is.
        reason: why it was carried: `"passes"`, `"no shown tests"`, `"no verdict"`; or kept:
            `"says correct"`, `"empty"`, `"no function"`, …. Of a first attempt why it is none.
        told: what the student was told of the program before.
        completion: as the student wrote it; empty where it was not asked.
        program: as it is scored; empty where there is none.
        outcome: by the tests that decide; None without a program.
        detail: what went wrong by them, for people: no student is told.
        prompt_tokens, completion_tokens: of the request, where there was one.
    """

    how: Literal["sampled", "refined", "carried", "kept"]
    reason: str = ""
    told: Feedback | None = None
    completion: str = ""
    program: str = ""
    outcome: Outcome | None = None
    detail: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0

    @property
    def passed(self) -> bool:
        """Whether it solves the task."""
        return self.outcome == "passed"

    @property
    def counts(self) -> bool:
        """Whether it is right or wrong; a failure of the sandbox is neither."""
        return self.outcome != "harness_error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trajectory(Record):
    """One sample.

    Attributes:
        steps: the first attempt, then what became of it.
    """

    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Solved(Record):
    """All samples of one task.

    Attributes:
        task: its id.
        told: by whose failures steps after the first were taken.
        samples: in order.
    """

    task: str
    told: Told
    samples: tuple[Trajectory, ...]

    def at(self, step: int) -> tuple[Step, ...]:
        """All samples after a step, from 1."""
        return tuple(sample.steps[step - 1] for sample in self.samples)
