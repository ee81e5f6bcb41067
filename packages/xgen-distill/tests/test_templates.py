"""Prompts: one function for training and for inference."""

from __future__ import annotations

import asyncio

import pytest

from xgen_distill import Task, Template, UnitTest, feedback_of
from xgen_eval.execution import Checker

TASK = Task(
    id="larger",
    instruction="Return the larger of two numbers.",
    entry_point="larger",
    header="def larger(a: int, b: int) -> int:\n",
    shown=(UnitTest.of("assert larger(1, 2) == 2"),),
    hidden=(UnitTest.of_call("larger(3, 1)", "3"),),
)


def test_every_prompt_ends_with_the_header() -> None:
    template = Template(examples=1)
    assert template.attempt(TASK) == (
        '"""\nReturn the larger of two numbers.\n>>> larger(1, 2)\n2\n"""\n\n'
        "def larger(a: int, b: int) -> int:\n"
    )
    prompt = template.refinement(TASK, "def larger(a, b):\n    return a\n", "NameError: x")
    assert prompt.endswith(template.attempt(TASK))
    assert "ERROR:\nNameError: x\n" in prompt


def test_a_template_is_known_by_its_fingerprint() -> None:
    variants = [Template(), Template(examples=1), Template(longest=100), Template(request="Mend.")]
    assert len({template.fingerprint for template in variants}) == len(variants)
    assert Template().fingerprint == Template().fingerprint
    assert Template(request="Mend.").refinement(TASK, "x", "y").startswith("Mend.\n\nTASK:")
    for examples, longest in ((-1, 0), (0, -1)):
        with pytest.raises(ValueError, match="0 or more"):
            Template(examples=examples, longest=longest)
    with pytest.raises(ValueError, match="words"):
        Template(request=" ")


@pytest.mark.parametrize(
    ("longest", "shown"),
    [
        (0, "def f():\n    return 1\n    return 2"),
        (34, "def f():\n    return 1\n    return 2"),
        (33, "def f():\n    return 1\n# … 1 more lines"),
        (12, "def f():\n# … 2 more lines"),
        (5, "def f\n# … 2 more lines"),
    ],
)
def test_a_long_attempt_says_what_is_left_out(longest: int, shown: str) -> None:
    program = "def f():\n    return 1\n    return 2\n"
    prompt = Template(longest=longest).refinement(TASK, program, "E")
    assert prompt.partition("PROGRAM:\n")[2].partition("\n\nERROR:")[0] == shown
    assert Template(longest=longest).shortens(program) == ("more" in shown)


def test_feedback_tells_the_first_failing_test_and_no_hidden_one() -> None:
    program = TASK.header + "    return a\n"
    problem = TASK.problem(TASK.shown, program)

    async def judged():
        async with Checker([problem], workers=1, allow_weak=True) as checker:
            return await checker.check(problem, program)

    feedback = feedback_of(asyncio.run(judged()))
    assert feedback is not None
    assert feedback.text == "AssertionError\nINPUT: 1, 2\nOUTPUT: 1\nEXPECTED: 2"


def test_tests_are_read_as_call_and_value() -> None:
    assert UnitTest.of("assert f([1], k=2) == {'a': 1}").call == "f([1], k=2)"
    assert UnitTest.of("assert not f(1)").call == ""
