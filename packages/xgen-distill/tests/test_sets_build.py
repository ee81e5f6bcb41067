"""The seven sets of a small run, on disk and back."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from xgen_core import FormatError, InputError
from xgen_distill import Attempt, Feedback, Refinement, Task, Template, UnitTest
from xgen_distill.sets import (
    EXPORTS,
    SETS,
    Combined,
    Sets,
    build_sets,
    export_rows,
    read_sets,
    write_sets,
)
from xgen_eval.execution import Checker

TEMPLATE = Template(examples=1)


def add(number: int, gold: str) -> Task:
    """The task to add a number."""
    return Task(
        id=f"add{number}",
        instruction=f"Add {number} to a number.",
        entry_point=f"add{number}",
        header=f"def add{number}(x: int) -> int:\n",
        shown=(UnitTest.of(f"assert add{number}(1) == {number + 1}"),),
        hidden=(UnitTest.of(f"assert add{number}(x=0) == {number}"),),
        gold=gold,
    )


TASKS = [
    add(1, "def add1(x):\n    return 1 + x\n"),
    add(2, "def add2(y):\n    return 2 + y\n"),
    add(3, "def add3(x: int) -> int:\n    return 3 * x\n"),
    add(4, ""),
    add(5, "def add5(x: int) -> int:\n    return 5 + x\n"),
]
FEEDBACK = Feedback(outcome="assertion", kind="AssertionError", input="1", output="0", expected="2")


def tried(number: int, sample: int = 0, program: str = "") -> Attempt:
    program = program or f"def add{number}(x: int) -> int:\n    return x - {number}\n"
    completion = program.partition("\n")[2]
    return Attempt(
        task=f"add{number}",
        sample=sample,
        completion=completion,
        program=program,
        feedback=FEEDBACK,
    )


def repaired(attempt: Attempt, program: str = "", *, chosen: bool = True) -> Refinement:
    program = program or attempt.program.replace("x - ", "x + ")
    return Refinement(attempt=attempt.id, reply=program, program=program, chosen=chosen)


ATTEMPTS = [
    *(tried(number) for number in (1, 2, 3, 4, 5)),
    tried(1, 1),
    tried(2, 1, "def add2(x: int) -> int:\n    return x\n"),
]
REFINEMENTS = [
    *(repaired(attempt) for attempt in ATTEMPTS[:4]),
    repaired(ATTEMPTS[4], "def add5(x: int) -> int:\n    return x + 6\n"),
    repaired(ATTEMPTS[5]),
    repaired(ATTEMPTS[6], "def add2(x: int) -> int:\n    x += 2\n    return x\n"),
    repaired(ATTEMPTS[6], "def add2(x: int) -> int:\n    return 9\n", chosen=False),
]


def build(
    tasks: Sequence[Task] = TASKS,
    attempts: Sequence[Attempt] = ATTEMPTS,
    refinements: Sequence[Refinement] = REFINEMENTS,
    template: Template = TEMPLATE,
    combined: Combined = "repair",
) -> Sets:
    async def work() -> Sets:
        problems = [TASKS[0].problem(TASKS[0].tests)]  # none needs a module
        async with Checker(problems, workers=4, allow_weak=True) as checker:
            return await build_sets(
                tasks, attempts, refinements, template, checker, combined=combined
            )

    return asyncio.run(work())


@pytest.fixture(scope="module")
def sets() -> Sets:
    return build()


def ids(sets: Sets, name: str) -> list[str]:
    return [
        row.id for row in next(rows for set_name, rows in sets.rows.items() if set_name == name)
    ]


def test_each_set_has_its_rows(sets: Sets) -> None:
    direct = ["direct/attempt/add1", "direct/attempt/add2"]
    assert ids(sets, "stand") == [*direct, "direct/attempt/add5"]
    assert ids(sets, "inpd") == direct
    assert ids(sets, "persd") == [f"repair/attempt/add{n}" for n in ("1/1/0", "2/1/0", "2/1/1")]
    assert ids(sets, "inpd-refine") == [
        f"direct/refinement/add{n}" for n in ("1/1/0", "2/1/0", "2/1/1")
    ]
    assert ids(sets, "persd-refine") == [
        f"repair/refinement/add{n}" for n in ("1/1/0", "2/1/0", "2/1/1")
    ]
    assert ids(sets, "inpd-combined") == ids(sets, "inpd") + ids(sets, "inpd-refine")
    assert ids(sets, "persd-combined") == ids(sets, "persd") + ids(sets, "persd-refine")
    tasks = [{row.task for row in sets.rows[name]} for name in SETS if name != "stand"]
    assert tasks == [{"add1", "add2"}] * 6


def test_combined_as_the_release_has_it(sets: Sets) -> None:
    other = build(combined="direct")
    assert ids(other, "persd-combined") == ids(sets, "inpd") + ids(sets, "persd-refine")
    assert {name: rows for name, rows in other.rows.items() if name != "persd-combined"} == {
        name: rows for name, rows in sets.rows.items() if name != "persd-combined"
    }


def test_everything_left_out_is_counted_with_its_reason(sets: Sets) -> None:
    found = [(r.source, r.task, r.attempt, r.reason) for r in sets.rejections]
    assert found == [
        ("direct", "add3", "", "fails as trained"),
        ("direct", "add4", "", "no direct solution"),
        ("repair", "add3", "add3/1/0", "no direct solution as trained"),
        ("repair", "add4", "add4/1/0", "no direct solution as trained"),
        ("repair", "add5", "add5/1/0", "fails as trained"),
    ]
    counts = sets.counts
    assert counts.rejected == {
        "direct": {"fails as trained": 1, "no direct solution": 1},
        "repair": {"no direct solution as trained": 2, "fails as trained": 1},
    }
    assert counts.sets["stand"].repaired == {
        "header's hints for its own": 2,
        "parameters renamed": 1,
    }
    assert (counts.sets["persd"].rows, counts.sets["persd"].tasks) == (3, 2)
    # The second sample for add1 is the first one again.
    assert {name: count.same for name, count in counts.sets.items() if count.same} == {
        "persd": 1,
        "persd-refine": 1,
        "inpd-refine": 1,
    }


def test_prompts_are_those_of_inference_to_the_byte(sets: Sets) -> None:
    tasks = {task.id: task for task in TASKS}
    attempts = {attempt.id: attempt for attempt in ATTEMPTS}
    for name in SETS:
        for row in sets.rows[name]:
            task = tasks[row.task]
            if row.asks == "attempt":
                assert row.prompt == TEMPLATE.attempt(task)
            else:
                attempt = attempts[row.attempt]
                assert attempt.feedback is not None
                told = TEMPLATE.refinement(task, attempt.program, attempt.feedback.text)
                assert row.prompt.encode() == told.encode()
            assert row.prompt.endswith(task.header)
            assert row.program == task.header + row.completion


def test_same_arguments_same_bytes(sets: Sets, tmp_path: Path) -> None:
    write_sets(tmp_path / "a", sets)
    write_sets(tmp_path / "b", build(refinements=list(reversed(REFINEMENTS))))
    files = sorted(path.name for path in (tmp_path / "a").iterdir())
    ends = ("jsonl", "examples.jsonl")
    assert {*files} == {
        "counts.json",
        "rejected.jsonl",
        *(f"{name}.{end}" for name in SETS for end in ends),
    }
    for name in files:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


def test_sets_come_back_from_disk_and_damage_is_told(sets: Sets, tmp_path: Path) -> None:
    home = tmp_path / "sets"
    write_sets(home, build(tasks=TASKS[:1], attempts=ATTEMPTS[:1], refinements=REFINEMENTS[:1]))
    write_sets(home, sets)  # in the place of the earlier ones
    assert read_sets(home) == sets
    rows = (home / "persd.jsonl").read_text("utf-8").splitlines(keepends=True)
    (home / "persd.jsonl").write_text("".join(rows[1:]), "utf-8")
    with pytest.raises(FormatError, match=r"counts\.json does not count these rows"):
        read_sets(home)
    (home / "persd.jsonl").write_text('{"id": 1}\n', "utf-8")
    with pytest.raises(InputError, match=r"persd.jsonl:1"):
        read_sets(home)
    (home / "counts.json").write_text('{"format": "xgen-distill-sets", "version": 2}', "utf-8")
    with pytest.raises(FormatError, match="version"):
        read_sets(home)


def test_exports_keep_prompt_and_completion(sets: Sets, tmp_path: Path) -> None:
    rows = sets.rows["persd-combined"]
    for form in EXPORTS:
        path = tmp_path / f"{form}.jsonl"
        written = export_rows(path, rows, form)
        lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        assert written == len(lines) == (3 if form == "human-eval" else 6)
        first = rows[0]
        assert (
            lines[0]
            == {
                "alpaca": {"instruction": first.prompt, "input": "", "output": first.completion},
                "prompt-completion": {"prompt": first.prompt, "completion": first.completion},
                "human-eval": {"task_id": "add1", "completion": first.completion},
                "chat": {
                    "messages": [
                        {"role": "user", "content": first.prompt},
                        {"role": "assistant", "content": first.completion},
                    ]
                },
            }[form]
        )


def test_a_long_attempt_is_shortened_in_sight(sets: Sets) -> None:
    short = dataclasses.replace(TEMPLATE, longest=35)
    cut = build(template=short)
    row, whole = cut.rows["persd-refine"][0], sets.rows["persd-refine"][0]
    assert "PROGRAM:\ndef add1(x: int) -> int:\n# … 1 more lines\n\nERROR:" in row.prompt
    assert row.repaired == ("attempt shortened in the prompt: 42 characters",)
    assert whole.repaired == ()
    assert cut.template != sets.template


def test_what_does_not_belong_together_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="the same id"):
        build(tasks=[*TASKS, TASKS[0]])
    with pytest.raises(ValueError, match="its attempt or task"):
        build(attempts=ATTEMPTS[:2])
    passed = dataclasses.replace(ATTEMPTS[0], feedback=None)
    with pytest.raises(ValueError, match="did not fail"):
        build(attempts=[passed, *ATTEMPTS[1:]])


def test_a_broken_test_says_nothing_of_the_program() -> None:
    task = dataclasses.replace(TASKS[0], hidden=(UnitTest.of("assert add1(1) =="),))
    mute = dataclasses.replace(TASKS[4], shown=(), hidden=())
    found = build(tasks=[task], attempts=[], refinements=[]).rejections
    assert [r.reason for r in found] == ["not judged"]

    async def untested() -> Sets:
        async with Checker(
            [TASKS[0].problem(TASKS[0].tests)], workers=1, allow_weak=True
        ) as checker:
            return await build_sets([mute], [], [], TEMPLATE, checker)

    assert [r.detail for r in asyncio.run(untested()).rejections] == ["the task has no tests"]
