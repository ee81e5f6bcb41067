"""HumanEval's and MBPP's tasks, with the tests that a student is shown."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from xgen_distill import Task, UnitTest
from xgen_distill.tasks import read_tasks
from xgen_distill.tasks.checking import CheckedTasks, check_tasks
from xgen_eval.execution import Checker, Verdict

pytestmark = pytest.mark.acceptance

WRONG = {"HumanEval/47", "HumanEval/116"}
"""Whose docstrings are wrong."""
WITHOUT = {f"HumanEval/{number}" for number in (38, 41, 50, 83)}


def run_golds(tasks: Sequence[tuple[Task, Sequence[UnitTest]]]) -> list[Verdict]:
    async def run() -> list[Verdict]:
        problems = [task.problem(tests) for task, tests in tasks]
        async with Checker(problems, allow_weak=True) as checker:
            pairs = zip(problems, tasks, strict=True)
            return await asyncio.gather(*(checker.check(p, t.gold) for p, (t, _) in pairs))

    return asyncio.run(run())


def checked(tasks: Sequence[Task]) -> CheckedTasks:
    async def run() -> CheckedTasks:
        async with Checker([t.problem(t.deciding) for t in tasks], allow_weak=True) as checker:
            return await check_tasks(tasks, checker)

    return asyncio.run(run())


def test_canonical_solutions_pass_the_examples_of_their_docstrings(data: Path) -> None:
    tasks = read_tasks(data / "eval" / "humaneval" / "HumanEval.jsonl.gz").tasks
    assert len(tasks) == 164
    shown = [task for task in tasks if task.shown]
    verdicts = run_golds([(task, task.shown) for task in shown])
    failed = {task.id for task, v in zip(shown, verdicts, strict=True) if not v.passed}
    assert failed == WRONG
    without = {task.id for task in tasks if not task.shown}
    assert without >= WITHOUT
    assert len(shown) >= 150
    assert sum(len(task.shown) for task in shown) / 160 >= 2.5
    assert {one.id for one in checked(tasks).untrue} == WRONG


def test_official_tests_decide(data: Path) -> None:
    tasks = read_tasks(data / "eval" / "humaneval" / "HumanEval.jsonl.gz").tasks
    assert all(v.passed for v in run_golds([(task, task.deciding) for task in tasks]))


def test_mbpps_part_has_307_tasks_with_an_example_each(data: Path) -> None:
    every = read_tasks(data / "eval" / "mbpp" / "sanitized-mbpp.json").tasks
    tasks = [task for task in every if int(task.id.removeprefix("mbpp/")) < 601]
    assert len(tasks) == 307
    assert all(len(task.shown) == 1 and len(task.deciding) >= 3 for task in tasks)
    assert next(task for task in tasks if task.id == "mbpp/77").entry_point == "is_Diff"
    assert all(v.passed for v in run_golds([(task, task.deciding) for task in tasks]))


def test_the_whole_of_mbpp_is_read(data: Path) -> None:
    found = read_tasks(data / "eval" / "mbpp" / "mbpp.jsonl")
    assert (len(found.tasks), found.refused) == (974, ())
