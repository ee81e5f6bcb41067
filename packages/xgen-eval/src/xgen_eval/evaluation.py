"""Run tasks on a model, and resume where an earlier run stopped.

Every request goes through the call store of the run directory, so a task that is run again (after a
kill, or because its grading changed) asks only for what was never answered.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import cast

from xgen_core import CapabilityError, InputError, Model, ModelError, ScoringModel
from xgen_core.lm import Budget, CallStore, PlannedModel, planned, recorded
from xgen_core.progress import Progress
from xgen_eval.inputs import DataFile, Inputs
from xgen_eval.published.page import published_section
from xgen_eval.results import Results, ResultsDirectory, task_key
from xgen_eval.task import Task

__all__ = ["evaluate", "plan"]

_CALLS = "calls.sqlite"


async def evaluate(
    model: Model,
    tasks: Sequence[Task],
    *,
    output: Path | str,
    documents: Sequence[Path | str] = (),
    seed: int = 0,
    limit: int | None = None,
    max_bytes: int | None = None,
    data: Path | str | None = None,
    concurrency: int = 64,
    allow_failures: int = 0,
    budget: Budget | None = None,
) -> Results:
    """Run tasks in order, and write each result as soon as it is there.

    A task that finished in `output` before with the same model, settings and data is not run again,
    so a killed evaluation goes on at the first unfinished task, and one more task can be added. A
    task with changed settings is run again and takes the old result's place.

    Args:
        model: entered (`async with`).
        tasks: with different names.
        output: the run directory.
        documents: held-out files or directories, see `Inputs`.
        seed: decides whatever is drawn.
        limit: at most so many items a task.
        max_bytes: whole documents in file order, up to so many bytes in all.
        data: directory of benchmark data, as in `Inputs`.
        concurrency: generation requests in flight at once.
        allow_failures: so many requests of a task may fail, and count as wrong.
        budget: what may be spent; answers that are known cost nothing.

    Returns:
        All finished tasks of the directory.

    Raises:
        CapabilityError: a task scores and the model cannot; before anything is run.
        InputError: an input is missing or wrong, or another evaluation lies in `output`.
        BudgetError: the budget is used up.
        ModelError: the model failed. In both cases every answer until then is kept.
    """
    _check(model, tasks)
    inputs = Inputs(
        documents,
        seed=seed,
        limit=limit,
        max_bytes=max_bytes,
        data=data,
        concurrency=concurrency,
        allow_failures=allow_failures,
    )
    files = {task.name: tuple(map(DataFile.of, task.files(inputs))) for task in tasks}
    directory = ResultsDirectory(output, model.info, inputs)
    with CallStore(Path(output) / _CALLS) as store:
        inputs.through = partial(recorded, store=store, budget=budget, concurrency=concurrency)
        asked = cast(ScoringModel, inputs.through(model))
        for task in tasks:
            key = task_key(task, files[task.name], directory.results)
            if directory.has(task, key):
                continue
            with Progress(task.name) as progress:
                result = await task.run(asked, inputs, progress)
            directory.add(task, key, files[task.name], result)
            beside = published_section(directory.results)
            if beside is not None:
                directory.show("15-published", beside)
    return directory.results


async def plan(
    model: Model, tasks: Sequence[Task], inputs: Inputs, *, output: Path | str
) -> tuple[PlannedModel, list[str]]:
    """What `evaluate` would ask, without asking it.

    Args:
        model: not even entered.
        tasks: as in `evaluate`.
        inputs: as `evaluate` makes them.
        output: the run directory; what its store knows is not counted.

    Returns:
        The counts; and a line for each further model that a task asks, and for each task whose
        later requests depend on earlier answers in a way that made-up ones do not allow.

    Raises:
        CapabilityError: a task scores and the model cannot.
    """
    _check(model, tasks)
    path = Path(output) / _CALLS
    store = CallStore(path, read_only=True) if path.is_file() else None
    notes: list[str] = []
    judges: list[PlannedModel] = []
    try:
        counter = planned(model, store)

        def judge(other: Model) -> Model:
            judges.append(planned(other, store))
            return judges[-1]

        inputs.through = judge
        for task in tasks:
            with Progress(task.name) as progress:
                try:
                    await task.run(cast(ScoringModel, counter), inputs, progress)
                except (InputError, ModelError) as error:
                    notes.append(f"{task.name} is counted in part: {error}")
    finally:
        if store is not None:
            store.close()
    for other in judges:
        worst = other.generate_plan.worst
        notes.append(
            f"{other.info.identity} is asked too: {worst.calls:,} calls, "
            f"{other.generate_plan.prompt_bytes:,} bytes to read, at most "
            f"{worst.completion_tokens:,} tokens to write"
        )
    return counter, notes


def _check(model: Model, tasks: Sequence[Task]) -> None:
    names = [task.name for task in tasks]
    if len(set(names)) != len(names):
        raise ValueError(f"tasks need different names, got {', '.join(names)}")
    for task in tasks:
        if task.needs == "score" and not isinstance(model, ScoringModel):
            raise CapabilityError(
                f"{task.name} scores text, which {model.info.identity} cannot; use a model that "
                "gives log-probabilities, such as local:DIR"
            )
