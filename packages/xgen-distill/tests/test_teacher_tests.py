"""Replies of a teacher that makes tasks up, read; and tests from running its solutions."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from xgen_core import Completion, GenerationRequest, ModelInfo
from xgen_core.lm.always_open import AlwaysOpen
from xgen_distill.configuration import Sampling
from xgen_distill.generation.candidate import Candidate
from xgen_distill.generation.evol_instruct import OPERATIONS, Evolver, draw_operation
from xgen_distill.generation.filters import Filters
from xgen_distill.generation.self_instruct import read_candidates, read_items
from xgen_distill.generation.solution import read_solution
from xgen_distill.generation.unit_tests import UnitTester, UnitTests, read_calls
from xgen_eval.execution import Checker, Limits


@dataclass
class Teacher(AlwaysOpen):
    """Answers in order."""

    replies: Sequence[str]
    asked: int = 0

    @property
    def info(self) -> ModelInfo:
        return ModelInfo(identity="teacher")

    async def generate(self, request: GenerationRequest) -> list[Completion]:
        self.asked += 1
        text = self.replies[self.asked - 1]
        return [Completion(text=text, finish_reason="stop", completion_tokens=2)]


LIST = """\
Sure! Here are more tasks.

4. Instruction: Return the last word
of a sentence.
4. Input: <noinput>
4. Output:
```python
def last(text):
    '''Do it.

    Output: a word
    '''
    print("Output:")
    return text.split()[-1]
```
###
5. **Instruction:** Count how often each letter occurs.
**Input:** "banana"
**Output:**
def count(text):
    return {c: text.count(c) for c in text}

###
Instruction: Nothing follows this one at all.
### 7. Instruction: Return the middle of three numbers.
Input: None
Output: def middle(a, b, c):
    return sorted((a, b, c))[1]
"""


def test_lists_are_read_with_prose_labels_and_code_that_prints_labels() -> None:
    last, count, nothing, middle = read_items(LIST)
    assert last.asked == "Return the last word of a sentence."
    assert last.output.startswith("```python\ndef last")
    assert last.output.endswith("[-1]\n```")
    assert count.asked == 'Count how often each letter occurs.\n"banana"'
    assert count.output.endswith("for c in text}")
    assert nothing.reason == "no output"
    assert middle.asked == "Return the middle of three numbers."
    assert read_solution(middle.output).entry_point == "middle"


def test_the_last_of_a_list_that_was_cut_off_is_left_out() -> None:
    reply = Completion(text=LIST, finish_reason="length")
    found = read_candidates(reply, 7, Filters())
    assert [one.reason for one in found] == ["", "", "no output", "cut off"]
    assert [one.id for one in found] == [f"self-instruct/7-{n}" for n in (1, 2, 3, 4)]
    (none,) = read_candidates(Completion(text="I cannot.", finish_reason="stop"), 8, Filters())
    assert none.reason == "no list"


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("", "no function"),
        ("It takes the list and sums it up.", "no function"),
        ("```js\nfunction f(a) { return a }\n```", "other language"),
        ("```ruby\ndef f(a)\n  a\nend\n```", "other language"),
        ("def f(a)\n  a\nend", "does not compile"),
        ("def f(a):\n    return a\n\ndef g(a):\n    return a", "several functions"),
        ("class A:\n    def f(self):\n        return 1", "no function"),
        ("def f():\n    return 1", "not a plain function"),
        ("async def f(a):\n    return a", "not a plain function"),
        ("def f(a):\n    yield a", "not a plain function"),
        ("LIMIT = 3\ndef f(a=LIMIT):\n    return a", "the header needs more than imports"),
    ],
)
def test_solutions_that_are_none(reply: str, reason: str) -> None:
    assert read_solution(reply).reason == reason


def test_a_solution_keeps_helpers_and_imports_and_loses_examples() -> None:
    found = read_solution(
        "Here it is:\n```python\nimport math\n\ndef half(x):\n    return x / 2\n\n"
        "def root(x: float) -> float:\n    return math.sqrt(half(x))\n\nprint(root(8))\n```\nFine?"
    )
    assert (found.entry_point, found.header) == ("root", "def root(x: float) -> float:\n")
    assert found.program.startswith("import math")
    assert "print" not in found.program


def test_imports_that_the_header_needs_are_there_for_everybody() -> None:
    found = read_solution(
        "from typing import List, Optional as Maybe\nimport math\n"
        "def f(x: List[int], y: Maybe[int] = None) -> float:\n    return math.sqrt(x[y or 0])\n"
    )
    assert found.prelude == "from typing import List, Optional as Maybe\n"
    tested = run_tests(found.program, reply="f([1])\nf([4])\nf([4, 9], 1)\nf([0])\nf([0], None)")
    assert [test.expected for test in tested.tests] == ["1.0", "2.0", "3.0", "0.0", "0.0"]


def test_calls_are_read_line_by_line() -> None:
    calls, wrong = read_calls(
        "Here are calls:\n```python\n1. f(1, 'a')\n- `f([1, 2], b={'x': (1, -2)})`\n"
        "assert f(set()) == 3\nprint(f(2 ** 70))\nf(1, 'a')\ng(1)\nf(open('x'))\n"
        "f(lambda x: x)\nf\n# f(9)\n```",
        "f",
    )
    assert calls == ["f(1, 'a')", "f([1, 2], b={'x': (1, -2)})", "f(set())", "f(2 ** 70)"]
    assert wrong == {
        "not an expression": 1,
        "the same call twice": 1,
        "a call of something else": 1,
        "an argument that is no value": 2,
        "not a call": 1,
    }


def run_tests(
    program: str, reply: str = "f(0)\nf(1)\nf(2)\nf(3)\nf(4)", fewest: int = 5
) -> UnitTests:
    found = read_solution(program)
    candidate = Candidate(
        id="x",
        method="self-instruct",
        instruction="Do something with a number.",
        entry_point=found.entry_point,
        header=found.header,
        prelude=found.prelude,
        gold=found.program,
    )

    async def run() -> UnitTests:
        async with Checker([], workers=4, allow_weak=True) as checker:
            return await UnitTester(
                model=Teacher([reply]),
                checker=checker,
                sampling=Sampling(temperature=0.0, top_p=1.0),
                limits=Limits(wall_seconds=10.0, cpu_seconds=5),
                fewest=fewest,
            ).test(candidate)

    return asyncio.run(run())


def test_outputs_come_from_running_the_solution() -> None:
    tested = run_tests("def f(x):\n    return {'b', 'a', str(x)}, x / 4, None if x else 'it''s'")
    assert [test.source for test in tested.tests][:2] == [
        "assert f(0) == ({'0', 'a', 'b'}, 0.0, 'its')",
        "assert f(1) == ({'1', 'a', 'b'}, 0.25, None)",
    ]
    assert tested.reason == ""
    assert tested.completion_tokens == 2


@pytest.mark.parametrize(
    ("program", "reason", "dropped"),
    [
        ("def f(x):\n    print(x)", "returns nothing", {}),
        ("def f(x):\n    return object()", "no value that can be written down", None),
        (
            "import random\ndef f(x):\n    return random.random() + x",
            "not the same every time",
            {"not the same every time": 5},
        ),
        (
            "import time\ndef f(x):\n    return time.perf_counter_ns()",
            "not the same every time",
            {"not the same every time": 5},
        ),
        (
            "calls = []\ndef f(x):\n    calls.append(x)\n    return len(calls)",
            "a call depends on those before it",
            {},
        ),
        ("def f(x):\n    return 1 // (x - 2)", "too few tests", {"raises: ZeroDivisionError": 1}),
        ("import nothing_of_the_kind\ndef f(x):\n    return x", None, None),
        ("def f(x):\n    return 'ab' * 2000", "too long", {"too long": 5}),
    ],
)
def test_solutions_that_nothing_can_be_tested_by(
    program: str, reason: str | None, dropped: dict[str, int] | None
) -> None:
    tested = run_tests(program)
    assert tested.tests == ()
    assert tested.reason == (reason or "raises: ModuleNotFoundError")
    if dropped is not None:
        assert tested.dropped == dropped


def test_fewer_tests_are_enough_where_that_is_asked_for() -> None:
    tested = run_tests("def f(x):\n    return 1 // (x - 2)", fewest=4)
    assert len(tested.tests) == 4
    assert run_tests("def f(x):\n    return x", reply="f(1)\nf(2)").reason == "too few calls"
    assert run_tests("def f(x):\n    return x", reply="No.").reason == "no calls"


PARENT = Candidate(
    id="p",
    method="self-instruct",
    parents=("s",),
    instruction="Return the largest number of a list.",
    entry_point="f",
    header="def f(x):\n",
    gold="def f(x):\n    return max(x)\n",
)
HARDER = "Rewritten Task: Return the largest even number of a nested list, or None."
SOLVED = "```python\ndef g(x):\n    return x\n```"


def evolve(replies: Sequence[str], *, depth: bool) -> tuple[Candidate, Teacher]:
    seed = next(n for n in range(50) if (draw_operation("p", 1, n) != "mutate") is depth)
    teacher = Teacher(replies)
    sampling = Sampling(temperature=0.0, top_p=1.0)
    evolver = Evolver(
        model=teacher, writing=sampling, answering=sampling, filters=Filters(), seed=seed
    )
    return asyncio.run(evolver.evolve(PARENT, 1)), teacher


def test_depth_asks_whether_anything_was_added_and_breadth_does_not() -> None:
    child, teacher = evolve([HARDER, "DIFFERENT", SOLVED], depth=True)
    assert (child.reason, child.id, child.parents) == ("", "p/1", ("s", "p"))
    assert child.instruction == "Return the largest even number of a nested list, or None."
    assert (child.entry_point, child.calls, teacher.asked) == ("g", 3, 3)
    child, teacher = evolve([HARDER, SOLVED], depth=False)
    assert (child.reason, child.method, teacher.asked) == ("", "mutate", 2)


@pytest.mark.parametrize(
    ("replies", "reason"),
    [
        ([HARDER, "Equal."], "adds nothing"),
        ([HARDER, "Hard to say."], "no judgement"),
        (["- to the of, and."], "says nothing"),
        (["Unlike the task below, return the sum of all."], "copies its prompt"),
        (["Draw a plot of the largest number."], "blacklisted word: draw"),
        ([HARDER, "Not equal", "I am sorry, I cannot."], "cannot be solved"),
        ([HARDER, "DIFFERENT", "… is it."], "says nothing"),
        ([HARDER, "DIFFERENT", "Just take the maximum."], "no function"),
    ],
)
def test_elimination(replies: Sequence[str], reason: str) -> None:
    child, teacher = evolve(replies, depth=True)
    assert child.reason == reason
    assert teacher.asked == len(replies)


def test_all_operations_are_drawn() -> None:
    assert {draw_operation("p", n, 0) for n in range(100)} == set(OPERATIONS)
