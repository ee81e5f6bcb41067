"""`xgen distill generate`: a scripted teacher, what is said, and mistakes in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from xgen_core.command import main
from xgen_core.files import read_jsonl, write_jsonl
from xgen_distill import Task
from xgen_distill.cli import distill
from xgen_distill.tasks import read_tasks

LIST = """\
2. Instruction: Return the second item of any list.
2. Input: <noinput>
2. Output:
```python
def second(items):
    return items[1]
```
3. Instruction: Explain lists.
"""
CALLS = "second([1, 2])\nsecond('abc')\nsecond([[], None])\nsecond((0, -1.5))\nsecond([1])"


@pytest.fixture
def seeds(tmp_path: Path) -> str:
    row = {
        "instruction": "Add one to a number.",
        "code": "def inc(n):\n    return n + 1",
        "tests": ["assert inc(1) == 2"],
    }
    write_jsonl(tmp_path / "seeds.jsonl", [row])
    return f"{tmp_path}/seeds.jsonl"


@pytest.fixture
def teacher(tmp_path: Path) -> str:
    rules = [
        {"pattern": "^Make up a list", "replies": [LIST]},
        {"pattern": "^Write 5 calls", "replies": [CALLS]},
    ]
    write_jsonl(tmp_path / "teacher.jsonl", rules)
    return f"scripted:{tmp_path}/teacher.jsonl"


def invoke(*words: str) -> Result:
    return CliRunner().invoke(distill, ["generate", *words])


def command(seeds: str, teacher: str, *words: str) -> list[str]:
    settings = ("seeds=1", "asked=3", "fewest=4", "wave=1", "barren=2")
    flags = [part for setting in settings for part in ("--set", setting)]
    return [seeds, "-t", teacher, "--unsafe", "--workers", "2", *flags, *words]


def test_tasks_are_written_and_counted(tmp_path: Path, seeds: str, teacher: str) -> None:
    output = f"{tmp_path}/run"
    found = invoke(*command(seeds, teacher, "--count", "1", "-o", output))
    assert found.exit_code == 0, found.output
    assert "1 tasks" in found.output
    assert "left out, ideas: 1 × no output" in found.output
    assert "left out, lines: 1 × raises: IndexError" in found.output
    (task,) = read_tasks(f"{output}/tasks.jsonl").tasks
    assert task.entry_point == "second"
    assert [test.source for test in task.tests] == [
        "assert second([1, 2]) == 2",
        "assert second('abc') == 'b'",
        "assert second([[], None]) == None",
        "assert second((0, -1.5)) == -1.5",
    ]
    assert list(read_jsonl(f"{output}/tasks.jsonl", Task.from_json)) == [task]


def test_json_says_that_it_dried_up(tmp_path: Path, seeds: str, teacher: str) -> None:
    output = f"{tmp_path}/run"
    words = command(seeds, teacher, "--prices", "1,1", "-o", output, "--json")
    found = invoke(*words)
    results = json.loads(found.stdout)
    assert (results["ended"], results["tasks"], results["count"]) == ("dried up", 1, 100)
    assert results["costs"]["lists"]["calls"] == 3
    assert results["costs"]["lists"]["money"] > 0
    assert results["rejected"]["ideas"] == {"no output": 3, "not new: rouge-l": 2}


def test_a_dry_run_says_what_would_be_asked(tmp_path: Path, seeds: str, teacher: str) -> None:
    output = tmp_path / "run"
    found = invoke(*command(seeds, teacher, "--count", "4", "--dry-run", "-o", f"{output}"))
    assert found.exit_code == 0, found.output
    assert "generate: 6 calls" in found.output
    assert not output.exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--count", "0"], "--count 0 makes no tasks: give --evolve ROUNDS too"),
        (["--set", "asked=1"], "a list has more than its 1 seeds"),
        (["--set", "seeds=2"], "1 of 1 seeds have a direct solution, and a prompt shows 2"),
        (["--set", "nothing=2"], "nothing"),
        (["--max-cost", "1"], "needs --prices"),
    ],
)
def test_mistakes_are_said_in_one_line(
    tmp_path: Path,
    seeds: str,
    teacher: str,
    words: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["distill", "generate", *command(seeds, teacher, "-o", f"{tmp_path}/run", *words)])
    assert stop.value.code in (1, 2)
    said = capsys.readouterr().err
    assert message in said
    assert "Traceback" not in said


def test_a_teacher_that_answers_nothing_is_an_error(tmp_path: Path, seeds: str) -> None:
    write_jsonl(tmp_path / "mute.jsonl", [{"pattern": "^never$", "replies": ["x"]}])
    found = invoke(*command(seeds, f"scripted:{tmp_path}/mute.jsonl", "-o", f"{tmp_path}/run"))
    assert "the teacher answered none of 2 requests" in f"{found.exception}"
