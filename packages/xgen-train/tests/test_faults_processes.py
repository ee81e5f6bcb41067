"""Faults and checkpoints of several processes: one step, one state, whoever holds it."""

import dataclasses
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from xgen_core.codec import encode
from xgen_model import CheckpointStore
from xgen_train import FaultOptions, TrainRecipe, parse_faults, train


def rows(run: Path) -> list[dict[str, object]]:
    found = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [row for row in found if "tokens" in row]


@pytest.fixture
def plain(recipe: TrainRecipe) -> TrainRecipe:
    """Without held-out loss, so that less is compiled."""
    return dataclasses.replace(recipe, evaluate_batches=0)


@pytest.fixture
def recipe_file(plain: TrainRecipe, tmp_path: Path) -> Path:
    path = tmp_path / "recipe.py"
    path.write_text(
        "import json\nfrom xgen_core.codec import decode\nfrom xgen_train import TrainRecipe\n"
        f"def make():\n    return decode(TrainRecipe, json.loads({json.dumps(encode(plain))!r}))\n"
    )
    return path


def start(recipe: Path, run: Path, count: int, *options: str) -> list[subprocess.Popen[str]]:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{found.getsockname()[1]}"
    environment = os.environ | {
        "JAX_COORDINATOR_ADDRESS": address,
        "JAX_NUM_PROCESSES": str(count),
        "JAX_NUM_CPU_DEVICES": str(4 // count),
        "JAX_PLATFORMS": "cpu",
    }
    command = [sys.executable, "-m", "xgen_train", "run", f"{recipe}:make", "--output", str(run)]
    return [
        subprocess.Popen(
            [*command, "--no-tensorboard", *options],
            env=environment | {"JAX_PROCESS_ID": str(index)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for index in range(count)
    ]


def finish(processes: list[subprocess.Popen[str]]) -> list[str]:
    """Wait for all; what each said on standard error."""
    try:
        said = [process.communicate(timeout=240)[1] for process in processes]
    finally:
        for process in processes:
            process.kill()
    for process, text in zip(processes, said, strict=True):
        assert process.returncode == 0, text
    return said


def test_a_run_goes_from_one_process_to_four_to_two(
    plain: TrainRecipe, recipe_file: Path, tmp_path: Path
) -> None:
    whole, run = (tmp_path / name for name in ("whole", "run"))
    train(plain, whole, tensorboard=False)
    faults = FaultOptions(inject=parse_faults("term@3"))
    with pytest.raises(SystemExit):
        train(plain, run, tensorboard=False, faults=faults)
    four = ("--set", "mesh.fsdp=2", "--set", "mesh.tensor=2", "--inject", "term@6:2")
    said = finish(start(recipe_file, run, 4, *four))
    store = CheckpointStore(run / "checkpoints")
    stopped = store.latest()
    assert stopped in (7, 8)  # two steps ahead of the one that heard the signal, at most
    assert f"stopped at step {stopped} of 12" in said[0]
    files = json.loads((store.directory / str(stopped) / "manifest.json").read_text())["files"]
    kernel = [name for name in files if "params/layers.mlp.up.kernel/0" in name]
    assert len(kernel) == 4  # a part from each process
    store.verify(stopped)
    two = ("--set", "mesh.data=2", "--set", "mesh.fsdp=2")
    finish(start(recipe_file, run, 2, *two))
    expected, found = rows(whole), rows(run)
    assert [row["data"] for row in found] == [row["data"] for row in expected]
    for figure in ("loss", "gradient_norm"):
        a, b = (np.array([row[figure] for row in x]) for x in (found, expected))
        np.testing.assert_allclose(a, b, rtol=2e-5)
    history = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    assert [e["processes"] for e in history if e["event"] == "start"] == [1, 4, 2]
    again = dataclasses.replace(plain, keep_last=3)
    train(again, run, tensorboard=False)  # all done: reads in one process what two have written


def test_when_one_process_stands_still_the_others_end(recipe_file: Path, tmp_path: Path) -> None:
    processes = start(recipe_file, tmp_path / "run", 2, "--watchdog", "4", "--inject", "freeze@4:1")
    try:
        _, said = processes[0].communicate(timeout=240)
    finally:
        processes[1].send_signal(signal.SIGKILL)
        for process in processes:
            process.kill()
            process.communicate()
    assert processes[0].returncode == 75
    assert "nothing has happened for 4 s since step" in said
    assert "most recent call first" in (tmp_path / "run" / "stacks-0.txt").read_text()
