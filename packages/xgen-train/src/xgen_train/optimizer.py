"""AdamW as one optax chain: clip, Adam moments, decay by parameter name, learning rate."""

from __future__ import annotations

from typing import Any

import jax
import optax

from xgen_train.recipe import OptimizerRecipe
from xgen_train.schedule import learning_rate

__all__ = ["build_optimizer", "decays"]


def decays(path: tuple[Any, ...]) -> bool:
    """Whether the parameter at a tree path is decayed: all but biases and the scales of norms.

    Decided by name, because scanned layers stack scales to two dimensions, so a test on `ndim`
    would decay them too (as JaxFormer did).
    """
    names = [str(getattr(key, "key", key)) for key in path]
    return names[-1] != "bias" and not any("norm" in name for name in names)


def build_optimizer(recipe: OptimizerRecipe, total_steps: int) -> optax.GradientTransformation:
    """The chain, in the order clip, Adam, decoupled decay, learning rate.

    Raises:
        ValueError: the warm-up is not shorter than the run.
    """

    def mask(params: optax.Params) -> Any:
        return jax.tree_util.tree_map_with_path(lambda path, _: decays(path), params)

    return optax.chain(
        optax.clip_by_global_norm(recipe.clip_norm),
        optax.scale_by_adam(b1=recipe.beta1, b2=recipe.beta2, eps=recipe.epsilon),
        optax.add_decayed_weights(recipe.weight_decay, mask=mask),
        optax.scale_by_learning_rate(learning_rate(recipe, total_steps)),
    )
