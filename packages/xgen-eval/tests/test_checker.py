"""Many programs at once: verdicts in order, judges that go on, and one that cannot."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest

from xgen_core import InputError
from xgen_eval.execution import Checker, Limits, Problem, Verdict

PROBLEM = Problem(id="p", prompt="", entry_points=("f",), tests=("assert f(3) == 9",), trusted=True)
RIGHT, WRONG = "def f(x): return x * x", "def f(x): return x"


def verdicts(programs, problems=(PROBLEM,), *, workers=2, limits=None) -> list[Verdict]:
    async def work():
        async with Checker(problems, workers=workers, allow_weak=True) as checker:
            return await asyncio.gather(*(checker.check(*p, limits=limits) for p in programs))

    return asyncio.run(asyncio.wait_for(work(), 60))


def test_a_judge_goes_on_to_the_next_problem_and_keeps_nothing():
    """One worker has one judge: each test would see what an earlier one left behind."""
    careless = dataclasses.replace(
        PROBLEM,
        tests=(
            "import random\nassert 'left' not in globals()\nleft = f(3)\n"
            "assert random.random() == 0.8444218515250481\nassert left == 9",
        ),
    )
    found = verdicts([(careless, RIGHT), (careless, WRONG)] * 5, [careless], workers=1)
    assert [v.outcome for v in found] == ["passed", "assertion"] * 5


@pytest.mark.parametrize("workers", [1, 3])
def test_problems_of_every_kind_share_the_processes(workers):
    """Kept judges of one kind must not leave a problem of another without a process."""
    kinds = [
        PROBLEM,
        dataclasses.replace(PROBLEM, modules=("numpy",)),
        dataclasses.replace(PROBLEM, trusted=False),
        dataclasses.replace(PROBLEM, weak="to see"),
    ]
    programs = [(kinds[i % 4], RIGHT if i % 3 else WRONG) for i in range(36)]
    found = verdicts(programs, kinds, workers=workers)
    assert [v.passed for v in found] == [bool(i % 3) for i in range(36)]
    assert [v.strict for v in found] == [i % 4 != 3 for i in range(36)]


def test_a_judge_in_the_middle_of_a_test_is_not_used_again():
    hang = "def f(x):\n    while True: pass"
    die = "import os\ndef f(x): os._exit(0)"
    odd = "import os\ndef f(x):\n    os.write(3, b'\\0\\0\\0\\1x')"
    programs = [(PROBLEM, p) for p in (hang, RIGHT, die, RIGHT, odd, RIGHT, WRONG, RIGHT)]
    found = verdicts(programs, workers=1, limits=Limits(wall_seconds=0.7))
    assert [v.passed for v in found] == [False, True] * 4
    assert [v.outcome for v in found[::2]] == ["timeout", "exception", "exception", "assertion"]


def test_a_module_that_is_missing_is_said_at_the_start():
    problem = dataclasses.replace(PROBLEM, modules=("no_such_module_here",))
    with pytest.raises(InputError, match="no_such_module_here"):
        verdicts([(problem, RIGHT)], [problem])
