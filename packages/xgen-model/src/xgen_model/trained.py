"""Which parameters are trained: a selection by name, and the tree in two halves.

    selection = trained_mask(params, ("lora",))
    trained, frozen = split(params, selection)
    gradient = jax.grad(lambda trained: objective(join(trained, frozen)))(trained)

The optimizer then sees, and keeps state for, the trained half alone.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import jax

from xgen_core.codec import unknown_name
from xgen_core.errors import InputError
from xgen_model.arrays import leaf_names
from xgen_model.model import Params

__all__ = ["SELECTIONS", "join", "split", "trained_mask"]

SELECTIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "all": ("*",),
        "qkv": tuple(f"layers.attention.{p}.*" for p in ("query", "key", "value")),
        "lora": ("*.lora_a", "*.lora_b"),
        "soft_prompt": ("soft_prompt",),
    }
)
"""Names for patterns: `qkv` is what LDP tunes of BLOOM, with everything else frozen."""


def trained_mask(params: Params, patterns: Sequence[str]) -> Any:
    """A tree parallel to the parameters, True where one is trained.

    Args:
        params: arrays or their shapes.
        patterns: names in `SELECTIONS`, or dotted paths with `*`, as in `layers.mlp.*.kernel`.

    Raises:
        InputError: a pattern that no parameter matches.
    """
    names, _, structure = leaf_names(params)
    chosen: set[str] = set()
    for pattern in patterns:
        expanded = SELECTIONS.get(pattern, (pattern,))
        found = {n for n in names for p in expanded if fnmatch.fnmatchcase(n, p)}
        if not found:
            hint = unknown_name(pattern, [*SELECTIONS, *names], "selection of parameters")
            raise InputError(f"{hint}; nothing in this model matches {' or '.join(expanded)}")
        chosen |= found
    return jax.tree.unflatten(structure, [name in chosen for name in names])


def split(params: Params, mask: Any) -> tuple[Params, Params]:
    """The trained half and the frozen half: parallel trees with None where the other has a leaf."""
    trained = jax.tree.map(lambda leaf, yes: leaf if yes else None, params, mask)
    frozen = jax.tree.map(lambda leaf, yes: None if yes else leaf, params, mask)
    return trained, frozen


def join(trained: Params, frozen: Params) -> Params:
    """The whole tree of two halves."""
    return jax.tree.map(
        lambda a, b: b if a is None else a, trained, frozen, is_leaf=lambda leaf: leaf is None
    )
