"""Programs run by their tests: what is told of a failure, and that it is the same every time."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from xgen_core import InputError
from xgen_core.lm import Prices, Usage
from xgen_distill import Feedback, Spending, Task, UnitTest
from xgen_distill.configuration import Told
from xgen_distill.examiner import UNTOLD, Examiner, task_problems
from xgen_eval.execution import Checker, Limits, Verdict

HEADER = "def half(value):\n"
TASK = Task(
    id="half",
    instruction="Halve a number.",
    entry_point="half",
    header=HEADER,
    shown=(UnitTest.of_call("half(4)", "2"), UnitTest.of_call("half(2)", "1")),
    hidden=(UnitTest.of_call("half(-6)", "-3"), UnitTest.of_call("half(100)", "50")),
    gold=HEADER + "    return value // 2\n",
)


def trial(
    program: str, *, task: Task = TASK, told: Told = "shown"
) -> tuple[Verdict, Feedback | None]:
    problems = task_problems([task])

    async def examined() -> tuple[Verdict, Feedback | None]:
        async with Checker([*problems.values()], workers=1) as checker:
            limits = Limits(wall_seconds=1.0, cpu_seconds=2)
            return await Examiner(checker, problems, limits).trial(task, program, told=told)

    return asyncio.run(examined())


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("    return value\n", "AssertionError\nINPUT: 4\nOUTPUT: 4\nEXPECTED: 2"),
        ("    return [value][1]\n", "IndexError: list index out of range"),
        ("    return half_of(value)\n", "NameError: name 'half_of' is not defined"),
        ("    while True:\n        pass\n", "timeout: no verdict within 1 seconds"),
        ("    return (value\n", "SyntaxError: '(' was never closed"),
        ("    return object()\n", "AssertionError\nINPUT: 4\nOUTPUT: <object object>\nEXPECTED: 2"),
        ("    raise ValueError(object())\n", "ValueError: <object object>"),
    ],
)
def test_the_first_failing_shown_test_is_told(body: str, text: str) -> None:
    verdict, feedback = trial(HEADER + body)
    assert feedback is not None
    assert feedback.text == text
    assert (verdict.seconds, verdict.stdout) == (0.0, "")


@pytest.mark.parametrize(
    "body",
    [
        "    return abs(value) // 2\n",
        "    return value // 2 if value > 0 else [][0]\n",
        "    return 3 - value // 2 if value == 100 else value // 2\n",
        "    while value < 0:\n        pass\n    return value // 2\n",
    ],
)
def test_of_a_hidden_test_nothing_is_told(body: str) -> None:
    verdict, feedback = trial(HEADER + body)
    assert feedback == UNTOLD
    assert verdict.passed, "by the tests that may be told of"
    _, told = trial(HEADER + body, told="all")
    assert told is not None
    assert told != UNTOLD


def test_without_shown_tests_nothing_is_told_but_that_it_failed() -> None:
    hidden = replace(TASK, shown=(), hidden=TASK.tests)
    verdict, feedback = trial(HEADER + "    return value\n", task=hidden)
    assert feedback == UNTOLD
    assert (verdict.outcome, verdict.input, verdict.got, verdict.assertion) == (
        "assertion",
        "",
        "",
        "",
    )


def test_a_program_that_passes_has_no_feedback() -> None:
    verdict, feedback = trial(TASK.gold)
    assert verdict.passed
    assert feedback is None


def test_tasks_none_of_which_can_be_run_are_one_line() -> None:
    with pytest.raises(InputError, match="none of 1 tasks has tests that can be run"):
        task_problems([replace(TASK, shown=(), hidden=())])


def test_what_the_student_spends_is_taken_off_the_teachers_share() -> None:
    spending = Spending(
        calls=10,
        money=5.0,
        student=Prices(prompt=1.0, completion=1.0),
        teacher=Prices(prompt=10.0, completion=30.0),
    )
    first = spending.first()
    first.spent = Usage(calls=4, prompt_tokens=1_000_000, completion_tokens=500_000)
    second = spending.second(first)
    assert (second.calls, second.money, second.prices) == (6, 3.5, spending.teacher)
    free = replace(spending, student=None)
    assert free.first().money is None
    assert free.second(free.first()).money == 5.0
