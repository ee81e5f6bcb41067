"""34M parameters over a store of your own, on a laptop or one GPU.

    xgen train run xgen_train.recipes.small:base --set store=runs/mine/store -o runs/mine/train

The shape of XGen's curriculum: 8 : 4 : 3 parts of the tokens at 512, 1,024 and 2,048, in the
store's own proportions. Everything is chosen: the vocabulary is 8,192 (`xgen tokenizer train
--vocab-size 8192`), 16,384 tokens a step, 24.6M tokens in all; on two CPU cores that is most of a
day, so try `--set stages.0.steps=80 --set stages.1.steps=40 --set stages.2.steps=30` first.
"""

from __future__ import annotations

from xgen_model import PRESETS
from xgen_train.recipe import OptimizerRecipe, StageRecipe, TrainRecipe

__all__ = ["base"]


def base() -> TrainRecipe:
    """512 → 1,024 → 2,048 tokens, 1,500 steps."""
    return TrainRecipe(
        store="runs/mine/store",
        model=PRESETS["small"],
        stages=(
            StageRecipe(sequence_length=512, steps=800),
            StageRecipe(sequence_length=1024, steps=400),
            StageRecipe(sequence_length=2048, steps=300),
        ),
        batch_tokens=16_384,
        optimizer=OptimizerRecipe(learning_rate=1e-3, warmup_steps=100),
        checkpoint_every=100,
        evaluate_every=100,
        evaluate_batches=4,
    )
