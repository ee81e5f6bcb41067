"""`docs/examples/distill.sh` and the README of xgen-distill: they print what is shown."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "packages" / "xgen-distill" / "README.md").read_text("utf-8")
SETS = ("stand", "inpd", "inpd-refine", "inpd-combined", "persd", "persd-refine", "persd-combined")


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Where the example wrote, and what it printed."""
    out = tmp_path_factory.mktemp("distill")
    script = ROOT / "docs" / "examples" / "distill.sh"
    done = subprocess.run([script, out], capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    return out, done.stdout


def test_the_readme_shows_what_the_example_prints(example: tuple[Path, str]) -> None:
    run, row = re.findall(r"```text\n(.*?)```", README, re.DOTALL)[:2]
    assert run in example[1]
    rows = (example[0] / "run" / "sets" / "persd-refine.jsonl").read_text("utf-8").splitlines()
    made = [json.loads(line) for line in rows]
    assert row in [one["prompt"] + one["completion"] for one in made]


def test_all_seven_sets_come_of_twenty_tasks(example: tuple[Path, str]) -> None:
    out, printed = example
    assert "20 of 20 tasks" in printed
    lines = {
        name: (out / "run" / "sets" / f"{name}.examples.jsonl").read_text("utf-8").splitlines()
        for name in SETS
    }
    assert [len(lines[name]) for name in SETS] == [20, 10, 10, 20, 10, 10, 20]
    direct = (out / "sets-direct" / "persd-combined.chat.jsonl").read_text("utf-8").splitlines()
    assert len(direct) == 20
    assert set(json.loads(direct[0])) == {"messages"}


def test_the_page_shows_each_kind_of_outcome(example: tuple[Path, str]) -> None:
    page = (example[0] / "report.html").read_text("utf-8")
    for outcome in (
        "largest  repaired",
        "is_palindrome  solved",
        "flatten  not repaired: prose",
        "median  not repaired: fails",
        "second_largest  no program: empty",
    ):
        assert outcome in page


def test_the_readme_shows_what_its_program_prints(tmp_path: Path) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    shown = README.split(program)[1].split("```text\n")[1].split("```")[0]
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert shown.strip() == done.stdout.strip()
