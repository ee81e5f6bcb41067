"""The text and the model of `ldp.sh`; its paths begin in the directory that the script works in."""

from __future__ import annotations

from dataclasses import replace

from xgen_data import DataRecipe, SourceConfig
from xgen_model import PRESETS
from xgen_train.recipe import GuardRecipe, OptimizerRecipe, StageRecipe, TrainRecipe

__all__ = ["base", "data", "smoke"]

VOCABULARY = 2048


def data() -> DataRecipe:
    """Pages in one language, and pages of translations between English and the four."""
    return DataRecipe(
        sources=(
            SourceConfig(name="monolingual", uri="jsonl:world/text/monolingual.jsonl"),
            SourceConfig(name="parallel", uri="jsonl:world/text/parallel.jsonl"),
        ),
        tokenizer="vocabulary",
    )


def base() -> TrainRecipe:
    """1.3M parameters that read 3.3M tokens, each once: four minutes on two cores."""
    return TrainRecipe(
        store="data",
        model=replace(
            PRESETS["tiny"], vocab_size=VOCABULARY, n_tokens=VOCABULARY, context_length=512
        ),
        stages=(StageRecipe(sequence_length=256, steps=1600),),
        batch_tokens=2048,
        optimizer=OptimizerRecipe(kind="muon", learning_rate=5e-3, warmup_steps=50),
        # a model that begins to translate changes fast, which would look like a fault
        guard=GuardRecipe(sigmas=0),
        checkpoint_every=400,
        evaluate_every=400,
        evaluate_batches=4,
    )


def smoke() -> TrainRecipe:
    """The same path in seconds: it learns to write lines, not yet to translate. For tests."""
    recipe = base()
    return replace(
        recipe,
        model=replace(recipe.model, n_layers=2, d_model=64, n_heads=2, n_kv_heads=2, d_ff=128),
        stages=(StageRecipe(sequence_length=256, steps=240),),
        optimizer=replace(recipe.optimizer, warmup_steps=10),
        checkpoint_every=240,
        evaluate_every=240,
        evaluate_batches=1,
    )
