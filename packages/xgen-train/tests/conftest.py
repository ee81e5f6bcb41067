"""A small store of bytes, and a recipe over it that trains in seconds."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from xgen_core import load_recipe
from xgen_core.testing import ByteTokenizer
from xgen_data import DataRecipe, SourceConfig, build
from xgen_model import ModelConfig
from xgen_train import OptimizerRecipe, StageRecipe, TrainRecipe

STDLIB = Path(load_recipe.__code__.co_filename).parent


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    recipe = DataRecipe(
        sources=(
            SourceConfig(name="code", uri=f"code:{STDLIB}"),
            SourceConfig(name="prose", uri="jsonl:" + str(_prose(tmp_path_factory))),
        ),
        validation_fraction=0.2,
        block_tokens=2**12,
    )
    return build(recipe, tmp_path_factory.mktemp("store"), tokenizer=ByteTokenizer(bos=True))


def _prose(factory: pytest.TempPathFactory) -> Path:
    path = factory.mktemp("prose") / "prose.jsonl"
    sentences = ("The store knows no sequence length. ", "Every window is read once. ")
    path.write_text(
        "".join(f'{{"text": "{i}: {sentences[i % 2] * (3 + i % 5)}"}}\n' for i in range(300))
    )
    return path


@pytest.fixture
def recipe(store: Path) -> TrainRecipe:
    return TrainRecipe(
        store=str(store),
        model=ModelConfig(
            vocab_size=257,
            n_tokens=257,
            d_model=16,
            n_layers=1,
            n_heads=2,
            n_kv_heads=2,
            d_ff=32,
            context_length=64,
        ),
        stages=(
            StageRecipe(sequence_length=32, steps=6),
            StageRecipe(sequence_length=64, steps=6, weights={"code": 0.75, "prose": 0.25}),
        ),
        batch_tokens=256,
        optimizer=OptimizerRecipe(learning_rate=1e-2, warmup_steps=2),
        checkpoint_every=4,
        evaluate_every=5,
        evaluate_batches=1,
    )


@pytest.fixture
def short(recipe: TrainRecipe) -> TrainRecipe:
    """One stage only, so that less is compiled."""
    stage = dataclasses.replace(recipe.stages[0], steps=4)
    return dataclasses.replace(recipe, stages=(stage,))
