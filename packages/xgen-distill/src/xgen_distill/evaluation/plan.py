"""How a student is evaluated, and what the figures then rest on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xgen_core import ModelInfo
from xgen_core.recipe import fingerprint
from xgen_core.records import Record
from xgen_distill.inference.setting import Setting
from xgen_distill.inference.step import Told
from xgen_distill.task import Task
from xgen_distill.templates import Template
from xgen_eval.execution import Limits
from xgen_eval.inputs import DataFile

__all__ = ["EvaluationPlan", "EvaluationRecipe", "variants"]

_TEMPLATE = Template()
_LIMITS = Limits(wall_seconds=10.0, cpu_seconds=11)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationPlan(Record):
    """How a student is evaluated.

    Attributes:
        student: its URI.
        settings: how it is sampled; with different names.
        steps: in all.
        oracle: take the steps after the first a second time, told of the scoring tests.
        template: of its prompts; that of its training.
        limits: of each program.
        chat: send prompts as a user's message.
        seed: of every request.
    """

    student: str
    settings: tuple[Setting, ...]
    steps: int = 2
    oracle: bool = False
    template: Template = _TEMPLATE
    limits: Limits = _LIMITS
    chat: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        names = [setting.name for setting in self.settings]
        if not names or len(set(names)) != len(names) or self.steps < 1:
            raise ValueError(f"expected settings of different names and a step, got {names}")


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRecipe(Record):
    """What an evaluation rests on, as `run.json` says it; how many tasks are taken is no part."""

    files: tuple[DataFile, ...]
    tasks: str
    student: ModelInfo
    settings: tuple[Setting, ...]
    steps: int
    oracle: bool
    template: Template
    limits: Limits
    chat: bool
    seed: int

    @classmethod
    def of(
        cls,
        plan: EvaluationPlan,
        tasks: Sequence[Task],
        *,
        files: Sequence[DataFile],
        student: ModelInfo,
    ) -> EvaluationRecipe:
        """What a plan comes to, once model and tasks are known."""
        return cls(
            files=tuple(files),
            tasks="" if files else fingerprint(tasks),
            student=student,
            settings=plan.settings,
            steps=plan.steps,
            oracle=plan.oracle,
            template=plan.template,
            limits=plan.limits,
            chat=plan.chat,
            seed=plan.seed,
        )


def variants(plan: EvaluationPlan) -> list[tuple[str, Setting, Told]]:
    """Everything that is sampled: a name, how, and by whose failures it goes on."""
    told: tuple[Told, ...] = ("shown", "oracle") if plan.oracle and plan.steps > 1 else ("shown",)
    return [
        (setting.name if which == "shown" else f"{setting.name}-{which}", setting, which)
        for setting in plan.settings
        for which in told
    ]
