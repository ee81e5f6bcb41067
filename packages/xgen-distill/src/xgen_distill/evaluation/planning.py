"""A dry run: what an evaluation would ask if every program failed, without asking it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from xgen_core import open_model
from xgen_core.concurrency import gather
from xgen_core.lm import CallStore, PlannedModel, planned
from xgen_core.progress import Progress
from xgen_distill.evaluation.run import EvaluationPlan, variants
from xgen_distill.planning import SUPPOSED_ERROR
from xgen_distill.student import Student
from xgen_distill.task import Task
from xgen_distill.templates import solution

__all__ = ["plan_evaluation"]


async def plan_evaluation(
    plan: EvaluationPlan, tasks: Sequence[Task], *, output: Path | str
) -> PlannedModel:
    """Count what `evaluate_student` would ask.

    It supposes that every sample is as long as it may get and fails at every step; tasks without
    shown tests are not rectified but by the oracle. No program is run.

    Args:
        plan: how.
        tasks: with different ids.
        output: the run directory; what its store knows is not counted.

    Raises:
        PluginError: nobody knows the model's scheme.
    """
    path = Path(output) / "calls.sqlite"
    store = CallStore(path, read_only=True) if path.is_file() else None
    try:
        model = planned(open_model(plan.student), store)
        with Progress("plan", len(tasks) * len(variants(plan))) as progress:
            for name, setting, told in variants(plan):
                student = Student(
                    model=model,
                    template=plan.template,
                    sampling=setting.sampling,
                    seed=plan.seed,
                    chat=plan.chat,
                )

                async def work(
                    task: Task, student: Student = student, name: str = name, told: str = told
                ) -> None:
                    for sample in range(student.sampling.samples):
                        written = await student.attempt(task, sample=sample)
                        for step in range(1, plan.steps) if told == "oracle" or task.shown else ():
                            # another text each time, or equal requests would count as one
                            program = f"{solution(task, written.completion)}# {name} {step}\n"
                            error = replace(SUPPOSED_ERROR, message=name)
                            written = await student.refine(task, program, error.text, sample=sample)

                await gather(tasks, work, progress=progress)
    finally:
        if store is not None:
            store.close()
    return model
