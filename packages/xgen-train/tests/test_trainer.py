import dataclasses
import json
import shutil
from pathlib import Path

import jax
import numpy as np
import pytest

from xgen_core import InputError, Run
from xgen_core.report import Section
from xgen_data import TokenStore
from xgen_model import CheckpointStore
from xgen_train import DivergedError, MixtureChange, TrainRecipe, train
from xgen_train.curriculum import build_order


def rows(run: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("run")


@pytest.fixture
def finished(shared: Path, recipe: TrainRecipe) -> Path:
    """A run to its end; the second time it is there already."""
    return train(recipe, shared / "whole", tensorboard=True).run


def test_a_run_records_every_step_and_both_stages(finished: Path, recipe: TrainRecipe) -> None:
    steps = [row for row in rows(finished) if "loss" in row]
    assert [row["step"] for row in steps] == list(range(1, 13))
    assert [row["stage"] for row in steps] == [0] * 6 + [1] * 6
    assert [row["tokens"] for row in steps] == [256 * n for n in range(1, 13)]
    assert all(0 < float(str(row["counted"])) <= 256 for row in steps)
    heldout = {row["step"]: row["heldout"] for row in rows(finished) if "heldout" in row}
    assert sorted(heldout) == [5, 6, 10, 12]
    assert set(heldout[12]) == {"code", "prose"}


def test_checkpoints_at_stage_edges_are_kept(finished: Path) -> None:
    assert CheckpointStore(finished / "checkpoints").steps() == [6, 8, 12]


def test_going_on_from_an_earlier_checkpoint_ends_the_same(
    finished: Path, recipe: TrainRecipe, tmp_path: Path
) -> None:
    again = tmp_path / "again"
    shutil.copytree(finished, again)
    for step in (8, 12):  # as if the process had died in step 7, after it had logged more
        shutil.rmtree(again / "checkpoints" / str(step))
    with (again / "metrics.jsonl").open("a") as log:
        log.write('{"step": 13, "lo')
    train(recipe, again)
    assert (again / "metrics.jsonl").read_bytes() == (finished / "metrics.jsonl").read_bytes()
    whole = CheckpointStore(finished / "checkpoints").restore_params(12)
    resumed = CheckpointStore(again / "checkpoints").restore_params(12)
    jax.tree.map(np.testing.assert_array_equal, whole, resumed)


def test_sections_and_events_are_written(finished: Path) -> None:
    sections = [Section.from_json(value) for value in Run.open(finished).sections()]
    titles = ["Training", "Loss", "Loss by source", "Loss by position", "Speed"]
    assert [s.title for s in sections] == titles
    assert list((finished / "tensorboard").glob("events.*"))


def test_realised_shares_are_the_recipe_s(recipe: TrainRecipe, store: Path) -> None:
    order = build_order(recipe, TokenStore.open(store))
    budgets = order.budgets(1)
    assert budgets == {"code": 0.75 * 6 * 256, "prose": 0.25 * 6 * 256}


def test_another_recipe_in_the_same_directory_is_refused(
    finished: Path, recipe: TrainRecipe
) -> None:
    with pytest.raises(InputError, match="seed was 0, now 1"):
        train(dataclasses.replace(recipe, seed=1), finished)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"store": "absent"}, "absent"),
        ({"optimizer.warmup_steps": 4}, "leaves nothing"),
        ({"mesh.data": 3}, "3"),
        ({"model.n_tokens": 250}, "was tokenised with 257"),
        ({"stages.0.weights": {"poems": 1.0}}, "no source 'poems'; it has code, prose"),
        ({"stages.0.weights": {"code": 0.0}}, "all zero"),
        ({"max_epochs": 0.001}, "larger than the data: source .* max_epochs"),
        ({"micro_batches": 8, "mesh.sequence": 1, "start": "absent"}, "absent"),
    ],
)
def test_what_cannot_run_is_refused_before_anything_is_written(
    change: dict[str, object], message: str, short: TrainRecipe, tmp_path: Path
) -> None:
    from xgen_core import apply_settings

    settings = [f"{name}={json.dumps(value)}" for name, value in change.items()]
    with pytest.raises(InputError, match=message):
        train(apply_settings(short, settings), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_divergence_is_one_clear_error(short: TrainRecipe, tmp_path: Path) -> None:
    wild = dataclasses.replace(short.optimizer, learning_rate=1e30, warmup_steps=0)
    with pytest.raises(DivergedError, match=r"lower optimizer\.learning_rate"):
        train(dataclasses.replace(short, optimizer=wild), tmp_path / "run")


def test_the_mixture_of_a_running_run_changes_from_here_on(
    recipe: TrainRecipe, tmp_path: Path
) -> None:
    run, planned = tmp_path / "run", tmp_path / "planned"
    first = train(recipe, run).run
    for step in (6, 8, 12):
        if step > 6:
            shutil.rmtree(run / "checkpoints" / str(step))
    late = dataclasses.replace(
        recipe, changes=(MixtureChange(step=8, weights={"code": 0.25, "prose": 0.75}),)
    )
    train(late, run)
    assert len(json.loads((first / "run.json").read_text())["earlier"]) == 1
    train(late, planned)  # the change was known from the beginning
    assert (run / "metrics.jsonl").read_bytes() == (planned / "metrics.jsonl").read_bytes()
    early = dataclasses.replace(recipe, changes=(MixtureChange(step=3, weights={"code": 1.0}),))
    with pytest.raises(InputError, match="begin at step 12 or later"):
        train(early, run)
