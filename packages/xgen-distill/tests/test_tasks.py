"""Tasks of every form: read, split, checked."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import cast

import pytest
from click.testing import CliRunner

from xgen_core import InputError
from xgen_distill import Task
from xgen_distill.cli import distill
from xgen_distill.tasks import read_tasks, split_tests
from xgen_distill.tasks.checking import CheckedTasks, check_tasks
from xgen_distill.tasks.mutants import make_mutants
from xgen_eval.execution import Checker, Limits, Problem, Verdict

HUMANEVAL = {
    "task_id": "own/0",
    "prompt": "import math\n\ndef area(r: float) -> int:\n"
    '    """ Area of a disc, rounded.\n    >>> area(1)\n    3\n    >>> area(2)\n    14\n    """\n',
    "entry_point": "area",
    "canonical_solution": "    return round(math.pi * r * r)\n",
    "test": "def check(candidate):\n    assert candidate(1) == 3\n    assert candidate(2) == 13\n",
}
MBPP = {
    "task_id": 7,
    "prompt": "Write a function to add one.",
    "code": "def helper(x):\n    return x + 1\ndef add_One (x): \n    return helper(x) ",
    "test_imports": [],
    "test_list": ["assert add_One(1) == 2", "assert add_One(2) == 3"],
}
ALPACA = {
    "instruction": "Write a function to double a number.",
    "input": "",
    "output": "def double(x):\n    return 2 * x",
}
PLAIN = {
    "id": "half",
    "instruction": "Half of an even number.",
    "code": "def half(x: int) -> int:\n    return x // 2\n",
    "tests": ["assert half(2) == 1", "assert half(4) == 2", "assert half(0) == 0"],
}


def write(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def check(*tasks: Task, mutants: int = 0) -> CheckedTasks:
    async def checked() -> CheckedTasks:
        problems = [t.problem(t.deciding) for t in tasks if t.tests and t.gold]
        async with Checker(problems, workers=2, allow_weak=True) as checker:
            limits = Limits(wall_seconds=5, cpu_seconds=5)
            return await check_tasks(tasks, checker, mutants=mutants, limits=limits)

    return asyncio.run(checked())


def plain(**changes: object) -> Task:
    from xgen_distill.tasks.forms import parse_row

    return parse_row({**PLAIN, **changes}, "plain", 1)


def test_a_docstring_is_instruction_and_examples(tmp_path: Path) -> None:
    [task] = read_tasks(write(tmp_path / "h.jsonl", HUMANEVAL)).tasks
    assert task.header == "def area(r: float) -> int:\n"
    assert task.instruction.startswith("Area of a disc")
    assert [test.source for test in task.shown] == ["assert area(1) == 3", "assert area(2) == 14"]
    assert task.deciding == task.hidden
    checked = check(task)
    assert [test.source for test in checked.tasks[0].shown] == ["assert area(1) == 3"]
    assert "area(2) == 14" in checked.untrue[0].reason


def test_an_odd_header_is_found_by_the_tree(tmp_path: Path) -> None:
    [task] = read_tasks(write(tmp_path / "m.jsonl", MBPP)).tasks
    assert (task.entry_point, task.header) == ("add_One", "def add_One (x):\n")
    assert (len(task.shown), len(task.deciding)) == (1, 2)
    assert check(task).tasks == (task,)


def test_forms_are_told_apart_and_rows_that_are_no_tasks_are_counted(tmp_path: Path) -> None:
    rows = [
        ALPACA,
        {**ALPACA, "output": "Doubling is multiplying by two."},
        {**ALPACA, "output": "def broken(:\n"},
        {"instruction": "x"},
        3,
    ]
    found = read_tasks(write(tmp_path / "a.jsonl", *rows))
    assert (found.form, len(found.tasks), len(found.refused)) == ("alpaca", 1, 4)
    assert [one.id for one in found.refused] == [f"a.jsonl:{n}" for n in (2, 3, 4, 5)]


def test_tasks_are_read_as_they_are_written(tmp_path: Path) -> None:
    task = plain()
    assert read_tasks(write(tmp_path / "t.jsonl", task.to_json())).tasks == (task,)


@pytest.mark.parametrize("rows", [[], [{"x": 1}], [{"instruction": "x"}]])
def test_a_file_without_tasks_is_one_clear_line(tmp_path: Path, rows: list[object]) -> None:
    with pytest.raises(InputError, match=r"a\.jsonl") as caught:
        read_tasks(write(tmp_path / "a.jsonl", *rows))
    assert "\n" not in str(caught.value)


def test_splits_keep_a_hidden_test_where_they_can() -> None:
    task = plain()
    assert [len(split_tests(task, n).shown) for n in (1, 2, 3)] == [1, 2, 2]
    assert set(split_tests(task, 1, seed=3).tests) == set(task.tests)
    assert split_tests(task, 1, seed=3) == split_tests(task, 1, seed=3)
    one = plain(tests=["assert half(2) == 1"])
    assert (len(one.shown), one.hidden) == (1, ())


def test_unsound_tasks_are_refused_with_their_reason() -> None:
    chance = "import random\ndef half(x):\n    return x // 2 + random.choice([0, 0])\n"
    found = check(
        plain(),
        plain(id="fails", code="def half(x):\n    return x\n"),
        plain(id="none", tests=[]),
        plain(id="steady", code=chance),
    )
    kinds = {one.id: one.kind for one in found.refused}
    assert kinds == {"fails": "gold fails", "none": "no tests"}
    assert [task.id for task in found.tasks] == ["half", "steady"]


class Fickle:
    """Takes every second program."""

    workers = 1

    def __init__(self) -> None:
        self.turns = 0

    async def check(self, problem: Problem, solution: str, *, limits: Limits | None) -> Verdict:
        self.turns += 1
        return Verdict(outcome="passed" if self.turns % 2 else "assertion")


def test_a_solution_that_is_not_the_same_every_time_is_refused() -> None:
    found = asyncio.run(check_tasks([plain()], cast(Checker, Fickle())))
    assert [one.kind for one in found.refused] == ["not the same every time"]


def test_tests_that_never_fail_are_refused() -> None:
    weak = plain(id="weak", tests=["half(2)", "half(4)"])
    found = check(plain(), weak, mutants=6)
    assert [one.id for one in found.refused] == ["weak"]
    assert found.refused[0].kind == "tests never fail"
    quality = found.quality[0]
    assert quality.killed == quality.mutants > 0


def test_a_test_that_notices_nothing_is_named() -> None:
    task = plain(tests=["assert half(2) == 1", "assert half(4) != 'x'"])
    [quality] = check(task, mutants=6).quality
    assert quality.idle == ("assert half(4) != 'x'",)


def test_mutants_differ_and_are_the_same_every_time() -> None:
    program = (
        "def f(xs):\n    n = 0\n    for x in xs:\n        if x > 2 and x:\n            n += x\n"
    )
    program += "    return n\n"
    found = make_mutants(program, 100)
    assert len({mutant.program for mutant in found}) == len(found) > 8
    assert make_mutants(program, 100) == found
    assert len(make_mutants(program, 5)) == 5


def test_the_command_writes_sound_tasks(tmp_path: Path) -> None:
    file = write(
        tmp_path / "p.jsonl", PLAIN, {**PLAIN, "id": "bad", "code": "def half(x): return 9"}
    )
    output = tmp_path / "tasks.jsonl"
    result = CliRunner().invoke(
        distill, ["tasks", str(file), "-o", str(output), "--mutants", "3", "--unsafe", "--json"]
    )
    assert result.exit_code == 0, result.output
    counts = json.loads(result.stdout)
    assert (counts["tasks"], counts["refused"]) == (1, {"gold fails": 1})
    assert [task.id for task in read_tasks(output).tasks] == ["half"]
