"""A 1.0B model with XGen's curriculum, for one TPU slice or a GPU node: 100 billion tokens.

    xgen train run xgen_train.recipes.xgen_1b:base --set store=gs://bucket/xgen --output runs/1b
    xgen train plan xgen_train.recipes.xgen_1b:base --topology v4-64

Reproduces the shape of XGen-7B's training at a fifteenth of its tokens: lengths, the two mixtures
and their shares, the vocabulary, the optimizer of `xgen_7b`. Chosen, as nothing of this size was
published: width and depth (JaxFormer's 1B preset), 1,048,576 tokens in a step, the rate 4e-4.
"""

from __future__ import annotations

import dataclasses

from xgen_model import PRESETS
from xgen_train.recipe import StageRecipe, TrainRecipe
from xgen_train.recipes import xgen_7b

__all__ = ["base"]

BATCH_TOKENS = 2**20
FRACTION = 15


def base() -> TrainRecipe:
    """The stages of `xgen_7b:base`, each a fifteenth as long."""
    large = xgen_7b.base()
    per_step = large.batch_tokens / BATCH_TOKENS
    return dataclasses.replace(
        large,
        model=PRESETS["xgen-1b"],
        stages=tuple(_shorter(stage, per_step) for stage in large.stages),
        batch_tokens=BATCH_TOKENS,
        optimizer=dataclasses.replace(large.optimizer, learning_rate=4e-4),
    )


def _shorter(stage: StageRecipe, per_step: float) -> StageRecipe:
    return dataclasses.replace(stage, steps=round(stage.steps * per_step / FRACTION))
