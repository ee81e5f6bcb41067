"""One optimizer step as a pure function of (state, batch)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Bool, Float

from xgen_model import Params, constrain, join, on_mesh
from xgen_train.guard import admit
from xgen_train.objective import Objective
from xgen_train.optimizer import build_optimizer
from xgen_train.recipe import RunRecipe
from xgen_train.schedule import learning_rate
from xgen_train.state import TrainState, abstract_state

__all__ = ["Step", "StepMetrics", "compile_evaluation", "compile_step", "jit_step", "make_step"]


class StepMetrics(NamedTuple):
    """What a step says, still on the device.

    Attributes:
        loss: the objective's mean over the whole batch, before the update.
        gradient_norm: global norm before clipping.
        applied: whether the update was applied (see `xgen_train.guard`).
        refused: updates in a row that were not.
        rows: the objective's figures of each row, `[b]` by name.
    """

    loss: Float[Array, ""]
    gradient_norm: Float[Array, ""]
    applied: Bool[Array, ""]
    refused: Array
    rows: dict[str, Float[Array, " b"]]


Step = Callable[[TrainState, Any], tuple[TrainState, StepMetrics]]


def make_step(objective: Objective, recipe: RunRecipe, total_steps: int) -> Step:
    """The step: gradients of the whole batch, clip, optimizer, learning rate, guard.

    Not compiled: `jax.jit(step, donate_argnums=0)` lets the new state reuse the old one's memory.

    Args:
        objective: what is minimised.
        recipe: optimizer, guard and number of micro-batches.
        total_steps: where the learning rate's curve ends.
    """
    optimizer = build_optimizer(recipe.optimizer)
    rate = learning_rate(recipe.optimizer, total_steps)

    def step(state: TrainState, batch: Any) -> tuple[TrainState, StepMetrics]:
        loss, rows, gradients = _gradients(objective, state, batch, recipe.micro_batches)
        norm = optax.tree.norm(gradients)
        clip = jnp.minimum(1.0, recipe.optimizer.clip_norm / norm)
        clipped = jax.tree.map(lambda g: g * clip, gradients)
        updates, optimizer_state = optimizer.update(clipped, state.optimizer, state.trained)
        scale = rate(state.step)
        moved = jax.tree.map(lambda p, u: p - scale * u, state.trained, updates)
        good, guard = admit(recipe.guard, state.guard, loss, norm)
        trained, optimizer_state = jax.tree.map(
            lambda new, old: jnp.where(good, new, old),
            (moved, optimizer_state),
            (state.trained, state.optimizer),
        )
        metrics = StepMetrics(loss, norm, good, guard.refused, rows)
        return TrainState(state.step + 1, trained, state.frozen, optimizer_state, guard), metrics

    return step


def _gradients(
    objective: Objective, state: TrainState, batch: Any, micro_batches: int
) -> tuple[Float[Array, ""], dict[str, Float[Array, " b"]], Params]:
    """Mean loss, row figures and float32 gradients of a batch, `micro_batches` parts in turn."""
    weight = objective.weight(batch)

    def mean(trained: Params, part: Any) -> tuple[Array, dict[str, Array]]:
        found = objective.sums(join(trained, state.frozen), part)
        return found.total / weight, found.rows

    gradient = jax.value_and_grad(mean, has_aux=True)
    if micro_batches == 1:
        (loss, rows), gradients = gradient(state.trained, batch)
        return loss, rows, gradients

    def add(total: tuple[Array, Params], part: Any) -> tuple[tuple[Array, Params], Any]:
        (loss, rows), gradients = gradient(state.trained, part)
        return (total[0] + loss, jax.tree.map(jnp.add, total[1], gradients)), rows

    zeros = jax.tree.map(jnp.zeros_like, state.trained)
    parts = jax.tree.map(lambda x: _cut(x, micro_batches), batch)
    (loss, gradients), rows = jax.lax.scan(add, (jnp.float32(0), zeros), parts)
    return loss, {name: x.T.reshape(-1) for name, x in rows.items()}, gradients


def _cut(x: Array, parts: int) -> Array:
    """`[b, …]` as `[parts, b / parts, …]`; each device keeps the rows that it has."""
    x = jnp.moveaxis(x.reshape(x.shape[0] // parts, parts, *x.shape[1:]), 1, 0)
    rest = ("time", *(None,) * (x.ndim - 3)) if x.ndim > 2 else ()
    return constrain(x, None, "batch", *rest)


def jit_step(objective: Objective, recipe: RunRecipe, total_steps: int, mesh: Mesh) -> Any:
    """`make_step` for a mesh, to be called or lowered with it as the active one.

    The old state's memory is reused for the new one; metrics come out whole on every process.
    """
    layout = abstract_state(recipe, mesh)
    places = jax.tree.map(lambda leaf: leaf.sharding, layout)
    step = make_step(objective, recipe, total_steps)
    whole = NamedSharding(mesh, PartitionSpec())
    return jax.jit(step, donate_argnums=0, out_shardings=(places, whole))


def compile_step(objective: Objective, recipe: RunRecipe, total_steps: int, mesh: Mesh) -> Step:
    """`jit_step`, to be called as it is."""
    return on_mesh(mesh, jit_step(objective, recipe, total_steps, mesh))


def compile_evaluation(
    objective: Objective, mesh: Mesh
) -> Callable[[Params, Any], dict[str, Array]]:
    """The objective's figures of each row, `[b]` by name, whole on every process."""

    def evaluate(params: Params, batch: Any) -> dict[str, Array]:
        return objective.sums(params, batch).rows

    return on_mesh(mesh, jax.jit(evaluate, out_shardings=NamedSharding(mesh, PartitionSpec())))
