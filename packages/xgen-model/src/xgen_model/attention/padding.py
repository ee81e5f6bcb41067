"""Tokens that fill the last block of a kernel."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array

__all__ = ["FILLER", "filled"]

FILLER = -1
"""Their segment: they see one another, and no token sees them."""


def filled(x: Array, dim: int, block: int, value: int = 0) -> Array:
    """The array with its dim filled up to a multiple of `block`.

    Args:
        x: any array.
        dim: which of its dims.
        block: length of a block.
        value: what it is filled with.
    """
    short = -x.shape[dim] % block
    if not short:
        return x
    return jnp.pad(x, [(0, short if i == dim else 0) for i in range(x.ndim)], constant_values=value)
