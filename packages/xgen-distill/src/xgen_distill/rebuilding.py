"""The sets of a finished run built again, of the same attempts and refinements: nothing is asked.

    tasks, attempts, refinements ─ build ─ leave leaks out ─ sets
                                   sandbox

The run's own sets, figures and page are replaced; sets that go elsewhere leave the run as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from xgen_distill.decontamination import Contamination, find_contamination, training_items
from xgen_distill.decontamination.section import contamination_section
from xgen_distill.examiner import task_problems
from xgen_distill.results import RunResults
from xgen_distill.sections import write_page
from xgen_distill.sets import Combined, Sets, build_sets, write_sets
from xgen_distill.stored_run import StoredRun
from xgen_distill.task import Task
from xgen_distill.templates import Template
from xgen_eval.execution import Checker

__all__ = ["Rebuilt", "rebuild"]

_OVERLAP = "25-overlap"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """What was built.

    Attributes:
        sets: the seven.
        contamination: what they knew of benchmarks before leaks were left out; None where no
            benchmark was given.
    """

    sets: Sets
    contamination: Contamination | None = None


async def rebuild(
    run: StoredRun,
    *,
    output: Path | str | None = None,
    template: Template | None = None,
    combined: Combined = "repair",
    union: bool = False,
    benchmarks: Mapping[str, Sequence[Task]] | None = None,
    workers: int | None = None,
    allow_weak: bool = False,
) -> Rebuilt:
    """Build the seven sets again and write them.

    Args:
        run: a finished one.
        output: where the sets go; None for the run's own `sets/`.
        template: of all prompts; None for the one that the student was asked by.
        combined: the reading of `persd-combined`.
        union: take attempts and refinements of the rounds before as well.
        benchmarks: tasks by the benchmark's name; what gives one of them away is left out.
        workers: programs at one time; None for two a processor.
        allow_weak: run even where the sandbox is not strict.

    Raises:
        InputError: nothing is there to build of.
        WeakSandboxError: the sandbox is not strict, and `allow_weak` is not given.
    """
    items, before, tasks = run.items, run.items.earlier, run.items.usable
    problems = [*task_problems(tasks).values()]
    async with Checker(problems, workers=workers, allow_weak=allow_weak) as checker:
        sets = await build_sets(
            tasks,
            (*(before.attempts if union else ()), *items.attempts),
            (*(before.refinements if union else ()), *items.refinements),
            template or run.recipe.template,
            checker,
            combined=combined,
            limits=run.recipe.limits,
        )
    found = None
    rows = [row for of in sets.rows.values() for row in of]
    learnt = training_items(tasks, rows)
    if benchmarks:
        found = await find_contamination(learnt, benchmarks, allow_weak=allow_weak)
        sets = sets.without(_leaks(found))
    counts = write_sets(output or run.directory / "sets", sets)
    if output is not None:
        return Rebuilt(sets=sets, contamination=found)
    built = RunResults.of(
        items,
        round=run.recipe.round,
        rows={name: count.rows for name, count in counts.sets.items()},
        refused=run.results.rejected.get("rows", {}),
        unfit=counts.rejected,
    )
    results = replace(built, costs=run.results.costs)  # which know the prices
    write_page(run.run, run.recipe, items, sets, results, times=run.times())
    (run.directory / "sections" / f"{_OVERLAP}.json").unlink(missing_ok=True)
    if found is not None and benchmarks:
        asked = [task for of in benchmarks.values() for task in of]
        run.run.write_section(_OVERLAP, contamination_section(found, learnt, asked))
    results.write(run.directory / "results.json")
    return Rebuilt(sets=sets, contamination=found)


def _leaks(found: Contamination) -> dict[str, str]:
    """Ids of tasks that give a benchmark's away, with those."""
    leaks: dict[str, list[str]] = {}
    for pair in found.pairs:
        if pair.verdict == "leak":
            leaks.setdefault(pair.item, []).append(pair.task)
    return {item: ", ".join(tasks) for item, tasks in leaks.items()}
