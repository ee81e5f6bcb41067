import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from xgen_core import InputError
from xgen_core.files import read_json, write_json
from xgen_model import CheckpointStore, Lora, export_model, open_source
from xgen_train import TrainRecipe, train


def losses(run: Path) -> list[float]:
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [row["loss"] for row in rows if "loss" in row]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("origin")


@pytest.fixture
def base(directory: Path, short: TrainRecipe) -> Path:
    """A trained run to start from."""
    return train(short, directory / "base").run


def frozen(recipe: TrainRecipe) -> TrainRecipe:
    """Steps so small that every loss is that of the first weights."""
    still = dataclasses.replace(recipe.optimizer, learning_rate=1e-30, weight_decay=0.0)
    return dataclasses.replace(recipe, optimizer=still)


def test_a_run_goes_on_from_a_checkpoint_a_step_of_it_or_a_hugging_face_model(
    base: Path, short: TrainRecipe, tmp_path: Path
) -> None:
    export_model(open_source(base).parameters, tmp_path / "exported")
    later = frozen(dataclasses.replace(short, seed=5))
    found = {}
    for start in (base, base / "checkpoints" / "4", tmp_path / "exported"):
        run = train(dataclasses.replace(later, start=str(start)), tmp_path / str(len(found))).run
        found[start] = losses(run)
    fresh = losses(train(later, tmp_path / "fresh").run)
    first, *others = found.values()
    assert all(other == first for other in others)
    assert max(first) < min(fresh) - 0.1  # what was learnt is there


def test_fresh_adapters_change_nothing_yet_and_are_all_that_is_trained(
    base: Path, short: TrainRecipe, tmp_path: Path
) -> None:
    start = dataclasses.replace(short, start=str(base), seed=5)
    plain = losses(train(frozen(start), tmp_path / "plain").run)
    model = dataclasses.replace(short.model, lora=Lora(rank=2, targets=("query", "up")))
    tuned = dataclasses.replace(start, model=model, trained=("lora",))
    run = train(tuned, tmp_path / "tuned").run
    assert losses(run)[0] == pytest.approx(plain[0], rel=1e-6)
    before = CheckpointStore(base / "checkpoints").restore_params()
    after = CheckpointStore(run / "checkpoints").restore_params()
    np.testing.assert_array_equal(before["embedding"], after["embedding"])
    assert np.abs(after["layers"]["attention"]["query"]["lora_b"]).max() > 0


def test_a_checkpoint_of_another_model_is_refused_by_name(
    base: Path, short: TrainRecipe, tmp_path: Path
) -> None:
    wider = dataclasses.replace(short.model, d_ff=48)
    with pytest.raises(InputError, match=r"another model: layers\.mlp\..*48"):
        train(dataclasses.replace(short, model=wider, start=str(base)), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_another_tokenizer_than_the_store_s_is_refused(
    base: Path, short: TrainRecipe, tmp_path: Path
) -> None:
    header = read_json(base / "checkpoints" / "config.json")
    write_json(base / "checkpoints" / "config.json", {**header, "tokenizer": "0" * 64})
    with pytest.raises(InputError, match="was made for tokenizer 0000000000000000"):
        train(dataclasses.replace(short, start=str(base)), tmp_path / "run")
    assert not (tmp_path / "run").exists()
