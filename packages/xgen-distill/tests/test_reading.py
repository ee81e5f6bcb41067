"""Programs in replies of a teacher, and in completions of a student."""

from __future__ import annotations

import pytest

from xgen_distill import Task
from xgen_distill.student import read_attempt
from xgen_distill.teacher.reading import read_reply

HEADER = "def larger(a: int, b: int = 0) -> int:\n"
BODY = "    return a if a > b else b\n"
TASK = Task(
    id="larger", instruction="Return the larger number.", entry_point="larger", header=HEADER
)


def fenced(code: str, language: str = "python") -> str:
    return f"Here it is:\n\n```{language}\n{code}```\nIt works now.\n"


@pytest.mark.parametrize(
    "reply",
    [
        fenced(HEADER + BODY),
        fenced(HEADER + BODY, language=""),
        f"```python\n{HEADER}{BODY}",  # cut before the fence is closed
        HEADER + BODY,
        f"RECTIFIED CODE:\n{HEADER}{BODY}\nThe comparison was the wrong way round.",
        fenced(BODY),  # the header is missing
        fenced("x = 1\n") + fenced(HEADER + BODY) + fenced("larger(1, 2)\n"),
        fenced(HEADER + BODY + "\nprint(larger(1, 2))\nassert larger(2, 1) == 2\n"),
        f"1. Mistake:\n   ```py\n   {HEADER}    {BODY.strip()}\n   ```\n".replace(
            "\n    r", "\n       r"
        ),
    ],
)
def test_the_function_is_found_in_a_reply(reply: str) -> None:
    reading = read_reply(reply, TASK)
    assert reading.reason == ""
    assert reading.program == HEADER + BODY


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("", "no code"),
        ("```python\n```", "no code"),
        ("The program is right as it is.", "prose"),
        (fenced("def larger(a: int, b: int = 0) -> int\n    return a\n"), "does not compile"),
        (fenced("larger = max\n"), "no function"),
        (
            fenced(HEADER + BODY + "\ndef smaller(a, b):\n    return min(a, b)\n"),
            "several functions",
        ),
        (fenced("def larger(a, b):\n    return a\n"), "other signature"),
        (fenced("def larger(a, b=0, *more):\n    return a\n"), "other signature"),
        (fenced("def biggest(a, b=0):\n    return a\n"), "other signature"),
        (fenced("class Larger:\n    pass\n"), "other signature"),
        (fenced("async def larger(a, b=0):\n    return a\n"), "other signature"),
    ],
)
def test_what_is_no_repair_has_its_reason(reply: str, reason: str) -> None:
    reading = read_reply(reply, TASK)
    assert (reading.reason, reading.program) == (reason, "")


def test_imports_helpers_that_are_used_and_other_names_stay() -> None:
    code = (
        "import math\n\ndef larger(x, y=0):\n    return pick(x, y)\n\n"
        "def pick(x, y):\n    return max(x, y)\n"
    )
    reading = read_reply(fenced(code + "\nif __name__ == '__main__':\n    print(1)\n"), TASK)
    assert reading.reason == ""
    assert reading.program == code


@pytest.mark.parametrize(
    ("completion", "program"),
    [
        (BODY, HEADER + BODY),
        (BODY + "\nprint(larger(1, 2))\n", HEADER + BODY),
        (BODY + "\n# Test\n", HEADER + BODY),
        (BODY.lstrip(), HEADER + BODY),  # an endpoint that strips answers
        (fenced(HEADER + BODY), HEADER + BODY),
        (HEADER + BODY, HEADER + BODY),
        (BODY + "<|endoftext|>def larger(", HEADER + BODY),
        ("    return (a\n", HEADER + "    return (a\n"),  # a failure to be told of
    ],
)
def test_a_completion_becomes_a_program(completion: str, program: str) -> None:
    reading = read_attempt(TASK, completion)
    assert reading.reason == ""
    assert reading.program == program


@pytest.mark.parametrize(
    ("completion", "reason"),
    [
        ("", "empty"),
        (" \n\n", "empty"),
        ("<|endoftext|>", "empty"),
        ("I cannot write that.", "no function"),
        (fenced("x = 1\n"), "no function"),
    ],
)
def test_a_completion_that_is_no_program_has_its_reason(completion: str, reason: str) -> None:
    reading = read_attempt(TASK, completion)
    assert (reading.reason, reading.program) == (reason, "")
