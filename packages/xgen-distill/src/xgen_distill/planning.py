"""A dry run: what a round would ask if every attempt failed, without asking it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from xgen_core import open_model
from xgen_core.concurrency import gather
from xgen_core.lm import CallStore, PlannedModel, planned
from xgen_core.progress import Progress
from xgen_distill.attempt import Attempt
from xgen_distill.configuration import Configuration
from xgen_distill.feedback import Feedback
from xgen_distill.items import Earlier, RunItems, read_items
from xgen_distill.stages import tried_tasks
from xgen_distill.student import Student
from xgen_distill.task import Task
from xgen_distill.teacher.teacher import Teacher
from xgen_distill.templates import solution

__all__ = ["SUPPOSED_ERROR", "plan_loop"]

_WORD = 12
"""Characters of a word in a supposed error; the longest that is told has 50 words each."""

SUPPOSED_ERROR = Feedback(
    outcome="assertion",
    kind="AssertionError",
    input=" ".join(["x" * _WORD] * 50),
    output=" ".join(["x" * _WORD] * 50),
    expected=" ".join(["x" * _WORD] * 50),
)
"""As long as what is told may be."""


async def plan_loop(
    configuration: Configuration,
    tasks: Sequence[Task],
    *,
    output: Path | str,
    earlier: Earlier | None = None,
) -> tuple[PlannedModel, PlannedModel]:
    """Count what `run_loop` would ask: the student's requests and the teacher's.

    Attempts that the run directory holds count as they came out. Of the others it is supposed that
    each is as long as it may get, and fails. No program is run.

    Args:
        configuration: how it would be carried out.
        tasks: with different ids.
        output: the run directory; what its store knows is not counted.
        earlier: the rounds before.

    Raises:
        PluginError: nobody knows a model's scheme.
    """
    path = Path(output) / "calls.sqlite"
    store = CallStore(path, read_only=True) if path.is_file() else None
    try:
        student = planned(open_model(configuration.student), store)
        teacher = planned(open_model(configuration.teacher), store)
        await _suppose(configuration, tasks, earlier or Earlier(), _there(output), student, teacher)
    finally:
        if store is not None:
            store.close()
    return student, teacher


def _there(output: Path | str) -> RunItems:
    if (Path(output) / "tasks.jsonl").is_file():
        return read_items(output)
    return RunItems(tasks=())


async def _suppose(
    of: Configuration,
    tasks: Sequence[Task],
    earlier: Earlier,
    there: RunItems,
    student: PlannedModel,
    teacher: PlannedModel,
) -> None:
    tries = Student.of(of, student)
    repairs = Teacher.of(of, teacher)
    known = {attempt.id: attempt for attempt in there.attempts}
    left_out = {gold.task for gold in there.golds if gold.reason}

    async def work(task: Task) -> None:
        for sample in range(of.attempts.samples):
            attempt = await tries.attempt(task, round=of.round, sample=sample)
            attempt = known.get(attempt.id) or _failing(task, attempt)
            if attempt.failed:
                for refinement in range(of.refinements.samples):
                    await repairs.refine(task, attempt, sample=refinement)

    usable = [task for task in tried_tasks(tasks, earlier, of.retried) if task.id not in left_out]
    with Progress("plan", len(usable)) as progress:
        await gather(usable, work, progress=progress)


def _failing(task: Task, attempt: Attempt) -> Attempt:
    return Attempt(
        task=task.id,
        round=attempt.round,
        sample=attempt.sample,
        completion=attempt.completion,
        program=solution(task, attempt.completion),
        feedback=SUPPOSED_ERROR,
    )
