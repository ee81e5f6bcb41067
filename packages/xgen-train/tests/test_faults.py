"""Faults in one process: what is refused, gone back from, stopped, damaged or full."""

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from xgen_core import FormatError, InputError, Run
from xgen_core.codec import encode
from xgen_model import CheckpointStore
from xgen_train import (
    DivergedError,
    FaultOptions,
    GuardRecipe,
    StageRecipe,
    TrainRecipe,
    parse_faults,
    train,
)


def rows(run: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def events(run: Path, kind: str) -> list[dict[str, object]]:
    found = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    return [row for row in found if row["event"] == kind]


def injected(text: str) -> FaultOptions:
    return FaultOptions(inject=parse_faults(text))


@pytest.fixture
def plain(recipe: TrainRecipe) -> TrainRecipe:
    """One stage of twelve steps."""
    stage = StageRecipe(sequence_length=32, steps=12)
    guard = GuardRecipe(patience=2, skip_batches=2, rollbacks=1)
    return dataclasses.replace(recipe, stages=(stage,), evaluate_batches=0, guard=guard)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("whole")


@pytest.fixture
def whole(shared: Path, plain: TrainRecipe) -> Path:
    """The undisturbed run; after the first time it is there already."""
    return train(plain, shared / "whole", tensorboard=False).run


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "copy"))


def assert_same(run: Path, other: Path) -> None:
    assert (run / "metrics.jsonl").read_bytes() == (other / "metrics.jsonl").read_bytes()
    newest = [CheckpointStore(d / "checkpoints") for d in (run, other)]
    assert newest[0].identity() == newest[1].identity()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("kill", "fault 'kill': expected KIND@STEP"),
        ("kill@x", "fault 'kill@x': expected KIND@STEP"),
        ("kill@3,", "fault '': expected KIND@STEP"),
        ("melt@3", "fault 'melt@3': no fault 'melt'; there are kill, term"),
        ("nan@0", "fault 'nan@0': steps count from 1"),
    ],
)
def test_faults_are_read_strictly(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_faults(text)


def test_faults_read_back_as_they_are_written() -> None:
    text = "kill@137,nan@200:3,corrupt-checkpoint@7"
    assert ",".join(map(str, parse_faults(text))) == text
    assert parse_faults("") == ()


def test_a_signal_ends_the_run_behind_a_step_and_it_goes_on(
    whole: Path, plain: TrainRecipe, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    with pytest.raises(SystemExit) as stop:
        train(plain, run, tensorboard=False, faults=injected("term@7"))
    assert stop.value.code == 0
    said = capfd.readouterr().err.splitlines()
    assert said[-1] == "xgen: stopped at step 7 of 12; the same command goes on"
    assert CheckpointStore(run / "checkpoints").latest() == 7
    train(plain, run, tensorboard=False, faults=injected("term@7"))  # a fault happens once
    assert_same(run, whole)
    assert [e["why"] for e in events(run, "stop")] == ["signal", "end"]
    assert [e["step"] for e in events(run, "restore")] == [7]
    assert [e["step"] for e in events(run, "save")] == [4, 7, 8, 12]


def test_one_bad_step_is_refused_and_the_run_goes_on(
    whole: Path, plain: TrainRecipe, tmp_path: Path
) -> None:
    run = train(plain, tmp_path / "run", tensorboard=False, faults=injected("nan@6")).run
    steps = {row["step"]: row for row in rows(run) if "loss" in row}
    assert (steps[6]["gradient_norm"], steps[6]["refused"]) == (None, 1)
    assert sorted(steps) == list(range(1, 13))
    before = {row["step"]: row for row in rows(whole)}
    assert steps[5] == before[5]
    assert steps[6]["data"] == before[6]["data"]
    assert steps[7]["loss"] != before[7]["loss"]
    assert not events(run, "rollback")


def test_refused_steps_in_a_row_send_it_back_and_past_the_batches(
    plain: TrainRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = injected("nan@8,nan@9")
    run = train(plain, tmp_path / "run", tensorboard=False, faults=faults).run
    steps = {row["step"]: row for row in rows(run) if "tokens" in row}
    assert {n: "skipped" in row for n, row in steps.items()} == {n: 5 <= n <= 9 for n in steps}
    assert len(steps) == 12
    (event,) = events(run, "rollback")
    assert (event["checkpoint"], event["until"]) == (4, 9)
    assert (event["first_refused"], event["last_refused"]) == (8, 9)
    # the learning rate's clock counts the batches that were passed over
    whole = train(plain, tmp_path / "whole", tensorboard=False).run
    undisturbed = {row["step"]: row for row in rows(whole) if "tokens" in row}
    assert steps[10]["learning_rate"] == undisturbed[10]["learning_rate"]
    assert [r["data"] for r in steps.values()] == [r["data"] for r in undisturbed.values()]
    # killed behind the return, or right after it was decided: the same
    again = Path(shutil.copytree(run, tmp_path / "again"))
    for step in (8, 12):
        shutil.rmtree(again / "checkpoints" / str(step))
    train(plain, again, tensorboard=False, faults=faults)
    assert_same(again, run)
    with monkeypatch.context() as killed:
        killed.setattr(CheckpointStore, "remove", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            train(plain, tmp_path / "cut", tensorboard=False, faults=faults)
    assert CheckpointStore(tmp_path / "cut" / "checkpoints").steps() == [4, 8]  # 8 is void
    train(plain, tmp_path / "cut", tensorboard=False, faults=faults)
    assert_same(tmp_path / "cut", run)


def test_returns_end(plain: TrainRecipe, tmp_path: Path) -> None:
    faults = injected("nan@6,nan@7,nan@10,nan@11")
    with pytest.raises(DivergedError, match=r"after 1 returns .* \(the last checkpoint .* step 8"):
        train(plain, tmp_path / "run", tensorboard=False, faults=faults)
    last = events(tmp_path / "run", "stop")[-1]
    assert str(last["why"]).startswith("DivergedError: step 11: loss None")


@pytest.mark.parametrize("harm", ["flip", "cut", "remove", "no manifest"])
def test_a_damaged_newest_checkpoint_is_named_and_the_one_before_is_used(
    harm: str,
    copy: Path,
    whole: Path,
    plain: TrainRecipe,
    capfd: pytest.CaptureFixture[str],
) -> None:
    newest = copy / "checkpoints" / "12"
    victim = newest / "optimizer" / "optimizer.0.mu.embedding" / "0.0"
    if harm == "no manifest":
        victim = newest / "manifest.json"
    data = victim.read_bytes()
    victim.unlink()
    if harm == "flip":
        victim.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    elif harm == "cut":
        victim.write_bytes(data[:-1])
    train(plain, copy, tensorboard=False)
    (warning,) = [line for line in capfd.readouterr().err.splitlines() if "warning" in line]
    assert str(victim) in warning
    assert "now damaged-12, and the one before it is used" in warning
    assert_same(copy, whole)
    store = CheckpointStore(copy / "checkpoints")
    assert store.steps() == [8, 12]
    assert (store.directory / "damaged-12").is_dir()
    assert events(copy, "damaged")[0]["step"] == 12
    assert events(copy, "lost")[0]["steps"] == 4


def test_without_a_good_checkpoint_nothing_is_begun_anew(copy: Path, plain: TrainRecipe) -> None:
    for step in ("8", "12"):
        (copy / "checkpoints" / step / "meta.json").unlink()
    before = (copy / "metrics.jsonl").read_bytes()
    for _ in range(2):
        with pytest.raises(FormatError, match="only damaged-12, damaged-8; put one back"):
            train(plain, copy, tensorboard=False)
    assert (copy / "metrics.jsonl").read_bytes() == before


def test_a_fault_damages_a_checkpoint(plain: TrainRecipe, tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        train(
            plain,
            tmp_path / "run",
            tensorboard=False,
            faults=injected("corrupt-checkpoint@6,term@6"),
        )
    store = CheckpointStore(tmp_path / "run" / "checkpoints")
    with pytest.raises(FormatError, match=r"4/.*sha256"):
        store.check(4)
    store.check(6)


def test_a_checkpoint_of_another_model_is_refused(copy: Path, plain: TrainRecipe) -> None:
    other = copy.with_name("other")
    wider = dataclasses.replace(plain, model=dataclasses.replace(plain.model, d_ff=48))
    Run.create(other, "train", wider)
    shutil.copytree(copy / "checkpoints", other / "checkpoints")
    with pytest.raises(InputError, match="holds a checkpoint of another model"):
        train(wider, other, tensorboard=False)
    (other / "run.json").unlink()
    seeded = dataclasses.replace(plain, seed=1)
    with pytest.raises(InputError, match="step 12 belongs to another recipe"):
        train(seeded, other, tensorboard=False)
    assert CheckpointStore(other / "checkpoints").steps() == [8, 12]


def test_devices_and_bookkeeping_may_change_in_a_run(copy: Path, plain: TrainRecipe) -> None:
    changed = dataclasses.replace(plain, micro_batches=2, checkpoint_every=3, keep_every=3)
    shutil.rmtree(copy / "checkpoints" / "12")
    train(changed, copy, tensorboard=False)
    assert CheckpointStore(copy / "checkpoints").steps() == [9, 12]
    assert len(json.loads((copy / "run.json").read_text())["earlier"]) == 1


def test_a_full_disk_is_one_line_and_the_run_goes_on_when_there_is_room(
    whole: Path, plain: TrainRecipe, tmp_path: Path
) -> None:
    recipe = tmp_path / "recipe.py"
    recipe.write_text(
        "import json\nfrom xgen_core.codec import decode\nfrom xgen_train import TrainRecipe\n"
        f"def make():\n    return decode(TrainRecipe, json.loads({json.dumps(encode(plain))!r}))\n"
    )
    script = (
        "import resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (8000, 8000))\n"
        "from xgen_core.command import main\n"
        "main(sys.argv[1:])\n"
    )
    command = ["train", "run", f"{recipe}:make", "--output", str(tmp_path / "run")]
    done = subprocess.run(
        [sys.executable, "-c", script, *command, "--no-tensorboard"],
        env=os.environ | {"JAX_ENABLE_COMPILATION_CACHE": "false"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    store = CheckpointStore(tmp_path / "run" / "checkpoints")
    errors = [line for line in done.stderr.splitlines() if not line.startswith("training ")]
    assert errors == [f"xgen: error: {store.directory}/4: File too large"]
    assert store.numbered() == []
    assert not list(store.directory.glob(".partial-*"))
    train(plain, tmp_path / "run", tensorboard=False)
    assert_same(tmp_path / "run", whole)
