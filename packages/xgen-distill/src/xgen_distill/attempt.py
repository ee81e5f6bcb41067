"""What a student wrote for a task, and what a teacher made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from xgen_core.records import Record
from xgen_distill.feedback import Feedback
from xgen_eval.execution import Verdict

__all__ = ["Attempt", "Refinement"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt(Record):
    """One program by the student.

    Attributes:
        task: the task's id.
        round: of the loop, from 1; the student of round 2 is the one tuned after round 1.
        sample: its number among those of the task and round, from 0.
        completion: as the student wrote it.
        program: as it was run; empty where nothing could be.
        verdict: by the tests that the loop may tell of.
        feedback: None where it passed.
        reason: why it goes no further without being run: `"empty"`, `"no function"`, ….
        prompt_tokens, completion_tokens: as the model counts them, 0 where it does not.
    """

    task: str
    round: int = 1
    sample: int = 0
    completion: str
    program: str = ""
    verdict: Verdict | None = None
    feedback: Feedback | None = None
    reason: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0

    @property
    def id(self) -> str:
        """`TASK/ROUND/SAMPLE`."""
        return f"{self.task}/{self.round}/{self.sample}"

    @property
    def failed(self) -> bool:
        """Whether it ran and did not pass: what a teacher may repair."""
        return self.feedback is not None

    @property
    def passed(self) -> bool:
        """Whether it ran and passed."""
        return self.verdict is not None and self.verdict.passed and self.feedback is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refinement(Record):
    """What a teacher made of one attempt.

    Attributes:
        attempt: the attempt's id.
        sample: its number, from 0.
        reply: as the teacher wrote it.
        program: read out of the reply; empty where there is none.
        verdict: by all tests of the task; None where it was not run.
        reason: why it is not taken: `"no code"`, `"several functions"`, `"other signature"`,
            `"fails"`, …; empty where it is.
        similarity: to the attempt, 0 to 1, by measure.
        chosen: whether it is the one that is learnt from: of those that pass the one closest to the
            attempt.
        prompt_tokens, completion_tokens: as the model counts them, 0 where it does not.
    """

    attempt: str
    sample: int = 0
    reply: str
    program: str = ""
    verdict: Verdict | None = None
    reason: str = ""
    similarity: Mapping[str, float] = field(default_factory=dict[str, float])
    chosen: bool = False
    prompt_tokens: int = 0
    completion_tokens: int = 0

    @property
    def id(self) -> str:
        """`TASK/ROUND/SAMPLE/REFINEMENT`."""
        return f"{self.attempt}/{self.sample}"
