"""The weights that a run begins with: fresh ones, or those of a model on disk."""

from __future__ import annotations

import dataclasses

import jax
from jax.sharding import Mesh

from xgen_core import InputError
from xgen_model import (
    ModelConfig,
    ModelSource,
    Params,
    add_lora,
    add_soft_prompt,
    create,
    open_source,
    shardings,
)
from xgen_model.parameters import ReconfiguredParameters, parameter_shapes
from xgen_train.recipe import RunRecipe

__all__ = ["check_start", "first_params", "open_start"]


def open_start(recipe: RunRecipe) -> ModelSource | None:
    """The model that the recipe starts from, its weights not read yet; None for a fresh one.

    Raises:
        InputError: there is no model, or one of other shapes than the recipe's.
    """
    if not recipe.start:
        return None
    source = open_source(recipe.start)
    check_start(recipe.model, source)
    return source


def check_start(config: ModelConfig, source: ModelSource) -> None:
    """See that the weights of a source fit a model, adapters apart.

    Raises:
        InputError: they do not; names the first parameter that differs.
    """
    wanted = parameter_shapes(_base(config, source.config))
    found = parameter_shapes(source.config)
    for name in [*wanted, *(n for n in found if n not in wanted)]:
        if wanted.get(name) != found.get(name):
            there, here = found.get(name, "absent"), wanted.get(name, "absent")
            raise InputError(
                f"{source.directory}: a checkpoint of another model: {name} is {there}, and the "
                f"recipe's model has {here}"
            )


def _base(config: ModelConfig, source: ModelConfig) -> ModelConfig:
    """The recipe's model without the adapters that its source does not have."""
    return dataclasses.replace(
        config,
        lora=config.lora if source.lora else None,
        soft_prompt=config.soft_prompt if source.soft_prompt else 0,
    )


def first_params(recipe: RunRecipe, mesh: Mesh) -> Params:
    """Weights on their devices; adapters that the source lacks are fresh, and change nothing yet.

    Raises:
        XgenError: the model is not there, does not fit, or is damaged.
    """
    config, source = recipe.model, open_start(recipe)
    if source is None:
        return create(config, recipe.seed, shardings=shardings(config, mesh))
    base = _base(config, source.config)
    reader = ReconfiguredParameters(source.parameters, base)
    params = dataclasses.replace(source, parameters=reader).load(shardings(base, mesh))
    if config.lora and not base.lora:
        base, params = add_lora(base, params, config.lora, recipe.seed)
    if config.soft_prompt and not base.soft_prompt:
        tokens = recipe.soft_prompt_ids or config.soft_prompt
        base, params = add_soft_prompt(base, params, tokens, recipe.seed)
    return jax.device_put(params, shardings(config, mesh))
