"""Solutions that are the same: by their trees, or because one does the other's work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from xgen_core import CodecError
from xgen_data.overlap.syntax import find_functions
from xgen_distill.decontamination.item import TrainingItem
from xgen_distill.program import find_definition
from xgen_distill.task import Task
from xgen_eval.execution import Checker, Limits, Problem, Verdict

__all__ = ["alias_programs", "best_trial", "tree_shapes", "trial_problem"]


def tree_shapes(program: str, name: str) -> frozenset[str]:
    """What a function is compared by, names and layout aside; empty where it is too short."""
    return frozenset(
        shape
        for function in find_functions(program)
        if function.name == name
        for shape in function.shapes
    )


def alias_programs(item: TrainingItem, task: Task) -> tuple[str, ...]:
    """A training item's solutions under the name that a benchmark's tests call.

    The function keeps its own name beside the other, so that one that calls itself still does.
    """
    alias = ""
    if item.entry_point != task.entry_point:
        alias = f"\n\n{task.entry_point} = {item.entry_point}\n"
    return tuple(
        f"{item.prelude}\n{program}{alias}"
        for program in item.programs
        if find_definition(program, item.entry_point) is not None
    )


def trial_problem(item: TrainingItem, task: Task) -> Problem:
    """What judges an item's solutions: the tests by which the benchmark decides, and all modules.

    Raises:
        CodecError: it cannot be tried; says why.
    """
    if not task.deciding:
        raise CodecError("the benchmark's task has no tests")
    if not alias_programs(item, task):
        raise CodecError("no training solution defines the function")
    problem = task.problem(task.deciding, task.gold or f"{task.header}    pass\n")
    return replace(problem, modules=tuple(sorted({*problem.modules, *item.modules})))


async def best_trial(
    problem: Problem,
    probe: Problem | None,
    programs: Sequence[str],
    checker: Checker,
    limits: Limits,
) -> tuple[Verdict, bool | None]:
    """Run programs until one passes and agrees.

    Args:
        problem: see `trial_problem`.
        probe: see `probe_problem`.
        programs: see `alias_programs`; at least one.
        checker: entered; it knows the problem's modules.
        limits: of each program.

    Returns:
        The verdict on that program, else on one that passes, else on the last; and whether it
        agrees, None where that is not known.
    """
    passed: tuple[Verdict, bool | None] | None = None
    verdict: Verdict | None = None
    for program in programs:
        verdict = await checker.check(problem, program, limits=limits)
        if not verdict.passed:
            continue
        agrees: bool | None = None
        if probe is not None:
            further = await checker.check(probe, program, limits=limits)
            agrees = None if further.outcome == "harness_error" else further.passed
        if agrees is not False:
            return verdict, agrees
        passed = passed or (verdict, agrees)
    if verdict is None:
        raise ValueError(f"problem {problem.id}: no programs to try")
    return passed or (verdict, None)
