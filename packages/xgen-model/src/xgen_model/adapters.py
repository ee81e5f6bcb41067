"""LoRA and soft prompts: put on a model, and LoRA merged into it again.

Both are part of the configuration, and their arrays part of the parameters, so a model with them
trains, saves, scores and generates like any other. `xgen_model.trained` picks what is trained.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp

from xgen_model.config import Lora, ModelConfig
from xgen_model.model import Params, create

__all__ = ["add_lora", "add_soft_prompt", "merge_lora"]


def add_lora(
    config: ModelConfig, params: Params, lora: Lora, seed: int
) -> tuple[ModelConfig, Params]:
    """The model with fresh adapters, which change nothing before they are trained.

    Args:
        config: of a model without adapters.
        params: its parameters; shared with the result, not copied.
        lora: what to add.
        seed: of the adapters' A; their B is zero.

    Raises:
        ValueError: the model has adapters, or no projection of a target's name.
    """
    if config.lora is not None:
        raise ValueError("this model has LoRA adapters already: merge them first")
    wider = dataclasses.replace(config, lora=lora)
    return wider, _overlaid(_fresh(wider, seed), params)


def add_soft_prompt(
    config: ModelConfig,
    params: Params,
    tokens: int | Sequence[int],
    seed: int = 0,
) -> tuple[ModelConfig, Params]:
    """The model with virtual tokens that stand before every document (Lester et al. 2021).

    Args:
        config: of a model without a soft prompt.
        params: its parameters; shared with the result, not copied.
        tokens: how many, drawn like an embedding; or ids whose embeddings they begin as.
        seed: of the draw.

    Raises:
        ValueError: the model has a soft prompt, or `tokens` names none.
    """
    if config.soft_prompt:
        raise ValueError(f"this model has a soft prompt of {config.soft_prompt} tokens already")
    count = tokens if isinstance(tokens, int) else len(tokens)
    if count < 1:
        raise ValueError("a soft prompt has at least one virtual token")
    wider = dataclasses.replace(config, soft_prompt=count)
    if isinstance(tokens, int):
        return wider, _overlaid(_fresh(wider, seed), params)
    rows = jnp.asarray(params["embedding"])[jnp.asarray(tokens, jnp.int32)]
    return wider, {**params, "soft_prompt": rows}


def merge_lora(config: ModelConfig, params: Params) -> tuple[ModelConfig, Params]:
    """The model with its adapters added to the kernels, in float32, and without them then.

    A model without adapters comes back as it is. To unmerge, keep the base: a sum is not taken
    apart again without rounding.
    """
    if config.lora is None:
        return config, params
    scale = config.lora.scale

    def merged(tree: Params) -> Params:
        if "lora_a" not in tree:
            return {k: merged(v) if isinstance(v, Mapping) else v for k, v in tree.items()}
        added = jnp.matmul(tree["lora_a"], tree["lora_b"], precision="highest") * scale
        rest = {k: v for k, v in tree.items() if k not in ("lora_a", "lora_b")}
        return {**rest, "kernel": tree["kernel"] + added}

    return dataclasses.replace(config, lora=None), merged(params)


def _fresh(config: ModelConfig, seed: int) -> Params:
    """Only what adapters add, freshly made; the base itself is never computed."""

    def kept(path: tuple[jax.tree_util.DictKey, ...], leaf: jax.Array) -> jax.Array | None:
        return leaf if path[-1].key in ("lora_a", "lora_b", "soft_prompt") else None

    @jax.jit
    def make() -> Params:
        return jax.tree_util.tree_map_with_path(kept, create(config, seed))

    return make()


def _overlaid(fresh: Params, params: Params) -> Params:
    """The union of two trees; where both have a leaf it is `params`'s."""
    found: Params = {}
    for name in {**params, **fresh}:
        old, new = params.get(name), fresh.get(name)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            found[name] = _overlaid(dict(new), dict(old))
        else:
            found[name] = new if old is None else old
    return found
