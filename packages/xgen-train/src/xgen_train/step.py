"""One optimizer step as a pure function of (state, batch)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import optax

from xgen_core import Batch
from xgen_model import ModelConfig, Params, loss

__all__ = ["StepMetrics", "TrainState", "make_evaluation", "make_step"]


class TrainState(NamedTuple):
    """What a step changes: fp32 parameters and the optimizer's state."""

    params: Params
    optimizer: Any


class StepMetrics(NamedTuple):
    """Scalars of one step, still on the device.

    Attributes:
        loss: mean negative log-likelihood in nats per counted token, before the update.
        gradient_norm: global norm before clipping.
        tokens: counted tokens.
    """

    loss: jax.Array
    gradient_norm: jax.Array
    tokens: jax.Array


def make_step(
    config: ModelConfig, optimizer: optax.GradientTransformation
) -> Callable[[TrainState, Batch[jax.Array]], tuple[TrainState, StepMetrics]]:
    """Compile the step; the old state's memory is reused for the new one."""

    def objective(params: Params, batch: Batch[jax.Array]) -> tuple[jax.Array, jax.Array]:
        sums = loss(config, params, batch)
        return sums.nll / sums.tokens, sums.tokens

    def step(state: TrainState, batch: Batch[jax.Array]) -> tuple[TrainState, StepMetrics]:
        (value, tokens), gradients = jax.value_and_grad(objective, has_aux=True)(
            state.params, batch
        )
        updates, optimizer_state = optimizer.update(gradients, state.optimizer, state.params)
        params = optax.apply_updates(state.params, updates)
        metrics = StepMetrics(value, optax.tree.norm(gradients), tokens)
        return TrainState(params, optimizer_state), metrics

    return jax.jit(step, donate_argnums=0)


def make_evaluation(
    config: ModelConfig,
) -> Callable[[Params, Batch[jax.Array]], tuple[jax.Array, jax.Array]]:
    """Compile the held-out loss: sums of negative log-likelihood (nats) and of counted tokens."""

    def evaluate(params: Params, batch: Batch[jax.Array]) -> tuple[jax.Array, jax.Array]:
        sums = loss(config, params, batch)
        return sums.nll, sums.tokens

    return jax.jit(evaluate)
