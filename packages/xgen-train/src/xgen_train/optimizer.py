"""Which way the weights move: Adam moments (or Muon for matrices), and decay by parameter name.

Clipping before and the learning rate after are the step's, so that a batch without an update still
moves the rate's clock.
"""

from __future__ import annotations

from typing import Any

import jax
import optax
from optax import contrib

from xgen_train.recipe import OptimizerRecipe

__all__ = ["build_optimizer", "decays", "matrices"]


def decays(path: tuple[Any, ...]) -> bool:
    """Whether the parameter at a tree path is decayed: all but biases and the scales of norms.

    Decided by name, because scanned layers stack scales to two dimensions, so a test on `ndim`
    would decay them too (as JaxFormer did).
    """
    names = _names(path)
    return names[-1] != "bias" and not any("norm" in name for name in names)


def matrices(path: tuple[Any, ...]) -> bool:
    """Whether Muon orthogonalises the parameter: matrices inside layers, not embedding or head."""
    names = _names(path)
    return names[0] == "layers" and names[-1] in ("kernel", "lora_a", "lora_b")


def _names(path: tuple[Any, ...]) -> list[str]:
    return [str(getattr(key, "key", key)) for key in path]


def build_optimizer(recipe: OptimizerRecipe) -> optax.GradientTransformation:
    """From clipped gradients to a direction: moments, then decoupled decay; no learning rate."""
    decay = optax.add_decayed_weights(recipe.weight_decay, mask=lambda p: _where(p, decays))
    return optax.chain(_moments(recipe), decay)


def _moments(recipe: OptimizerRecipe) -> optax.GradientTransformation:
    adam = optax.scale_by_adam(b1=recipe.beta1, b2=recipe.beta2, eps=recipe.epsilon)
    if recipe.kind == "adamw":
        return adam

    def dimensions(params: optax.Params) -> Any:
        # layers are stacked: the first dim is a batch of matrices
        each = contrib.MuonDimensionNumbers(reduction_axis=-2, output_axis=-1)
        return jax.tree_util.tree_map_with_path(
            lambda path, _: each if matrices(path) else None, params
        )

    muon = optax.chain(
        contrib.scale_by_muon(beta=recipe.muon_momentum, weight_dimension_numbers=dimensions),
        # the update of every matrix has Adam's usual size, so one rate and decay fit both
        # (Liu et al. 2025, "Muon is scalable for LLM training": 0.2 · sqrt(max(in, out)))
        optax.stateless(lambda updates, _: jax.tree.map(_like_adam, updates)),
    )
    return optax.partition(
        {"muon": muon, "adam": adam},
        lambda params: jax.tree_util.tree_map_with_path(
            lambda path, _: "muon" if matrices(path) else "adam", params
        ),
    )


def _like_adam(update: jax.Array) -> jax.Array:
    return update * (0.2 * max(update.shape[-2:]) ** 0.5)


def _where(params: optax.Params, chosen: Any) -> Any:
    return jax.tree_util.tree_map_with_path(lambda path, _: chosen(path), params)
