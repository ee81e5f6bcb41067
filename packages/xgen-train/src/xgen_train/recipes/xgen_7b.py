"""XGen-7B: 1.5 trillion tokens at 2,048, then 4,096, then 8,192.

    xgen train run xgen_train.recipes.xgen_7b:base --set store=gs://bucket/xgen --output runs/7b
    xgen train plan xgen_train.recipes.xgen_7b:base --topology v4-256

Reproduces, as published: the network; 800 billion tokens at 2,048, 400 at 4,096 and 300 at 8,192;
the table of sources, and the last 110 billion tokens of which half are code; the instruction
format. Two published figures disagree: the lengths sum to 1,500 billion tokens, the tables to
1,484.52. `base` keeps the tables, so that the epochs of every source stay as published, and the
last phase ends at 284.52 billion; `base_1500b` reads on to 300, which are further epochs.

Unknown, and therefore chosen (each is one `--set` away):

    tokens in a step      4,194,304, constant: LLaMA-7B's; the maker's 6B had 1.05M
    learning rate         3e-4, 2,000 steps of warm-up, cosine to a tenth: LLaMA-7B's
    betas, decay, clip    0.9, 0.95, 0.1, 1.0: LLaMA's
    z-loss                1e-4, as the maker's public trainer (JaxFormer) has
    schedule over phases  one curve over all of them: nothing says that it was begun again
    stage-2 mixture       the last 110 billion tokens, all at 8,192: its table says "stage 2"
    rope theta            10,000 throughout: the released configuration's
    document edges        attention stays inside a document; JaxFormer's public trainer did not

`instruct` is supervised tuning as the authors describe it: WizardLM's data alone, turns that begin
with "### Human: " and "### Assistant: ". Their hyper-parameters are unknown; those of WizardLM's
own LLaMA-7B stand for them: 70,000 examples, 64 in a step, 3 epochs, 2e-5, 2 steps of warm-up,
cosine to zero, rows of 2,048 tokens, the loss on answers and their end. Usually one would rather
say `xgen train sft FILE --from DIR --template xgen`, which builds the store and counts the steps.
"""

from __future__ import annotations

import dataclasses

from xgen_data.recipes.xgen import STAGE_1_TOKENS, STAGE_2_TOKENS, stage_1, stage_2
from xgen_model import PRESETS
from xgen_train.recipe import OptimizerRecipe, StageRecipe, TrainRecipe

__all__ = ["base", "base_4k", "base_1500b", "instruct"]

BATCH_TOKENS = 4_194_304
BILLION = 1_000_000_000


def _stages(*phases: tuple[int, int, dict[str, float]]) -> tuple[StageRecipe, ...]:
    """Stages of `(sequence length, tokens, weights)`; no error in steps adds up over them."""
    stages: list[StageRecipe] = []
    tokens = steps = 0
    for length, budget, weights in phases:
        tokens += budget
        more = round(tokens / BATCH_TOKENS) - steps
        stages.append(StageRecipe(sequence_length=length, steps=more, weights=weights))
        steps += more
    return tuple(stages)


def _recipe(stages: tuple[StageRecipe, ...], preset: str) -> TrainRecipe:
    return TrainRecipe(
        store="runs/xgen/store",
        model=PRESETS[preset],
        stages=stages,
        batch_tokens=BATCH_TOKENS,
        max_epochs=5,  # English Wikipedia is read four times in stage 1, and again in stage 2
        z_loss=1e-4,
        optimizer=OptimizerRecipe(),
        checkpoint_every=500,
        keep_every=10_000,
        evaluate_every=1000,
    )


def base() -> TrainRecipe:
    """The 8K model: 800 + 400 + 174.52 billion tokens of stage 1, then 110 of stage 2."""
    web, code = dict(stage_1().weights), dict(stage_2().weights)
    third = STAGE_1_TOKENS - 1200 * BILLION
    stages = _stages(
        (2048, 800 * BILLION, web),
        (4096, 400 * BILLION, web),
        (8192, third, web),
        (8192, STAGE_2_TOKENS, code),
    )
    return _recipe(stages, "xgen-7b-8k")


def base_1500b() -> TrainRecipe:
    """`base` with the last phase at its published 300 billion tokens, by further epochs."""
    recipe = base()
    more = round(1500 * BILLION / BATCH_TOKENS) - recipe.total_steps
    *before, third, fourth = recipe.stages
    third = dataclasses.replace(third, steps=third.steps + more)
    return dataclasses.replace(recipe, stages=(*before, third, fourth))


def base_4k() -> TrainRecipe:
    """The 4K model: the first 1.2 trillion tokens; whether it saw stage 2 is not known."""
    web = dict(stage_1().weights)
    return _recipe(_stages((2048, 800 * BILLION, web), (4096, 400 * BILLION, web)), "xgen-7b-4k")


def instruct() -> TrainRecipe:
    """XGen-7B-8K-Inst, over a store by `xgen data encode` of WizardLM's 70,000 examples.

    A step has 16 full rows, about 64 examples of 512 tokens.
    """
    rows, length, examples, epochs = 16, 2048, 70_000, 3
    return TrainRecipe(
        store="runs/xgen/instruct",
        start="xgen-7b-8k-base",
        model=PRESETS["xgen-7b-8k"],
        stages=(
            StageRecipe(
                sequence_length=length, steps=round(examples * epochs / 64), packing="best_fit"
            ),
        ),
        batch_tokens=rows * length,
        optimizer=OptimizerRecipe(
            learning_rate=2e-5, warmup_steps=2, final_fraction=0.0, beta2=0.999, weight_decay=0.0
        ),
        checkpoint_every=1000,
        evaluate_every=500,
    )
