"""A tiny XGen through three lengths, on two CPU cores, in a few minutes.

Reproduces: the shape of XGen's curriculum. Tokens in the three stages stand as 800 : 400 : 300
(here 8 : 4 : 3), the length doubles twice, tokens per batch stay constant, the code mixture grows
in the last stage.
Command: make quickstart (or xgen train run xgen_train.recipes.quickstart:base --output DIR)
Chosen, as unpublished for XGen: learning rate, warm-up, batch.
"""

from __future__ import annotations

import dataclasses

from xgen_model import PRESETS
from xgen_train.recipe import OptimizerRecipe, StageRecipe, TrainRecipe

__all__ = ["base", "smoke"]

VOCABULARY = 2048


def base() -> TrainRecipe:
    """256 → 512 → 1,024 tokens over the standard library's code and documentation."""
    return TrainRecipe(
        store="runs/quickstart/data",
        model=dataclasses.replace(
            PRESETS["tiny"], vocab_size=VOCABULARY, n_tokens=VOCABULARY, context_length=1024
        ),
        stages=(
            StageRecipe(sequence_length=256, steps=240),
            StageRecipe(sequence_length=512, steps=120),
            StageRecipe(
                sequence_length=1024,
                steps=90,
                weights={"stdlib-code": 0.85, "stdlib-docs": 0.15},
            ),
        ),
        batch_tokens=2048,
        optimizer=OptimizerRecipe(learning_rate=4e-3, warmup_steps=30),
        checkpoint_every=60,
        evaluate_every=60,
        evaluate_batches=4,
    )


def smoke() -> TrainRecipe:
    """The same path in seconds: two layers, 24 steps. For tests, not for reading."""
    recipe = base()
    return dataclasses.replace(
        recipe,
        model=dataclasses.replace(
            recipe.model, n_layers=2, d_model=32, n_heads=2, n_kv_heads=2, d_ff=64
        ),
        stages=tuple(
            dataclasses.replace(s, sequence_length=s.sequence_length // 8, steps=8)
            for s in recipe.stages
        ),
        batch_tokens=256,
        optimizer=dataclasses.replace(recipe.optimizer, warmup_steps=2),
        checkpoint_every=3,
        evaluate_every=8,
        evaluate_batches=1,
    )
