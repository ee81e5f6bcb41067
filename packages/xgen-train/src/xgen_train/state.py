"""All that a step changes, as one tree, and where its parts live."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Int

from xgen_model import Params, abstract_params, join, shardings, split, trained_mask
from xgen_train.guard import GuardState, fresh_guard
from xgen_train.optimizer import build_optimizer
from xgen_train.recipe import RunRecipe

__all__ = ["TrainState", "abstract_state", "fresh_state"]


class TrainState(NamedTuple):
    """What a step changes.

    Attributes:
        step: batches that lie behind, those without an update included.
        trained: float32 parameters that are trained; None where one is frozen.
        frozen: the others, as a parallel tree.
        optimizer: the optimizer's state, over the trained ones alone.
        guard: what the guard against spikes remembers.
    """

    step: Int[Array, ""]
    trained: Params
    frozen: Params
    optimizer: Any
    guard: GuardState

    @property
    def params(self) -> Params:
        """The whole model."""
        return join(self.trained, self.frozen)


def fresh_state(recipe: RunRecipe, params: Params) -> TrainState:
    """The state before the first step; traceable.

    Args:
        recipe: of the run.
        params: the weights to begin with.

    Raises:
        InputError: `recipe.trained` names a parameter that the model does not have.
    """
    trained, frozen = split(params, trained_mask(params, recipe.trained))
    optimizer = build_optimizer(recipe.optimizer).init(trained)
    return TrainState(jnp.int32(0), trained, frozen, optimizer, fresh_guard(recipe.guard))


def abstract_state(recipe: RunRecipe, mesh: Mesh) -> TrainState:
    """Shapes, dtypes and shardings of the state; nothing is allocated.

    The optimizer's moments lie where their parameters lie, scalars are on every device.
    """
    shapes = abstract_params(recipe.model)
    state = jax.eval_shape(lambda: fresh_state(recipe, _zeros(shapes)))
    mask = trained_mask(shapes, recipe.trained)
    trained, frozen = split(shardings(recipe.model, mesh), mask)
    everywhere = NamedSharding(mesh, PartitionSpec())
    places = TrainState(
        everywhere,
        trained,
        frozen,
        _optimizer_shardings(recipe, state, trained, everywhere),
        GuardState(*(everywhere for _ in state.guard)),
    )
    return jax.tree.map(
        lambda leaf, place: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=place),
        state,
        places,
    )


def _zeros(shapes: Params) -> Params:
    return jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)


def _optimizer_shardings(
    recipe: RunRecipe, state: TrainState, trained: Params, everywhere: NamedSharding
) -> Any:
    """A moment is found by the end of its path, which is its parameter's whole path."""
    places = {
        tuple(path): (leaf.shape, place)
        for (path, leaf), place in zip(
            jax.tree_util.tree_leaves_with_path(state.trained),
            jax.tree.leaves(trained),
            strict=True,
        )
    }

    def place(path: tuple[Any, ...], leaf: jax.ShapeDtypeStruct) -> NamedSharding:
        for start in range(len(path)):
            shape, found = places.get(tuple(path[start:]), (None, everywhere))
            if shape == leaf.shape:
                return found
        return everywhere

    return jax.tree_util.tree_map_with_path(place, state.optimizer)
