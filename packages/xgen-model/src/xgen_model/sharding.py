"""Where parameters live: logical axes for each, by the table in `xgen_model.mesh`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import jax
from jax.sharding import Mesh, NamedSharding

from xgen_model.config import ModelConfig
from xgen_model.mesh import partition
from xgen_model.model import abstract_params

__all__ = ["logical_axes", "shardings"]

_AXES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "query": ("embed", "heads"),
        "key": ("embed", "kv_heads"),
        "value": ("embed", "kv_heads"),
        "output": ("heads", "embed"),
        "gate": ("embed", "ffn"),
        "up": ("embed", "ffn"),
        "down": ("ffn", "embed"),
        "head": ("embed", "vocab"),
    }
)
"""Logical axes of each matrix, in and out; its bias has the second, its adapters one each."""


def _of(path: tuple[str, ...]) -> tuple[str, ...]:
    stacked = ("layers",) if path[0] == "layers" else ()
    leaf = path[-1]
    owner = path[-2] if len(path) > 1 else ""
    if leaf == "embedding":
        return ("vocab", "embed")
    if leaf == "soft_prompt":
        return ("rank", "embed")
    if owner not in _AXES:
        return (*stacked, "embed")
    into, out = _AXES[owner]
    leaves = {
        "kernel": (into, out),
        "bias": (out,),
        "lora_a": (into, "rank"),
        "lora_b": ("rank", out),
    }
    return (*stacked, *leaves[leaf])


def logical_axes(config: ModelConfig) -> Any:
    """A tree parallel to the parameters with a tuple of logical axis names for each."""

    def name(path: tuple[Any, ...], _: object) -> tuple[str, ...]:
        return _of(tuple(str(key.key) for key in path))

    return jax.tree_util.tree_map_with_path(name, abstract_params(config))


def shardings(config: ModelConfig, mesh: Mesh) -> Any:
    """A tree parallel to the parameters with a `NamedSharding` for each."""
    axes, shapes = logical_axes(config), abstract_params(config)

    def place(leaf: jax.ShapeDtypeStruct, names: tuple[str, ...]) -> NamedSharding:
        return NamedSharding(mesh, partition(names, leaf.shape, mesh.shape))

    return jax.tree.map(place, shapes, axes)
