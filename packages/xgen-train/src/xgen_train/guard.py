"""When an update is not applied: the loss or the gradient is not finite, or far off what was usual.

Decided on the device, from the loss and gradient norm of the whole batch, so all hosts decide alike
and nothing waits for the host. The window of past figures is part of the training state: a resumed
run decides as an undisturbed one. (OLMo-core and MaxText use the same 128 steps and 6 sigmas.)
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from xgen_train.recipe import GuardRecipe

__all__ = ["GuardState", "admit", "fresh_guard"]

_LEAST = 16
"""Figures that a spread is taken of at least."""


class GuardState(NamedTuple):
    """What the guard remembers.

    Attributes:
        losses, norms: a ring of the last figures, `[w]`; only the first `seen` mean anything.
        seen: how many there were.
        refused: updates in a row that were not applied.
    """

    losses: Float[Array, " w"]
    norms: Float[Array, " w"]
    seen: Int[Array, ""]
    refused: Int[Array, ""]


def fresh_guard(recipe: GuardRecipe) -> GuardState:
    """A guard that has seen nothing."""
    return GuardState(
        jnp.zeros(recipe.window), jnp.zeros(recipe.window), jnp.int32(0), jnp.int32(0)
    )


def admit(
    recipe: GuardRecipe, state: GuardState, loss: Float[Array, ""], norm: Float[Array, ""]
) -> tuple[Bool[Array, ""], GuardState]:
    """Whether an update may be applied, and the state after it.

    Figures that are finite enter the window even where the update is refused: a new level becomes
    the usual one after a while.

    Args:
        recipe: window and threshold.
        state: before this step.
        loss: of the whole batch.
        norm: of the whole gradient, before clipping.
    """
    finite = jnp.isfinite(loss) & jnp.isfinite(norm)
    good = finite
    if recipe.sigmas:
        known = jnp.arange(recipe.window) < state.seen
        enough = state.seen >= min(_LEAST, recipe.window)
        for value, past in ((loss, state.losses), (norm, state.norms)):
            good &= ~enough | (value <= _limit(past, known, recipe.sigmas))
    slot = state.seen % recipe.window
    entered = GuardState(
        jnp.where(finite, state.losses.at[slot].set(loss), state.losses),
        jnp.where(finite, state.norms.at[slot].set(norm), state.norms),
        state.seen + finite.astype(jnp.int32),
        jnp.where(good, 0, state.refused + 1),
    )
    return good, entered


def _limit(past: Float[Array, " w"], known: Bool[Array, " w"], sigmas: float) -> Float[Array, ""]:
    count = jnp.maximum(jnp.sum(known), 1)
    mean = jnp.sum(jnp.where(known, past, 0.0)) / count
    variance = jnp.sum(jnp.where(known, (past - mean) ** 2, 0.0)) / count
    return mean + sigmas * jnp.sqrt(variance)
