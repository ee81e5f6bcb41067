"""`xgen distill run`: killed, repeated, bounded, planned, and with endpoints that fail."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from xgen_core import Completion, GenerationRequest, ModelInfo
from xgen_core.command.group import xgen
from xgen_core.lm.always_open import AlwaysOpen
from xgen_core.lm.scripted import prompt_text
from xgen_core.testing import Fault, LoopbackServer

ROOT = Path(__file__).parents[2]
TASKS = 6


@dataclass
class Model(AlwaysOpen):
    """Adds one too few as a student, and takes that back as a teacher."""

    identity: str

    @property
    def info(self) -> ModelInfo:
        return ModelInfo(identity=self.identity)

    async def generate(self, request: GenerationRequest) -> list[Completion]:
        prompt = prompt_text(request)
        number = int(re.findall(r"add_(\d+)", prompt)[-1])
        body = f"    return value + {number}"
        if self.identity == "student":
            text = f"{body} - 1\n" if number % 2 else f"{body}\n"
        else:
            text = f"```python\ndef add_{number}(value):\n{body}\n```\n"
        words = len(prompt.split()), len(text.split())
        made = Completion(
            text=text, finish_reason="stop", prompt_tokens=words[0], completion_tokens=words[1]
        )
        return [made] * request.n


@pytest.fixture(scope="module")
def student() -> Iterator[LoopbackServer]:
    with LoopbackServer(Model("student")) as server:
        yield server


@pytest.fixture(scope="module")
def teacher() -> Iterator[LoopbackServer]:
    with LoopbackServer(Model("teacher")) as server:
        yield server


@pytest.fixture
def tasks(tmp_path: Path) -> Path:
    path = tmp_path / "tasks.jsonl"
    with path.open("w") as handle:
        for number in range(1, TASKS + 1):
            name = f"add_{number}"
            tests = [{"source": f"assert {name}({x}) == {x + number}"} for x in (1, 2, 3)]
            task = {
                "id": f"t{number}",
                "instruction": f"Add {number} to the value.",
                "entry_point": name,
                "header": f"def {name}(value):\n",
                "shown": tests[:1],
                "hidden": tests[1:],
                "gold": f"def {name}(value):\n    return sum((value, {number}))\n",
            }
            handle.write(json.dumps(task) + "\n")
    return path


def run(tasks: Path, student: LoopbackServer, teacher: LoopbackServer, *more: str) -> Result:
    uris = [f"{server.url}#loopback" for server in (student, teacher)]
    command = ["distill", "run", str(tasks), "-s", uris[0], "-t", uris[1], "--workers", "2"]
    return CliRunner().invoke(xgen, [*command, *more], catch_exceptions=True)


def test_one_command_ends_with_all_seven_sets_and_a_plan_before_it(
    tmp_path: Path, tasks: Path, student: LoopbackServer, teacher: LoopbackServer
) -> None:
    output = str(tmp_path / "run")
    asked = student.count, teacher.count
    plan = run(tasks, student, teacher, "-o", output, "--dry-run", "--prices", "1,4")
    assert plan.exit_code == 0, plan.output
    assert "student  generate: 6 calls" in plan.output
    assert "teacher  generate: 6 calls" in plan.output
    assert (student.count, teacher.count) == asked

    done = run(tasks, student, teacher, "-o", output, "--prices", "1,4")
    assert done.exit_code == 0, done.output
    assert "failed             3 tasks" in done.output
    assert "persd-combined         6 rows" in done.output
    assert "likeness by tokens: attempt ~ repair" in done.output
    sets = {path.name for path in (tmp_path / "run" / "sets").glob("*.examples.jsonl")}
    assert len(sets) == 7
    shown = run(tasks, student, teacher, "-o", output, "--prices", "1,4", "--json")
    results = json.loads(shown.stdout)
    assert results["stages"]["valid"] == 3
    assert results["costs"]["refinements"]["calls"] == 3
    assert results["costs"]["refinements"]["money"] > 0
    assert (student.count - asked[0], teacher.count - asked[1]) == (TASKS, 3)


TIMED = ("30-calls.json", "40-tasks.json")
"""Sections that tell how long calls took."""


def test_a_run_is_repeated_from_its_own_calls_with_no_endpoint(
    tmp_path: Path, tasks: Path, student: LoopbackServer, teacher: LoopbackServer
) -> None:
    assert run(tasks, student, teacher, "-o", str(tmp_path / "run")).exit_code == 0
    asked = student.count, teacher.count
    calls = f"replay:{tmp_path / 'run' / 'calls.sqlite'}"
    replayed = [f"{calls}#{server.url}#loopback" for server in (student, teacher)]
    command = ["distill", "run", str(tasks), "-s", replayed[0], "-t", replayed[1]]
    done = CliRunner().invoke(xgen, [*command, "-o", str(tmp_path / "again"), "--workers", "2"])
    assert done.exit_code == 0, done.output
    assert (student.count, teacher.count) == asked
    for path in (tmp_path / "run").rglob("*"):
        timed = path.name.startswith("calls.sqlite") or path.name in TIMED
        if path.is_file() and not timed:
            again = tmp_path / "again" / path.relative_to(tmp_path / "run")
            assert again.read_bytes() == path.read_bytes(), path.name


def test_a_limit_on_money_stops_the_run_and_more_of_it_ends_it(
    tmp_path: Path, tasks: Path, student: LoopbackServer, teacher: LoopbackServer
) -> None:
    paid = ("-o", str(tmp_path / "run"), "--prices", "1,4", "--set", "refinements.max_tokens=64")
    asked = teacher.count
    refused = run(tasks, student, teacher, *paid, "--max-cost", "0.0013", "--concurrency", "1")
    assert refused.exit_code == 1
    assert "budget of 0.0013 is used up" in str(refused.exception)
    assert 0 < teacher.count - asked < 3
    assert run(tasks, student, teacher, *paid, "--max-cost", "1").exit_code == 0
    assert teacher.count - asked == 3
    without = run(tasks, student, teacher, "-o", "x", "--max-cost", "1")
    assert without.exit_code == 2
    assert "needs --prices" in without.output


def test_what_an_endpoint_refuses_is_counted_and_tried_again(
    tmp_path: Path, tasks: Path, teacher: LoopbackServer
) -> None:
    output = ("-o", str(tmp_path / "run"), "--concurrency", "1")
    with LoopbackServer(Model("student"), faults=[None, Fault(kind="status", status=400)]) as flaky:
        first = run(tasks, flaky, teacher, *output)
        assert first.exit_code == 0, first.output
        assert "unanswered attempts: 1 × " in first.output
        again = run(tasks, flaky, teacher, *output)
        assert "unanswered" not in again.output
        assert flaky.count == TASKS + 1
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert results["stages"]["attempts"] == TASKS


def test_rows_that_are_no_task_are_counted_and_a_file_without_any_is_one_line(
    tmp_path: Path, tasks: Path, student: LoopbackServer, teacher: LoopbackServer
) -> None:
    with tasks.open("a") as handle:
        handle.write('{"id": "broken", "instruction": "Nothing.", "entry_point": "f"}\n')
    done = run(tasks, student, teacher, "-o", str(tmp_path / "run"))
    assert done.exit_code == 0, done.output
    assert "rejected rows: 1 × " in done.output
    empty = tmp_path / "empty.jsonl"
    empty.write_text("")
    refused = run(empty, student, teacher, "-o", str(tmp_path / "other"))
    assert refused.exit_code == 1
    assert "empty.jsonl: no task in its 0 rows" in str(refused.exception)


def test_killed_at_random_points_it_comes_out_the_same() -> None:
    script = ROOT / "tests" / "soak" / "kill_distill.py"
    done = subprocess.run(
        [sys.executable, str(script), "--kills", "3", "--seed", "1"],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all the undisturbed one to the byte, nothing asked again" in done.stdout
