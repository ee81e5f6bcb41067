"""Looking for a benchmark's tasks in training data: cheap signs first, then execution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

from xgen_core import CodecError, InputError
from xgen_core.concurrency import gather
from xgen_core.progress import Progress
from xgen_distill.decontamination.contamination import Contamination
from xgen_distill.decontamination.evidence import NGRAMS, WORDING, Evidence
from xgen_distill.decontamination.item import TrainingItem
from xgen_distill.decontamination.probe import probe_problem
from xgen_distill.decontamination.solutions import (
    alias_programs,
    best_trial,
    tree_shapes,
    trial_problem,
)
from xgen_distill.decontamination.wording import close_wordings, shared_ngrams, words_of
from xgen_distill.task import Task
from xgen_eval.execution import Checker, Limits, Problem

__all__ = ["COMMON", "find_contamination"]

COMMON = 3
"""Tasks of a benchmark in which a run of words may stand and still identify them: "write a python
function to find the" stands in dozens."""

_GENERIC = frozenset(
    ["answer", "f", "fn", "foo", "func", "function", "main", "program", "solution", "solve", "test"]
)
"""Names that any function may have."""

_LIMITS = Limits(wall_seconds=5.0, cpu_seconds=5)


async def find_contamination(
    items: Sequence[TrainingItem],
    benchmarks: Mapping[str, Sequence[Task]],
    *,
    common: int = COMMON,
    limits: Limits = _LIMITS,
    allow_weak: bool = False,
) -> Contamination:
    """Judge all pairs that share words in a row, wording, a name, or a tree.

    Of every such pair the training solutions are run by the benchmark's tests. Pairs that share
    none of these are not run: two tasks that nothing but a solution in common makes alike are found
    where that solution has the same tree.

    Args:
        items: what is learnt from.
        benchmarks: tasks by the benchmark's name.
        common: words that stand in more tasks of a benchmark than this identify none.
        limits: of each program that is run.
        allow_weak: run even where no strict sandbox can be had.

    Returns:
        Every pair with its evidence and verdict.

    Raises:
        InputError: nothing to compare, or two tasks of one id.
        WeakSandboxError: no strict sandbox can be had, and `allow_weak` is not given.
    """
    tasks = [task for found in benchmarks.values() for task in found]
    names = {task.id: name for name, found in benchmarks.items() for task in found}
    if not items or not tasks:
        raise InputError(f"{len(items)} training items and {len(tasks)} tasks: nothing to compare")
    if len(names) != len(tasks):
        raise InputError("two tasks of the benchmarks have one id: look for them one by one")
    pairs = _candidates(items, benchmarks, tasks, common)
    judged = await _executed(items, tasks, pairs, limits, allow_weak)
    return Contamination(
        items=len(items), tasks=names, pairs=tuple(judged[key].judged() for key in sorted(judged))
    )


_Pairs = dict[tuple[int, int], Evidence]
"""By numbers of task and item."""


def _candidates(
    items: Sequence[TrainingItem],
    benchmarks: Mapping[str, Sequence[Task]],
    tasks: Sequence[Task],
    common: int,
) -> _Pairs:
    """All pairs with a sign that takes no execution."""
    wordings = [item.instruction for item in items], [words_of(task) for task in tasks]
    groups = [number for number, found in enumerate(benchmarks.values()) for _ in found]
    close = close_wordings(*wordings, above=WORDING)
    shared = shared_ngrams(*wordings, groups, sizes=NGRAMS, common=common)
    named = _together(
        [{item.entry_point} - _GENERIC for item in items], [{task.entry_point} for task in tasks]
    )
    alike = _together(
        [{s for p in item.programs for s in tree_shapes(p, item.entry_point)} for item in items],
        [tree_shapes(task.gold, task.entry_point) for task in tasks],
    )
    pairs: _Pairs = {}
    for i, j in {**close, **shared, **dict.fromkeys([*named, *alike])}:
        ngram, words = shared.get((i, j), (0, ""))
        pairs[j, i] = Evidence(
            task=tasks[j].id,
            item=items[i].id,
            ngram=ngram,
            words=words,
            rouge_l=round(close.get((i, j), 0.0), 4),
            same_name=(i, j) in named,
            same_tree=(i, j) in alike,
        )
    return pairs


def _together(
    left: Sequence[AbstractSet[str]], right: Sequence[AbstractSet[str]]
) -> set[tuple[int, int]]:
    """Numbers of all pairs that have one of their marks in common."""
    where: dict[str, list[int]] = {}
    for j, marks in enumerate(right):
        for mark in marks:
            where.setdefault(mark, []).append(j)
    return {(i, j) for i, marks in enumerate(left) for mark in marks for j in where.get(mark, ())}


async def _executed(
    items: Sequence[TrainingItem],
    tasks: Sequence[Task],
    pairs: _Pairs,
    limits: Limits,
    allow_weak: bool,
) -> _Pairs:
    """The same pairs, with what became of the training solutions."""
    found = dict(pairs)
    problems: dict[tuple[int, int], Problem] = {}
    for j, i in pairs:
        try:
            problems[j, i] = trial_problem(items[i], tasks[j])
        except CodecError as error:
            found[j, i] = replace(pairs[j, i], outcome=str(error))
    checker = Checker(list(problems.values()), allow_weak=allow_weak)

    async def run(key: tuple[int, int]) -> None:
        j, i = key
        programs = alias_programs(items[i], tasks[j])
        probe = probe_problem(problems[key], tasks[j])
        verdict, agrees = await best_trial(problems[key], probe, programs, checker, limits)
        passes = None if verdict.outcome == "harness_error" else verdict.passed
        found[key] = replace(pairs[key], passes=passes, agrees=agrees, outcome=verdict.outcome)

    with Progress("execution", len(problems), unit="pairs") as progress:
        async with checker:
            failures = await gather(
                list(problems), run, concurrency=2 * checker.workers, progress=progress
            )
    for key, failure in zip(problems, failures, strict=True):
        if failure is not None:
            found[key] = replace(pairs[key], outcome=f"{failure.kind}: {failure.reason}")
    return found
