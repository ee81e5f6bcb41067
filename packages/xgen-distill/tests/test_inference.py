"""Several steps: who is rectified, by what, and who is left as it is."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from xgen_core import Completion, GenerationRequest, ModelError, ModelInfo
from xgen_core.lm.always_open import AlwaysOpen
from xgen_core.lm.scripted import prompt_text
from xgen_distill import Refinement, Task, Template, UnitTest
from xgen_distill.configuration import Sampling
from xgen_distill.examiner import Examiner, task_problems
from xgen_distill.inference import SETTINGS, MultiStep, Solved
from xgen_distill.inference.export import humaneval_samples
from xgen_distill.inference.step import Told
from xgen_distill.sets import build_sets
from xgen_distill.student import Student
from xgen_eval.execution import Checker, Limits

HEADER = "def add(value: int) -> int:\n"
TASK = Task(
    id="add",
    instruction="Add one to the value.",
    entry_point="add",
    header=HEADER,
    shown=(UnitTest.of("assert add(1) == 2"),),
    hidden=(UnitTest.of("assert add(-5) == -4"),),
    gold=f"{HEADER}    return value + 1\n",
    trusted=True,
)
RIGHT, WRONG, HALF = "    return value + 1\n", "    return value\n", "    return abs(value) + 1\n"
LIMITS = Limits(wall_seconds=10.0, cpu_seconds=11)


@dataclass
class Scripted(AlwaysOpen):
    """Says first programs, by number of the sample, and then rectified ones.

    Attributes:
        first, then: what it says; sample `i` gets entry `i`.
        asked: prompts so far, with the seed of each.
    """

    first: Sequence[str]
    then: Sequence[str] = ()
    asked: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])

    @property
    def info(self) -> ModelInfo:
        return ModelInfo(identity="scripted")

    async def generate(self, request: GenerationRequest) -> list[Completion]:
        prompt = prompt_text(request)
        self.asked.append((prompt, request.seed))
        said = self.then if "ERROR:" in prompt else self.first
        return [Completion(text=said[request.seed], finish_reason="stop", completion_tokens=1)]


def solve(model: Scripted, task: Task = TASK, *, steps: int = 2, told: Told = "shown") -> Solved:
    async def solved() -> Solved:
        problems = task_problems([task])
        async with Checker(list(problems.values()), workers=2, allow_weak=True) as checker:
            sampling = Sampling(samples=len(model.first), temperature=0.2)
            student = Student(model=model, template=Template(), sampling=sampling)
            examiner = Examiner(checker, problems, LIMITS)
            solver = MultiStep(student=student, examiner=examiner, steps=steps, told=told)
            return await solver.solve(task)

    return asyncio.run(solved())


def story(solved: Solved, step: int) -> list[tuple[str, str, str | None]]:
    return [(found.how, found.reason, found.outcome) for found in solved.at(step)]


def test_what_fails_a_shown_test_is_rectified_and_nothing_else() -> None:
    model = Scripted(first=[RIGHT, WRONG, HALF, ""], then=["", RIGHT, "", ""])
    solved = solve(model)
    assert story(solved, 1) == [
        ("sampled", "", "passed"),
        ("sampled", "", "assertion"),
        ("sampled", "", "assertion"),
        ("sampled", "empty", None),
    ]
    assert story(solved, 2) == [
        ("carried", "passes", "passed"),
        ("refined", "", "passed"),
        ("carried", "passes", "assertion"),  # its mistake is known to a hidden test alone
        ("kept", "empty", None),
    ]
    assert [seed for prompt, seed in model.asked if "ERROR:" in prompt] == [1]
    assert not any("-5" in prompt or "-4" in prompt for prompt, _ in model.asked)


def test_the_oracle_tells_what_scores_and_says_so() -> None:
    model = Scripted(first=[HALF], then=[RIGHT])
    solved = solve(model, told="oracle")
    assert solved.told == "oracle"
    assert story(solved, 2) == [("refined", "", "passed")]
    assert "INPUT: -5" in model.asked[-1][0]


def test_a_task_without_shown_tests_is_carried_over_not_failed() -> None:
    model = Scripted(first=[WRONG])
    solved = solve(model, replace(TASK, shown=(), hidden=TASK.tests))
    assert story(solved, 2) == [("carried", "no shown tests", "assertion")]
    assert len(model.asked) == 1


def test_answers_that_are_no_program_keep_the_old_one() -> None:
    then = ["", "The code is correct.", "I do not know.", "    return value + (\n"]
    solved = solve(Scripted(first=[WRONG] * 4, then=then))
    assert [found.reason for found in solved.at(2)] == ["empty", "says correct", "no function", ""]
    assert [found.program for found in solved.at(2)[:3]] == [HEADER + WRONG] * 3
    assert story(solved, 2)[3] == ("refined", "", "syntax")


def test_each_further_step_begins_from_the_program_before() -> None:
    nearly = "    return value + 2\n"
    model = Scripted(first=[WRONG], then=[nearly])
    solved = solve(model, steps=3)
    assert [found.how for found in solved.samples[0].steps] == ["sampled", "refined", "refined"]
    assert "OUTPUT: 3" in model.asked[-1][0]
    assert HEADER + nearly.rstrip() in model.asked[-1][0]


def test_the_prompt_of_a_second_step_is_that_of_a_training_row() -> None:
    model = Scripted(first=[WRONG], then=[RIGHT])
    template = Template()

    async def trained() -> str:
        problems = task_problems([TASK])
        async with Checker(list(problems.values()), workers=2, allow_weak=True) as checker:
            examiner = Examiner(checker, problems, LIMITS)
            student = Student(model=model, template=template, sampling=Sampling())
            attempt = await student.attempt(TASK)
            verdict, feedback = await examiner.trial(TASK, attempt.program, told="shown")
            attempt = replace(attempt, verdict=verdict, feedback=feedback)
            repair = Refinement(
                attempt=attempt.id,
                reply="",
                program=TASK.gold,
                verdict=await examiner.examine(TASK, TASK.gold),
                chosen=True,
            )
            sets = await build_sets([TASK], [attempt], [repair], template, checker)
        return sets.rows["persd-refine"][0].prompt

    row = asyncio.run(trained())
    solve(model)
    assert model.asked[-1][0].encode() == row.encode()


def test_samples_are_written_as_humaneval_has_them() -> None:
    task = replace(TASK, prelude="import math\n")
    solved = solve(Scripted(first=[RIGHT, "", "    return value + (\n"]), task, steps=1)
    rows = list(humaneval_samples([solved], {"add": task}, 1))
    assert rows[0] == {
        "task_id": "add",
        "completion": RIGHT,
        "solution": f"import math\n\n{HEADER}{RIGHT}",
    }
    assert [row["completion"] for row in rows[1:]] == ["    pass\n", "    return value + (\n"]


def test_a_whole_program_goes_on_from_humanevals_prompt_all_the_same() -> None:
    reply = "```python\nimport math\n\ndef add(n):\n    return math.floor(n) + 1\n```"
    solved = solve(Scripted(first=[reply]), steps=1)
    (row,) = humaneval_samples([solved], {"add": TASK}, 1)
    space: dict[str, Any] = {}
    exec(f'{HEADER}    """Add one."""\n{row["completion"]}', space)
    assert space["add"](2) == 3


def test_a_failing_sample_lets_the_others_be_answered() -> None:
    class Failing(Scripted):
        async def generate(self, request: GenerationRequest) -> list[Completion]:
            if request.seed == 0:
                raise ModelError("no answer")
            await asyncio.sleep(0)
            return await super().generate(request)

    model = Failing(first=[RIGHT] * 3)
    with pytest.raises(ModelError, match="no answer"):
        solve(model)
    assert len(model.asked) == 2


def test_settings_are_the_papers() -> None:
    pass1, pass100 = SETTINGS["pass1"], SETTINGS["pass100"]
    assert (pass1.sampling.samples, pass1.sampling.temperature, pass1.ks) == (20, 0.2, (1,))
    assert (pass100.sampling.samples, pass100.sampling.temperature) == (100, 0.8)
    assert pass100.ks == (5, 10, 20)
    assert {s.sampling.top_p for s in (pass1, pass100)} == {0.95}
    assert pass100.with_samples(10).ks == (5, 10)
