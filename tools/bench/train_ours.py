"""Our side of `train.py`: `compile_step` as `xgen train run` uses it, with its default settings.

    train_ours.py START.npz [--make]

`--make` first draws the weights and ids that all sides begin with.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import jax
import numpy as np
from train_side import BETAS, CLIP, DECAY, EPSILON, RATE, ROWS, TIME, load, serve

from xgen_core import Batch
from xgen_model import Params, create, make_mesh, place_batch, preset
from xgen_train import LanguageModelling, OptimizerRecipe, compile_step, fresh_state
from xgen_train.allocator import keep_freed_memory
from xgen_train.recipe import RunRecipe
from xgen_train.state import abstract_state


def recipe() -> RunRecipe:
    """AdamW at a constant rate."""
    return RunRecipe(
        model=preset("small"),
        optimizer=OptimizerRecipe(
            learning_rate=RATE,
            warmup_steps=0,
            schedule="constant",
            beta1=BETAS[0],
            beta2=BETAS[1],
            epsilon=EPSILON,
            weight_decay=DECAY,
            clip_norm=CLIP,
        ),
    )


def make(path: Path) -> None:
    """Write weights and random ids."""
    config = preset("small")
    random = np.random.default_rng(0)
    arrays: dict[str, Any] = {
        ".".join(str(key.key) for key in place): np.asarray(leaf)
        for place, leaf in jax.tree_util.tree_leaves_with_path(create(config, seed=0))
    }
    arrays["ids"] = random.integers(0, config.n_tokens, (ROWS, TIME + 1), dtype=np.int32)
    np.savez(path, allow_pickle=False, **arrays)


def nested(arrays: dict[str, Any]) -> Params:
    """The tree of dotted names."""
    tree: Params = {}
    for name, array in arrays.items():
        *path, last = name.split(".")
        at = tree
        for part in path:
            at = at.setdefault(part, {})
        at[last] = jax.numpy.asarray(array)
    return tree


def main() -> None:
    """Train on demand."""
    keep_freed_memory()  # as `xgen train` does first of all
    if "--make" in sys.argv:
        make(Path(sys.argv[1]))
    ids, arrays = load(sys.argv[1])
    what = recipe()
    mesh = make_mesh()
    places = jax.tree.map(lambda leaf: leaf.sharding, abstract_state(what, mesh))
    begin = jax.jit(lambda params: fresh_state(what, params), out_shardings=places)
    state = begin(nested(arrays))
    train = compile_step(LanguageModelling(config=what.model), what, 1000, mesh)
    ones = np.ones((ROWS, TIME), np.int32)
    positions = np.broadcast_to(np.arange(TIME, dtype=np.int32), ones.shape)
    batch = place_batch(mesh, Batch(ids[:, :-1], ids[:, 1:], ones, positions, ones))

    def step() -> float:
        nonlocal state
        state, metrics = train(state, batch)
        jax.block_until_ready(state)
        return float(metrics.loss)

    serve({"jax": jax.__version__, "python": sys.version.split()[0]}, step)


if __name__ == "__main__":
    main()
