"""How a loop is to be carried out, as a person says it: models, sampling and switches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from xgen_core.records import Record
from xgen_distill.similarity import Measure
from xgen_distill.teacher.prompts import Variant
from xgen_distill.templates import Template
from xgen_eval.execution import Limits

__all__ = ["TOLD", "Configuration", "Retried", "Sampling", "Told"]

Told = Literal["shown", "all"]
"""Whose failures are told: the shown tests' alone, or all tests', as PERsD trained."""

TOLD: tuple[Told, ...] = get_args(Told)

Retried = Literal["all", "failed"]
"""Which tasks a later round tries again: all of them, or those that no earlier attempt solved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling(Record):
    """How a model is sampled.

    Attributes:
        samples: of each prompt.
        temperature: 0 is greedy.
        top_p: share of the probability that is sampled from.
        max_tokens: of each answer.
    """

    samples: int = 1
    temperature: float = 0.3
    top_p: float = 0.95
    max_tokens: int = 1024

    def __post_init__(self) -> None:
        if self.samples < 1 or self.max_tokens < 1:
            raise ValueError(f"samples and max_tokens must be at least 1, got {self}")
        if self.temperature < 0 or not 0 < self.top_p <= 1:
            raise ValueError(f"temperature is 0 or more and top_p lies in (0, 1], got {self}")


_TEACHER = Sampling(temperature=1.0, top_p=1.0)
_TEMPLATE = Template()
_LIMITS = Limits(wall_seconds=10.0, cpu_seconds=11)


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration(Record):
    """Everything that decides what a loop finds.

    Attributes:
        student, teacher: their URIs.
        attempts: how the student is sampled; the default is PERsD's.
        refinements: how the teacher is; the default is its API's, which PERsD left as it was.
        template: how tasks are put to the student.
        variant: of the teacher's prompt.
        gold_in_context: whether the teacher reads its own direct solution first, as PERsD's did.
        told: whose failures are told.
        closest: by what the refinement is chosen of several that pass.
        limits: of each program.
        student_chat: send the student its prompts as a user's message.
        round: of the loop, from 1.
        retried: which tasks a later round tries again.
        seed: of every request.
    """

    student: str
    teacher: str
    attempts: Sampling = Sampling()
    refinements: Sampling = _TEACHER
    template: Template = _TEMPLATE
    variant: Variant = "v1"
    gold_in_context: bool = False
    told: Told = "shown"
    closest: Measure = "tokens"
    limits: Limits = _LIMITS
    student_chat: bool = False
    round: int = 1
    retried: Retried = "all"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.round < 1:
            raise ValueError(f"rounds are counted from 1, got {self.round}")
