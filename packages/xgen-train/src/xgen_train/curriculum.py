"""From a recipe's stages to the order in which a store's windows are read."""

from __future__ import annotations

import math
from collections.abc import Mapping

from xgen_core import InputError
from xgen_data import Order, Stage, TokenStore
from xgen_train.recipe import TrainRecipe

__all__ = ["build_order"]


def _weights(wanted: Mapping[str, float], store: TokenStore) -> dict[str, float]:
    """The mixture, or the sources' own proportions where it names none."""
    sources = store.sources("train")
    if not wanted:
        return {name: float(store.line("train", name).tokens) for name in sources}
    for name in wanted:
        if name not in sources:
            raise InputError(
                f"{store.location} has no source {name!r}; it has {', '.join(sources)}"
            )
    chosen = {n: float(wanted[n]) for n in sources if wanted.get(n, 0) > 0}
    if not chosen:
        raise InputError("a stage's weights are all zero, so it would read nothing")
    return chosen


def build_order(recipe: TrainRecipe, store: TokenStore) -> Order:
    """The run's order of data: a pure function of recipe and store sizes.

    Raises:
        InputError: the store and the recipe do not fit each other.
    """
    stages = tuple(
        Stage(
            sequence_length=stage.sequence_length,
            batch_size=recipe.batch_tokens // stage.sequence_length,
            steps=stage.steps,
            weights=_weights(stage.weights, store),
            packing=stage.packing,
        )
        for stage in recipe.stages
    )
    try:
        order = Order(seed=recipe.seed, stages=stages, lines=store.line_sizes("train"))
        for change in recipe.changes:
            order = order.changed(change.step, _weights(change.weights, store))
    except ValueError as error:
        raise InputError(f"{store.location}: {error}") from error
    if recipe.max_epochs:
        _check_epochs(recipe, store, order)
    return order


def _check_epochs(recipe: TrainRecipe, store: TokenStore, order: Order) -> None:
    name, most = max(order.epochs().items(), key=lambda item: item[1])
    if most > recipe.max_epochs + 1e-9:
        raise InputError(
            f"the budget is larger than the data: source {name!r} of {store.location} has "
            f"{store.line('train', name).tokens:,} tokens and would be read {most:.2f} times, more "
            f"than max_epochs {recipe.max_epochs:g}: fewer steps, more data, or --set max_epochs="
            f"{math.ceil(most)}"
        )
