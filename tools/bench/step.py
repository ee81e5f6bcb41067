"""What a training step of the quickstart costs here: `python tools/bench/step.py`.

Each stage's shapes, random ids: time to trace and compile, then the median step.
"""

from __future__ import annotations

import time

import jax
import numpy as np

from xgen_core import Batch
from xgen_model import create, make_mesh, training_flops_per_token
from xgen_train import LanguageModelling, compile_step, fresh_state
from xgen_train.allocator import keep_freed_memory
from xgen_train.recipes import quickstart

STEPS = 9


def main() -> None:
    """Print compile time, tokens per second and GFLOP/s for each stage."""
    keep_freed_memory()  # as `xgen train` does first of all
    recipe = quickstart.base()
    state = fresh_state(recipe, create(recipe.model, seed=0))
    objective = LanguageModelling(config=recipe.model)
    step = compile_step(objective, recipe, recipe.total_steps, make_mesh())
    random = np.random.default_rng(0)
    for stage in recipe.stages:
        length = stage.sequence_length
        shape = (recipe.batch_tokens // length, length)
        ids = random.integers(0, recipe.model.n_tokens, (2, *shape), dtype=np.int32)
        ones = np.ones(shape, np.int32)
        positions = np.broadcast_to(np.arange(length, dtype=np.int32), shape)
        batch = Batch(ids[0], ids[1], ones, positions, ones)
        seconds: list[float] = []
        for _ in range(STEPS + 1):
            begun = time.perf_counter()
            state, metrics = step(state, batch)
            jax.block_until_ready(metrics)
            seconds.append(time.perf_counter() - begun)
        median = sorted(seconds[1:])[STEPS // 2]
        rate = recipe.batch_tokens / median
        flops = rate * training_flops_per_token(recipe.model, length)
        print(
            f"{shape[0]:3d} x {length}: first step {seconds[0]:.1f} s, then {rate:,.0f} tok/s, "
            f"{flops / 1e9:.0f} GFLOP/s"
        )


if __name__ == "__main__":
    main()
