"""The main job from end to end on a small scale, and what a kill must not change."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "docs" / "examples" / "quickstart.sh"
BIN = Path(sys.executable).parent
RECIPE = "xgen_train.recipes.quickstart:smoke"

pytestmark = pytest.mark.xdist_group("quickstart")


def environment() -> dict[str, str]:
    return os.environ | {
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "JAX_PLATFORMS": "cpu",
    }


@pytest.fixture(scope="module")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("smoke") / "run"
    subprocess.run([SCRIPT, out, "smoke"], env=environment(), check=True, timeout=600)
    return out


def training(out: Path, smoke: Path) -> list[str | Path]:
    settings = ["--set", f"store={smoke / 'data'}"]
    return [BIN / "xgen", "train", "run", RECIPE, "--output", out, *settings]


def train_again(out: Path, smoke: Path) -> None:
    subprocess.run(training(out, smoke), env=environment(), check=True, timeout=300)


def rows(run: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def test_every_step_of_the_job_leaves_its_result(smoke: Path) -> None:
    assert (smoke / "data" / "manifest.json").exists()
    steps = [row for row in rows(smoke / "train") if "loss" in row]
    assert [row["step"] for row in steps] == list(range(1, 25))
    assert {row["stage"] for row in steps} == {0, 1, 2}
    results = json.loads((smoke / "eval" / "results.json").read_text())
    names = set(results["tasks"])
    assert names == {"bits_per_byte", "position_nll", "continuation_choice", "samples"}
    page = (smoke / "report.html").read_text()
    tuned = json.loads((smoke / "sft" / "run.json").read_text())["recipe"]
    assert tuned["start"] == str(smoke / "train")
    for expected in (
        "gzip",
        "xz",
        "<svg",
        "stdlib-code",
        "Held-out",
        "Samples",
        "Before and after",
    ):
        assert expected.lower() in page.lower(), expected


def test_the_loss_falls(smoke: Path) -> None:
    losses = [row["loss"] for row in rows(smoke / "train") if "loss" in row]
    assert losses[-1] < losses[0] - 0.5


def test_the_same_command_again_changes_nothing(smoke: Path) -> None:
    before = {p: p.read_bytes() for p in smoke.rglob("*.jsonl")}
    subprocess.run([SCRIPT, smoke, "smoke"], env=environment(), check=True, timeout=600)
    assert {p: p.read_bytes() for p in smoke.rglob("*.jsonl")} == before


def test_a_second_run_with_the_same_seed_is_identical(smoke: Path, tmp_path: Path) -> None:
    train_again(tmp_path / "train", smoke)
    first = (smoke / "train" / "metrics.jsonl").read_bytes()
    assert (tmp_path / "train" / "metrics.jsonl").read_bytes() == first


def test_a_run_killed_in_stage_two_ends_the_same(smoke: Path, tmp_path: Path) -> None:
    out = tmp_path / "train"
    process = subprocess.Popen(
        training(out, smoke), env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    deadline = time.monotonic() + 300
    while not reached(out, step=13):
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    killed = rows_whole(out)
    assert killed[-1]["step"] < 24
    train_again(out, smoke)
    first = (smoke / "train" / "metrics.jsonl").read_bytes()
    assert (out / "metrics.jsonl").read_bytes() == first


def rows_whole(run: Path) -> list[dict[str, object]]:
    lines = (run / "metrics.jsonl").read_bytes().splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith(b"\n")]


def reached(run: Path, step: int) -> bool:
    return (run / "metrics.jsonl").exists() and any(row["step"] == step for row in rows_whole(run))


def test_another_seed_gives_other_losses(smoke: Path, tmp_path: Path) -> None:
    command = [*training(tmp_path / "train", smoke), "--set", "seed=1"]
    subprocess.run(command, env=environment(), check=True, timeout=300)
    other = [row["loss"] for row in rows(tmp_path / "train") if "loss" in row]
    same = [row["loss"] for row in rows(smoke / "train") if "loss" in row]
    assert other != same
