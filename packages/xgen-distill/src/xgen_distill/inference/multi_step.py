"""Step after step: run the program, tell the student its first failing test, let it rectify.

PERsD's inference (Chen et al. 2023) with two things put right: only shown tests are told, where the
release tells MBPP's scoring ones, and a task without shown tests keeps its program, where the
release has a broken check fail it. Prompts are those of the training rows, by `Template`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from xgen_distill.attempt import Attempt
from xgen_distill.examiner import Examiner
from xgen_distill.feedback import feedback_of
from xgen_distill.inference.step import Solved, Step, Told, Trajectory
from xgen_distill.student import Student
from xgen_distill.task import Task
from xgen_distill.unit_test import UnitTest
from xgen_eval.execution import Verdict

__all__ = ["MultiStep"]

T = TypeVar("T")

_CORRECT = re.compile(
    r"\b(?:code|program|function|solution) is (?:already )?correct\b", re.IGNORECASE
)
"""What a student says that sees no mistake."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiStep:
    """Solves tasks in several steps.

    Attributes:
        student: with the sampling of every step.
        examiner: runs programs.
        steps: in all; 1 is the first attempt alone.
        told: by whose failures programs are rectified.
    """

    student: Student
    examiner: Examiner
    steps: int = 2
    told: Told = "shown"

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"at least one step is taken, got {self.steps}")

    async def solve(self, task: Task) -> Solved:
        """All samples of a task, each through all steps.

        Raises:
            ModelError: the model did not answer.
        """
        samples = range(self.student.sampling.samples)
        attempts = await _all([self.student.attempt(task, sample=i) for i in samples])
        rows = [[_first(attempt)] for attempt in attempts]
        for _ in range(1, self.steps):
            tests = task.shown if self.told == "shown" else task.deciding
            programs = [row[-1].program for row in rows]
            verdicts = await self._verdicts(task, programs, tests) if tests else {}
            steps = await _all(
                [
                    self._next(task, row[-1], i, verdicts.get(row[-1].program), bool(tests))
                    for i, row in enumerate(rows)
                ]
            )
            for row, step in zip(rows, steps, strict=True):
                row.append(step)
        programs = [step.program for row in rows for step in row]
        scores = await self._verdicts(task, programs, task.deciding)
        return Solved(
            task=task.id,
            told=self.told,
            samples=tuple(
                Trajectory(steps=tuple(_scored(step, scores) for step in row)) for row in rows
            ),
        )

    async def _verdicts(
        self, task: Task, programs: Iterable[str], tests: Sequence[UnitTest]
    ) -> dict[str, Verdict]:
        """By program; samples are often the same."""
        different = list(dict.fromkeys(program for program in programs if program))
        found = await _all([self.examiner.examine(task, program, tests) for program in different])
        return dict(zip(different, found, strict=True))

    async def _next(
        self, task: Task, last: Step, sample: int, verdict: Verdict | None, tested: bool
    ) -> Step:
        if not last.program:
            return Step(how="kept", reason=last.reason)
        if verdict is None or verdict.passed or verdict.outcome == "harness_error":
            reason = "no verdict" if tested else "no shown tests"
            passes = verdict is not None and verdict.passed
            return Step(how="carried", reason="passes" if passes else reason, program=last.program)
        told = feedback_of(verdict)
        assert told is not None  # it did not pass
        written = await self.student.refine(task, last.program, told.text, sample=sample)
        reason = "says correct" if _CORRECT.search(written.completion) else written.reason
        step = replace(_first(written), how="refined", reason=reason, told=told)
        return replace(step, how="kept", program=last.program) if reason else step


async def _all(works: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """All results, in order; where one fails the others are waited for: they are paid already."""
    found = await asyncio.gather(*works, return_exceptions=True)
    results: list[T] = []
    for result in found:
        if isinstance(result, BaseException):
            raise result
        results.append(result)
    return results


def _first(attempt: Attempt) -> Step:
    return Step(
        how="sampled",
        reason=attempt.reason,
        completion=attempt.completion,
        program=attempt.program,
        prompt_tokens=attempt.prompt_tokens,
        completion_tokens=attempt.completion_tokens,
    )


def _scored(step: Step, verdicts: dict[str, Verdict]) -> Step:
    verdict = verdicts.get(step.program)
    if verdict is None:
        return step
    return replace(step, outcome=verdict.outcome, detail=verdict.detail)
