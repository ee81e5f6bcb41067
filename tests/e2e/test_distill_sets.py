"""`docs/examples/distill_sets.sh` on a small scale: a set each for a student, by equal steps."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "docs" / "examples" / "distill_sets.sh"


def test_students_of_two_sets_are_tuned_by_equal_steps_and_compared(tmp_path: Path) -> None:
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "JAX_PLATFORMS": "cpu",
    }
    done = subprocess.run(
        [SCRIPT, tmp_path, "smoke"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    header, *rows = done.stdout.split("— side by side\n")[1].splitlines()
    assert header.split() == ["student", "tasks", "@1", "s1", "@1", "s2"]
    assert [row.split()[0] for row in rows[:3]] == ["base", "stand", "persd-combined"]
    assert [len(row.split()) for row in rows[:3]] == [3, 3, 4], "only one was taught to refine"
    for name in ("stand", "persd-combined"):
        run = json.loads((tmp_path / name / "run.json").read_text("utf-8"))
        (stage,) = run["recipe"]["stages"]
        assert (stage["steps"], run["recipe"]["batch_tokens"]) == (2, 1024)
        template = tmp_path / name / "checkpoints" / "tokenizer" / "template.json"
        assert json.loads(template.read_text("utf-8"))["template"]["name"] == "raw"
