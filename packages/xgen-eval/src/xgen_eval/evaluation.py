"""Run tasks on a model, and resume where an earlier run stopped."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

from xgen_core import CapabilityError, Model, ScoringModel
from xgen_core.progress import Progress
from xgen_eval.inputs import DataFile, Inputs
from xgen_eval.results import Results, ResultsDirectory, task_key
from xgen_eval.task import Task

__all__ = ["evaluate"]


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

    Returns:
        All finished tasks of the directory.

    Raises:
        CapabilityError: a task scores and the model cannot; before anything is run.
        InputError: an input is missing or wrong, or another evaluation lies in `output`.
        ModelError: the model failed; tasks finished until then are kept.
    """
    names = [task.name for task in tasks]
    if len(set(names)) != len(names):
        raise ValueError(f"tasks need different names, got {', '.join(names)}")
    for task in tasks:
        if task.needs == "score" and not isinstance(model, ScoringModel):
            raise CapabilityError(
                f"{task.name} scores text, which {model.info.identity} cannot; use a model that "
                "gives log-probabilities, such as local:DIR"
            )
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
    for task in tasks:
        key = task_key(task, files[task.name], directory.results)
        if directory.has(task, key):
            continue
        with Progress(task.name) as progress:
            result = await task.run(cast(ScoringModel, model), inputs, progress)
        directory.add(task, key, files[task.name], result)
    return directory.results
