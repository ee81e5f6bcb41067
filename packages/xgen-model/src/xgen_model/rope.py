"""Rotary position embedding, over the whole head, in the half-rotation layout of Hugging Face.

Pair `i` of a head is its elements `i` and `i + h/2`; it turns by `position · theta^(-2i/h)`.

Letters: b batch, t time, n heads, h head dim.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

__all__ = ["Rotation", "rotate", "rotation"]


class Rotation(NamedTuple):
    """Cosines and sines of every position, made once a forward pass and shared by the layers."""

    cos: Float[Array, "b t 1 half"]
    sin: Float[Array, "b t 1 half"]


def rotation(positions: Int[Array, "b t"], head_dim: int, theta: float) -> Rotation:
    """Tables for `rotate`, in float32.

    Args:
        positions: position of each token in its document.
        head_dim: width of a head, even.
        theta: frequency base (XGen: 10,000, the Llama value, unchanged at 8K).
    """
    exponent = jnp.arange(0, head_dim, 2, dtype=jnp.float32) / head_dim
    angles = positions[..., None, None].astype(jnp.float32) * theta**-exponent
    return Rotation(jnp.cos(angles), jnp.sin(angles))


def rotate(x: Float[Array, "b t n h"], table: Rotation) -> Float[Array, "b t n h"]:
    """Turn queries or keys by their positions; computed in float32, returned in `x`'s dtype."""
    first, second = jnp.split(x.astype(jnp.float32), 2, axis=-1)
    turned = (
        first * table.cos - second * table.sin,
        second * table.cos + first * table.sin,
    )
    return jnp.concatenate(turned, axis=-1).astype(x.dtype)
