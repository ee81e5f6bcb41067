"""What a run's findings rest on, as `run.json` says it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xgen_core import ModelInfo
from xgen_core.recipe import fingerprint
from xgen_core.records import Record
from xgen_distill.configuration import Configuration, Retried, Sampling, Told
from xgen_distill.items import Earlier
from xgen_distill.similarity import Measure
from xgen_distill.task import Task
from xgen_distill.teacher.prompts import PROMPTS, RepairPrompt
from xgen_distill.templates import Template
from xgen_eval.execution import Limits
from xgen_eval.inputs import DataFile

__all__ = ["KIND", "RunRecipe"]

KIND = "distill"
"""Of a run directory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecipe(Record):
    """What a run's findings rest on; a run is taken up only with the same.

    How many tasks of a file are taken is no part of it: a run goes on with a higher limit. Nor is
    how its sets are built, which is done anew each time.

    Attributes:
        files: with the tasks.
        tasks: fingerprint of the tasks, where they are of no file.
        student, teacher: who is asked.
        earlier: fingerprint of the rounds before.
        prompt: of the teacher.
        others: as in `Configuration`.
    """

    files: tuple[DataFile, ...]
    tasks: str
    student: ModelInfo
    teacher: ModelInfo
    round: int
    retried: Retried
    earlier: str
    attempts: Sampling
    refinements: Sampling
    template: Template
    prompt: RepairPrompt
    gold_in_context: bool
    told: Told
    closest: Measure
    limits: Limits
    student_chat: bool
    seed: int

    @classmethod
    def of(
        cls,
        configuration: Configuration,
        tasks: Sequence[Task],
        *,
        files: Sequence[DataFile],
        earlier: Earlier,
        student: ModelInfo,
        teacher: ModelInfo,
    ) -> RunRecipe:
        """What a configuration comes to, once models, tasks and earlier rounds are known."""
        of = configuration
        return cls(
            files=tuple(files),
            tasks="" if files else fingerprint(tasks),
            student=student,
            teacher=teacher,
            round=of.round,
            retried=of.retried,
            earlier=earlier.fingerprint,
            attempts=of.attempts,
            refinements=of.refinements,
            template=of.template,
            prompt=PROMPTS[of.variant],
            gold_in_context=of.gold_in_context,
            told=of.told,
            closest=of.closest,
            limits=of.limits,
            student_chat=of.student_chat,
            seed=of.seed,
        )
