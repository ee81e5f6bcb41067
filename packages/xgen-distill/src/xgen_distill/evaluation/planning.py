"""A dry run: what an evaluation would ask if every program failed, without asking it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from xgen_core import open_model
from xgen_core.concurrency import gather
from xgen_core.lm import CallStore, PlannedModel, planned
from xgen_core.progress import Progress
from xgen_distill.evaluation.plan import EvaluationPlan, variants
from xgen_distill.inference.step import Solved, Told
from xgen_distill.items import read_rows
from xgen_distill.planning import SUPPOSED_ERROR
from xgen_distill.student import Student
from xgen_distill.task import Task
from xgen_distill.templates import solution

__all__ = ["plan_evaluation"]


async def plan_evaluation(
    plan: EvaluationPlan, tasks: Sequence[Task], *, output: Path | str
) -> PlannedModel:
    """Count what `evaluate_student` would ask.

    Tasks that the run directory has samples of are done. Of the others it is supposed that every
    sample is as long as it may get and fails at every step; tasks without shown tests are not
    rectified but by the oracle. No program is run.

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
        for name, setting, told in variants(plan):
            student = Student(
                model=model,
                template=plan.template,
                sampling=setting.sampling,
                seed=plan.seed,
                chat=plan.chat,
            )
            done = {one.task for one in read_rows(Path(output), name, Solved)[0]}
            left = [task for task in tasks if task.id not in done]
            await _suppose(name, student, left, plan.steps, told)
    finally:
        if store is not None:
            store.close()
    return model


async def _suppose(
    name: str, student: Student, tasks: Sequence[Task], steps: int, told: Told
) -> None:
    async def work(task: Task) -> None:
        further = steps - 1 if told == "oracle" or task.shown else 0
        for sample in range(student.sampling.samples):
            written = await student.attempt(task, sample=sample)
            for step in range(further):
                # another text each time, or equal requests would count as one
                program = f"{solution(task, written.completion)}# {name} {step}\n"
                written = await student.refine(task, program, SUPPOSED_ERROR.text, sample=sample)

    with Progress(f"plan {name}", len(tasks)) as progress:
        await gather(tasks, work, progress=progress)
