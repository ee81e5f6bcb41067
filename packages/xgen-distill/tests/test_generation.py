"""Making tasks: what a teacher answers, what is kept of it, and that a killed run goes on alike."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from xgen_core import (
    BudgetError,
    Completion,
    EndpointError,
    GenerationRequest,
    InputError,
    ModelInfo,
)
from xgen_core.files import read_jsonl
from xgen_core.lm import Budget
from xgen_core.lm.always_open import AlwaysOpen
from xgen_core.lm.scripted import prompt_text
from xgen_distill import Task, UnitTest
from xgen_distill.generation import Candidate, Generated, Generation, generate_tasks
from xgen_distill.generation.planning import plan_generation
from xgen_eval.metrics.rouge import rouge

_FENCE = "```"
_VERBS = ("Count", "Collect", "Multiply", "Negate", "Double", "Reverse", "Sort")


def make_seed(number: int) -> Task:
    """A seed; its solution adds a number."""
    header = f"def seed_{number}(value: int) -> int:\n"
    return Task(
        id=f"s{number}",
        instruction=f"Seed number {number} adds {number} to whatever value it gets.",
        entry_point=f"seed_{number}",
        header=header,
        shown=(UnitTest.of(f"assert seed_{number}(1) == {number + 1}"),),
        gold=f"{header}    return value + {number}\n",
        origin="test",
    )


SEEDS = [make_seed(number) for number in (1, 2, 3, 4)]


def make_list(call: int, first: int, last: int) -> str:
    """Good items and every kind of bad one, in prose."""
    items: list[tuple[str, str]] = []
    for place in range(4):
        number = 4 * call + place
        name = f"task_{number}"
        code = f"def {name}(values):\n    return [v * {number + 2} for v in values]"
        text = f"{_VERBS[number % 7]} k{number} items by q{number} for z{number}."
        items.append((text, f"{_FENCE}python\n{code}\n\nprint({name}([1]))\n{_FENCE}"))
    items += [
        ("Draw a circle with a given radius.", "def f(x):\n    return x"),
        (f"Explain {call} what recursion is to a child.", "It calls itself."),
        (f"Triple what array number {call} holds.", f"{_FENCE}js\nfunction f(a) {{}}\n{_FENCE}"),
        (f"Halve {call} and square {call} in one go.", "def f(x):\n    pass\ndef g(x):\n    pass"),
        (f"Break {call} into its broken pieces.", "def f(x:\n    return"),
        (SEEDS[0].instruction, "def f(x):\n    return x"),
    ]
    lines = ["Here is the rest of the list:", ""]
    for number, (text, output) in zip(range(first, last + 1), items, strict=False):
        lines += ["###", f"{number}. Instruction: {text}", f"{number}. Input: <noinput>"]
        lines += [f"{number}. Output:", output]
    return "\n".join(lines)


@dataclass
class Teacher(AlwaysOpen):
    """Makes tasks up by rule.

    Attributes:
        most: answers, after which it is not there any more.
        lists: different ones that it can make.
        asked: prompts so far.
    """

    most: int | None = None
    lists: int = 100
    asked: list[str] = field(default_factory=list[str])

    @property
    def info(self) -> ModelInfo:
        return ModelInfo(identity="teacher")

    async def generate(self, request: GenerationRequest) -> list[Completion]:
        if self.most is not None and len(self.asked) >= self.most:
            raise EndpointError("it is gone")
        prompt = prompt_text(request)
        self.asked.append(prompt)
        text = self.answer(prompt, request.seed)
        return [Completion(text=text, finish_reason="stop", prompt_tokens=9, completion_tokens=5)]

    def answer(self, prompt: str, seed: int) -> str:
        listed = re.search(r"Go on with number (\d+) .* up to number (\d+)", prompt)
        if listed:
            return make_list(seed % self.lists, int(listed[1]), int(listed[2]))
        if prompt.startswith("Write"):
            name = re.findall(r"def (\w+)\(", prompt)[-1]
            count = int(re.findall(r"Write (\d+) calls", prompt)[0])
            if re.search(r"_\d*3$", name):
                return "I would rather not."
            value = "{}" if "deep" in name or "seed" in name else "[{}, -1]"
            calls = [f"{name}({value.format(number)})" for number in range(count)]
            return "\n".join([f"{_FENCE}python", *calls, _FENCE])
        instruction = prompt.rpartition("THE TASK:\n")[2]
        if prompt.startswith("Rewrite"):
            return f"Rewritten task: {instruction} Do so for negative numbers as well."
        if "Make up another" in prompt:
            return (
                f"Turn {len(instruction)} into an unheard of {instruction.split()[-1]} shape now."
            )
        if "Do these two" in prompt:
            return "EQUAL." if "3" in prompt else "DIFFERENT"
        return f"{_FENCE}python\ndef deep(value):\n    return value\n{_FENCE}"


@pytest.fixture
def teacher(monkeypatch: pytest.MonkeyPatch) -> Teacher:
    """What `test:teacher` opens."""
    made = Teacher()
    monkeypatch.setattr("xgen_distill.generation.runs.open_model", lambda uri: made)
    monkeypatch.setattr("xgen_distill.generation.planning.open_model", lambda uri: made)
    return made


GENERATION = Generation(asked=13, wave=2)


def make(
    output: Path,
    *,
    count: int = 9,
    rounds: int = 0,
    generation: Generation = GENERATION,
    budget: Budget | None = None,
) -> Generated:
    return asyncio.run(
        generate_tasks(
            generation,
            SEEDS,
            teacher="test:teacher",
            count=count,
            rounds=rounds,
            output=output,
            concurrency=2,
            workers=2,
            allow_weak=True,
            budget=budget,
        )
    )


def contents(directory: Path) -> dict[str, bytes]:
    return {
        f"{path.relative_to(directory)}": path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file() and not path.name.startswith("calls.sqlite")
    }


def test_tasks_are_made_and_the_rest_is_counted(tmp_path: Path, teacher: Teacher) -> None:
    made = make(tmp_path / "run")
    assert len(made.tasks) == 9
    assert made.results.ended == "enough"
    for task in made.tasks:
        assert (len(task.shown), len(task.hidden)) == (2, 3)
        assert task.origin == "self-instruct"
        assert "print" not in task.gold
        number = int(task.entry_point.rpartition("_")[2]) + 2
        assert task.shown[0].source == f"assert {task.entry_point}([0, -1]) == [0, {-number}]"
    assert list(read_jsonl(tmp_path / "run" / "tasks.jsonl", Task.from_json)) == list(made.tasks)
    ideas = made.results.rejected["ideas"]
    assert set(ideas) == {
        "blacklisted word: draw",
        "no function",
        "other language",
        "several functions",
        "does not compile",
        "not new: rouge-l",
    }
    assert made.results.rejected["tests"]["no calls"] == 2
    assert made.results.rejected["lines"] == {"not an expression": 2}
    assert made.results.made["self-instruct"].candidates == len(made.candidates)
    kept = {one.id for one in made.candidates if not one.reason}
    assert kept == {task.id for task in made.tasks}
    section = json.loads((tmp_path / "run" / "sections" / "10-tasks.json").read_text())
    assert section["title"] == "Tasks made"


def test_no_two_tasks_are_alike_but_a_task_and_what_it_was_made_of(
    tmp_path: Path, teacher: Teacher
) -> None:
    made = make(tmp_path / "run", count=6, rounds=2)
    parents = {one.id: one.parents for one in made.candidates}
    for one, other in itertools.combinations(made.tasks, 2):
        if one.id not in parents[other.id]:
            assert rouge(one.instruction, other.instruction)["rougeL"] <= 0.7
    evolved = [one for one in made.candidates if one.round and not one.reason]
    assert evolved
    assert {"evolve 1", "evolve 2"} <= set(made.results.made)
    assert made.results.rejected["ideas"]["adds nothing"] > 0
    second = next(one for one in made.candidates if one.round == 2 and len(one.parents) == 2)
    assert second.parents[1] == f"{second.parents[0]}/1"
    assert sum(made.results.operations.values()) == len(evolved)


@pytest.mark.parametrize("most", [1, 5, 14])
def test_a_run_that_was_cut_short_goes_on_alike(
    tmp_path: Path, teacher: Teacher, most: int
) -> None:
    make(tmp_path / "whole", count=4, rounds=1)
    asked = sorted(teacher.asked)
    teacher.asked, teacher.most = [], most
    with pytest.raises(EndpointError):
        make(tmp_path / "cut", count=4, rounds=1)
    before, teacher.most = len(teacher.asked), None
    make(tmp_path / "cut", count=4, rounds=1)
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")
    assert before == most
    assert sorted(set(teacher.asked)) == sorted(set(asked))


def test_the_same_again_asks_nothing_and_a_higher_count_goes_on(
    tmp_path: Path, teacher: Teacher
) -> None:
    first = make(tmp_path / "run", count=3)
    before = len(teacher.asked)
    assert make(tmp_path / "run", count=3) == first
    assert len(teacher.asked) == before
    more = make(tmp_path / "run", count=7)
    assert more.tasks[:3] == first.tasks
    assert len(more.tasks) == 7


def test_it_ends_when_lists_bring_nothing_new(tmp_path: Path, teacher: Teacher) -> None:
    teacher.lists = 3
    made = make(tmp_path / "run", count=10_000)
    assert made.results.ended == "dried up"
    assert "brought nothing new" in made.results.summary
    assert len(made.tasks) == 4 * 3 - 1  # no calls come for `task_3`


def test_seeds_themselves_can_be_rewritten(tmp_path: Path, teacher: Teacher) -> None:
    made = make(tmp_path / "run", count=0, rounds=1)
    assert {one.parents[0] for one in made.candidates} == {seed.id for seed in SEEDS}
    assert all(task.origin == "evol-instruct" for task in made.tasks)


def test_the_budget_holds_and_nothing_is_asked_twice(tmp_path: Path, teacher: Teacher) -> None:
    with pytest.raises(BudgetError):
        make(tmp_path / "run", budget=Budget(calls=6))
    assert len(teacher.asked) == 6
    make(tmp_path / "run")
    again = [prompt for prompt in teacher.asked[6:] if prompt.startswith("Write")]
    assert not set(again) & set(teacher.asked[:6])


def test_a_plan_counts_and_asks_nothing(tmp_path: Path, teacher: Teacher) -> None:
    plan = asyncio.run(
        plan_generation(
            GENERATION, SEEDS, teacher="test:teacher", count=20, output=tmp_path / "run", rounds=1
        )
    )
    # two lists of ten, 20 times tests, and for each a rewriting, a comparison, a solution, tests
    assert plan.generate_plan.worst.calls == 2 + 20 + 20 * 4
    assert not teacher.asked
    assert not (tmp_path / "run").exists()


def test_seeds_without_solutions_are_too_few(tmp_path: Path, teacher: Teacher) -> None:
    with pytest.raises(
        InputError, match="4 of 4 seeds have a direct solution, and a prompt shows 9"
    ):
        make(tmp_path / "run", generation=Generation(seeds=9))


def test_a_candidate_without_a_solution_is_no_task() -> None:
    with pytest.raises(ValueError, match="no header"):
        Candidate(id="x", method="self-instruct", instruction="Do it.").task()
