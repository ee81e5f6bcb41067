"""The sets of a finished run built again, of the same attempts and refinements: nothing is asked.

    tasks, attempts, refinements ─ build ─ sets
                                   sandbox

The run's own sets, figures and page are replaced; sets that go elsewhere leave the run as it is.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from xgen_core import InputError
from xgen_distill.examiner import task_problems
from xgen_distill.results import RunResults
from xgen_distill.sections import write_page
from xgen_distill.sets import Combined, Sets, build_sets, write_sets
from xgen_distill.stored_run import StoredRun
from xgen_distill.templates import Template
from xgen_eval.execution import Checker

__all__ = ["rebuild"]


async def rebuild(
    run: StoredRun,
    *,
    output: Path | str | None = None,
    template: Template | None = None,
    combined: Combined = "repair",
    union: bool = False,
    without: Collection[str] = (),
    workers: int | None = None,
    allow_weak: bool = False,
) -> Sets:
    """Build the seven sets again and write them.

    Args:
        run: a finished one.
        output: where the sets go; None for the run's own `sets/`.
        template: of all prompts; None for the one that the student was asked by.
        combined: the reading of `persd-combined`.
        union: take attempts and refinements of the rounds before as well.
        without: ids of tasks that no set may have, as a benchmark knows them.
        workers: programs at one time; None for two a processor.
        allow_weak: run even where the sandbox is not strict.

    Raises:
        InputError: nothing is left to build of.
        WeakSandboxError: the sandbox is not strict, and `allow_weak` is not given.
    """
    items, recipe = run.items, run.recipe
    left_out = set(without)
    tasks = [task for task in items.usable if task.id not in left_out]
    if not tasks:
        raise InputError(f"{run.directory}: no task is left to build sets of")
    known = {task.id for task in tasks}
    before = items.earlier if union else None
    attempts = [
        attempt
        for attempt in (*(before.attempts if before else ()), *items.attempts)
        if attempt.task in known
    ]
    tried = {attempt.id for attempt in attempts}
    refinements = [
        refinement
        for refinement in (*(before.refinements if before else ()), *items.refinements)
        if refinement.attempt in tried
    ]
    problems = list(task_problems(tasks).values())
    async with Checker(problems, workers=workers, allow_weak=allow_weak) as checker:
        sets = await build_sets(
            tasks,
            attempts,
            refinements,
            template or recipe.template,
            checker,
            combined=combined,
            limits=recipe.limits,
        )
    counts = write_sets(output or run.directory / "sets", sets)
    if output is None:
        built = RunResults.of(
            items,
            round=recipe.round,
            rows={name: count.rows for name, count in counts.sets.items()},
            refused=run.results.rejected.get("rows", {}),
            unfit=counts.rejected,
        )
        results = replace(built, costs=run.results.costs)  # which know the prices
        write_page(run.run, recipe, items, sets, results, times=run.times())
        results.write(run.directory / "results.json")
    return sets
