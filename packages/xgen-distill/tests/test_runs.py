"""Rounds of the loop: what is found, kept, taken up, bounded and planned."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from xgen_core import BudgetError, Completion, GenerationRequest, InputError, ModelInfo
from xgen_core.lm.always_open import AlwaysOpen
from xgen_core.lm.scripted import prompt_text
from xgen_distill import Task, UnitTest
from xgen_distill.configuration import Configuration, Sampling
from xgen_distill.examiner import UNTOLD
from xgen_distill.items import Earlier, read_earlier, read_items
from xgen_distill.planning import plan_loop
from xgen_distill.runs import Finished, run_loop
from xgen_distill.spending import Spending


def make_task(number: int) -> Task:
    """Add a number; two tests are shown, one is hidden."""
    name = f"add_{number}"
    header = f"def {name}(value: int) -> int:\n"
    tests = [UnitTest.of_call(f"{name}({x})", f"{x + number}") for x in (1, 2, -5)]
    return Task(
        id=f"t{number}",
        instruction=f"Add {number} to the value.",
        entry_point=name,
        header=header,
        shown=tuple(tests[:2]),
        hidden=tuple(tests[2:]),
        gold=f"{header}    return value + {number}\n",
        origin="test",
    )


TASKS = [make_task(number) for number in range(1, 13)]
STUDENT_RIGHT, HIDDEN_FAILS = {"t3", "t6", "t12"}, {"t2", "t8"}
FAILED = {"t1", "t2", "t4", "t7", "t8", "t10"}


@dataclass
class Student(AlwaysOpen):
    """Its mistake depends on the task: every third is right, the others are wrong in some way.

    Attributes:
        identity: of the model.
        asked: prompts so far.
    """

    identity: str = "student"
    asked: list[str] = field(default_factory=list[str])

    @property
    def info(self) -> ModelInfo:
        return ModelInfo(identity=self.identity)

    async def generate(self, request: GenerationRequest) -> list[Completion]:
        prompt = prompt_text(request)
        self.asked.append(prompt)
        number = int(re.findall(r"def add_(\d+)", prompt)[-1])
        bodies = {
            0: f"    return value + {number}\n\nprint(add_{number}(3))\n",
            1: f"    result = value + {number}\n    return result - 1\n",
            2: f"    if value < 0:\n        return {number}\n    return value + {number}\n",
            3: "",
            4: "    return value + numbr\n",
            5: "I cannot say.\n",
        }
        kind = 3 if number == 9 else 0 if number % 3 == 0 else number % 6
        if self.identity == "tuned":
            kind = {1: 0, 2: 4}.get(kind, kind)
        return completions(bodies[kind], request)


@dataclass
class Teacher(AlwaysOpen):
    """Repairs what it is shown, by editing it; of two samples the first writes all anew.

    Attributes:
        asked: conversations so far.
        answers: what it says instead, by number of the task.
    """

    asked: list[str] = field(default_factory=list[str])
    answers: dict[int, str] = field(default_factory=dict[int, str])

    @property
    def info(self) -> ModelInfo:
        return ModelInfo(identity="teacher")

    async def generate(self, request: GenerationRequest) -> list[Completion]:
        prompt = prompt_text(request)
        self.asked.append(prompt)
        number = int(re.findall(r"add_(\d+)", prompt)[-1])
        if number in self.answers:
            return completions(self.answers[number], request)
        wrong = re.findall(r"INCORRECT PROGRAM:\n```python\n(.*?)\n```", prompt, re.DOTALL)[-1]
        right = wrong.replace(" - 1", "").replace("numbr", f"{number}")
        right = right.replace(f"return {number}\n", f"return value + {number}\n")
        if request.n == 1 and request.seed % 2 and request.temperature:
            right = f"{wrong.partition(':')[0]}: int) -> int:\n    return sum([value, {number}])"
        return completions(f"It was nearly right.\n\n```python\n{right}\n```\n", request)


def completions(text: str, request: GenerationRequest) -> list[Completion]:
    made = Completion(
        text=text,
        finish_reason="stop",
        prompt_tokens=len(prompt_text(request).split()),
        completion_tokens=len(text.split()),
    )
    return [made] * request.n


@pytest.fixture
def student() -> Student:
    return Student()


@pytest.fixture
def teacher() -> Teacher:
    return Teacher()


@pytest.fixture(autouse=True)
def models(monkeypatch: pytest.MonkeyPatch, student: Student, teacher: Teacher) -> None:
    """`test:student` and `test:teacher` open these two, `test:tuned` a better student."""
    known = {
        "test:student": student,
        "test:teacher": teacher,
        "test:tuned": Student(identity="tuned"),
    }
    for module in ("runs", "planning"):
        monkeypatch.setattr(f"xgen_distill.{module}.open_model", known.__getitem__)


CONFIGURATION = Configuration(student="test:student", teacher="test:teacher")


def run(
    output: Path,
    configuration: Configuration = CONFIGURATION,
    *,
    tasks: Sequence[Task] = TASKS,
    earlier: Earlier | None = None,
    union: bool = False,
    spending: Spending | None = None,
) -> Finished:
    return asyncio.run(
        run_loop(
            configuration,
            tasks,
            output=output,
            earlier=earlier,
            union=union,
            workers=2,
            spending=spending,
        )
    )


def stable(directory: Path) -> dict[str, bytes]:
    """Every file but those that know times: the store, and the page's calls and tasks."""
    files = (path for path in directory.rglob("*") if path.is_file())
    return {
        f"{path.relative_to(directory)}": path.read_bytes()
        for path in files
        if path.name not in ("calls.sqlite", "30-calls.json", "40-tasks.json")
    }


def test_a_round_repairs_what_failed_and_builds_all_seven_sets(tmp_path: Path) -> None:
    finished = run(tmp_path / "run")
    attempts = {attempt.task: attempt for attempt in finished.items.attempts}
    assert {task for task, attempt in attempts.items() if attempt.passed} == STUDENT_RIGHT
    assert {task for task, attempt in attempts.items() if attempt.failed} == FAILED
    assert {task: attempts[task].reason for task in ("t5", "t9", "t11")} == {
        "t5": "no function",
        "t9": "empty",
        "t11": "no function",
    }
    assert attempts["t3"].program == TASKS[2].gold, "what stood behind the function is cut"
    assert finished.results.stages.to_json() | {"rows": None} == {
        "tasks": 12,
        "usable": 12,
        "executable": 12,
        "attempted": 9,
        "failed": 6,
        "refined": 6,
        "valid": 6,
        "attempts": 12,
        "failures": 6,
        "refinements": 6,
        "passing": 6,
        "rows": None,
    }
    assert finished.results.stages.rows == {
        "stand": 12,
        "inpd": 6,
        "inpd-refine": 6,
        "inpd-combined": 12,
        "persd": 6,
        "persd-refine": 6,
        "persd-combined": 12,
    }
    assert finished.results.errors == {"AssertionError": 4, "NameError": 2}
    assert finished.results.rejected == {"attempts": {"no function": 2, "empty": 1}}
    repaired = {row.task: row for row in finished.sets.rows["persd"]}
    assert repaired["t1"].completion == "    result = value + 1\n    return result\n"
    likeness = finished.results.likeness["tokens"]
    assert likeness.pairs == 6
    assert likeness.attempt_refinement > likeness.attempt_gold
    assert likeness.closer == pytest.approx(4 / 6, abs=1e-6)


def test_hidden_tests_decide_and_are_not_told(tmp_path: Path, teacher: Teacher) -> None:
    attempts = {a.task: a for a in run(tmp_path / "run").items.attempts}
    assert {t for t, a in attempts.items() if a.feedback == UNTOLD} == HIDDEN_FAILS
    assert not any("-5" in prompt for prompt in teacher.asked)
    assert "INPUT: 1\nOUTPUT: 1\nEXPECTED: 2" in teacher.asked[0]
    told = replace(CONFIGURATION, told="all")
    attempts = {a.task: a for a in run(tmp_path / "all", told).items.attempts}
    feedback = attempts["t2"].feedback
    assert feedback is not None
    assert feedback.text == "AssertionError\nINPUT: -5\nOUTPUT: 2\nEXPECTED: -3"


def test_of_several_refinements_the_closest_that_passes_is_chosen(tmp_path: Path) -> None:
    two = replace(CONFIGURATION, refinements=Sampling(samples=2, temperature=1.0))
    items = run(tmp_path / "run", two).items
    assert len(items.refinements) == 2 * len(FAILED)
    assert not any(refinement.reason for refinement in items.refinements)
    assert {refinement.sample for refinement in items.chosen} == {0}
    anew = next(r for r in items.refinements if r.id == "t1/1/0/1")
    assert "sum(" in anew.program
    assert anew.similarity["tokens"] < items.chosen[0].similarity["tokens"]


def test_several_attempts_at_a_task_are_each_repaired(tmp_path: Path) -> None:
    two = replace(CONFIGURATION, attempts=Sampling(samples=2))
    items = run(tmp_path / "run", two, tasks=TASKS[:2]).items
    assert [attempt.id for attempt in items.attempts] == ["t1/1/0", "t1/1/1", "t2/1/0", "t2/1/1"]
    assert [refinement.attempt for refinement in items.chosen] == [a.id for a in items.attempts]


def test_replies_that_are_no_repair_are_rejected_and_counted(
    tmp_path: Path, teacher: Teacher
) -> None:
    teacher.answers = {
        1: "I would rather not.",
        2: "```python\ndef add_2(value, more):\n    return value + 2\n```",
        4: "```python\ndef add_4(value):\n    return value + 4\n\ndef other():\n    pass\n```",
        7: "```python\ndef add_7(value):\n    return value\n```",
        8: "```python\ndef add_8(value:\n```",
    }
    results = run(tmp_path / "run").results
    reasons = ("prose", "other signature", "several functions", "fails", "does not compile")
    assert results.rejected["refinements"] == dict.fromkeys(reasons, 1)
    assert results.stages.valid == 1
    assert results.stages.rows["persd"] == results.stages.rows["inpd"] == 1


def test_tasks_that_cannot_be_used_are_left_out_with_their_reason(
    tmp_path: Path, student: Student
) -> None:
    tasks = [
        TASKS[0],
        replace(TASKS[1], gold=TASKS[1].gold.replace("+ 2", "+ 3")),
        replace(TASKS[3], shown=(), hidden=()),
        replace(TASKS[4], shown=(UnitTest(source="assert add_5(1) =="),)),
        replace(TASKS[6], gold=""),
    ]
    finished = run(tmp_path / "run", tasks=tasks)
    assert finished.results.rejected["tasks"] == {
        "broken test": 1,
        "gold fails": 1,
        "no tests": 1,
    }
    assert {attempt.task for attempt in finished.items.attempts} == {"t1", "t7"}
    assert len(student.asked) == 2
    assert finished.results.stages.valid == 2
    assert finished.results.stages.rows["persd"] == 1, "t7 has no direct solution beside it"


def test_the_same_again_asks_nothing_and_writes_the_same(
    tmp_path: Path, student: Student, teacher: Teacher
) -> None:
    run(tmp_path / "run")
    first = stable(tmp_path / "run")
    asked = len(student.asked), len(teacher.asked)
    shutil.rmtree(tmp_path / "run" / "items")
    shutil.rmtree(tmp_path / "run" / "sets")
    run(tmp_path / "run")
    assert (len(student.asked), len(teacher.asked)) == asked
    assert stable(tmp_path / "run") == first
    run(tmp_path / "other")
    assert stable(tmp_path / "other") == first


def test_other_settings_are_another_run(tmp_path: Path) -> None:
    run(tmp_path / "run")
    with pytest.raises(InputError, match="told was 'shown', now 'all'"):
        run(tmp_path / "run", replace(CONFIGURATION, told="all"))


def test_a_second_round_keeps_the_first_and_can_be_joined_with_it(
    tmp_path: Path, student: Student
) -> None:
    run(tmp_path / "one")
    second = replace(CONFIGURATION, student="test:tuned", round=2)
    with pytest.raises(InputError, match="give --previous RUN"):
        run(tmp_path / "two", second)
    earlier = read_earlier(tmp_path / "one")
    alone = run(tmp_path / "two", second, earlier=earlier)
    assert {attempt.id for attempt in alone.items.attempts} == {f"{t.id}/2/0" for t in TASKS}
    assert alone.results.stages.rows["persd"] == 4
    both = run(tmp_path / "two", second, earlier=earlier, union=True)
    assert {row.attempt for row in both.sets.rows["persd-refine"]} == {
        *(f"{task}/1/0" for task in FAILED),
        *("t2/2/0", "t8/2/0"),  # those of t4 and t10 are what they were
    }
    some = run(tmp_path / "failed", replace(second, retried="failed"), earlier=earlier)
    assert {attempt.task for attempt in some.items.attempts} == {
        task.id for task in TASKS
    } - STUDENT_RIGHT
    assert read_items(tmp_path / "two").earlier == earlier
    assert read_earlier(tmp_path / "two").round == 2


def test_the_direct_solution_is_read_first_where_that_is_wanted(
    tmp_path: Path, teacher: Teacher
) -> None:
    run(tmp_path / "run", replace(CONFIGURATION, gold_in_context=True))
    assert all(prompt.startswith("Complete the function.") for prompt in teacher.asked)
    assert "return value + 1\n" in teacher.asked[0]
    without = [replace(TASKS[0], gold="")]
    with pytest.raises(InputError, match="task t1: no direct solution"):
        run(tmp_path / "other", replace(CONFIGURATION, gold_in_context=True), tasks=without)


def test_what_may_be_spent_holds_for_both_together(
    tmp_path: Path, student: Student, teacher: Teacher
) -> None:
    with pytest.raises(BudgetError, match="calls is used up"):
        run(tmp_path / "run", spending=Spending(calls=15))
    assert len(student.asked) + len(teacher.asked) == 15
    assert len(student.asked) == 12
    finished = run(tmp_path / "run", spending=Spending(calls=3))
    assert len(teacher.asked) == 6, "what was answered is not asked again"
    assert finished.results.stages.valid == 6


def test_a_plan_supposes_that_all_fails_but_what_is_known(
    tmp_path: Path, student: Student, teacher: Teacher
) -> None:
    def plan() -> tuple[int, int]:
        plans = asyncio.run(plan_loop(CONFIGURATION, TASKS, output=tmp_path / "run"))
        return plans[0].generate_plan.worst.calls, plans[1].generate_plan.worst.calls

    assert plan() == (12, 12)
    assert not student.asked
    with pytest.raises(BudgetError):
        run(tmp_path / "run", spending=Spending(calls=15))
    assert plan() == (0, 3)
    run(tmp_path / "run")
    assert plan() == (0, 0)


def test_items_are_one_record_a_line(tmp_path: Path) -> None:
    run(tmp_path / "run")
    lines = (tmp_path / "run" / "items" / "refinements.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    assert [row["id"] for row in rows] == [
        f"{task.id}/1/0/0" for task in TASKS if task.id in FAILED
    ]
    assert all(row["chosen"] and row["verdict"]["outcome"] == "passed" for row in rows)
