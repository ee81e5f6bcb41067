"""What `ldp.sh` trains: recipes for `xgen data build` and `xgen train run`."""

from __future__ import annotations

import os
from dataclasses import replace

from xgen_data import DataRecipe, SourceConfig
from xgen_model import PRESETS
from xgen_train.recipe import OptimizerRecipe, StageRecipe, TrainRecipe

WORLD = os.environ.get("WORLD", "runs/ldp/world")


def data() -> DataRecipe:
    """The world's text."""
    return DataRecipe(
        sources=(
            SourceConfig(name="monolingual", uri=f"jsonl:{WORLD}/text/monolingual.jsonl"),
            SourceConfig(name="parallel", uri=f"jsonl:{WORLD}/text/parallel.jsonl"),
        ),
    )


def base() -> TrainRecipe:
    """A model."""
    return TrainRecipe(
        store="runs/ldp/data",
        model=replace(PRESETS["tiny"], vocab_size=2048, n_tokens=2048, context_length=512),
        stages=(StageRecipe(sequence_length=256, steps=1000),),
        batch_tokens=4096,
        optimizer=OptimizerRecipe(learning_rate=3e-3, warmup_steps=50),
        checkpoint_every=500,
        evaluate_every=250,
        evaluate_batches=4,
        max_epochs=0,
    )
