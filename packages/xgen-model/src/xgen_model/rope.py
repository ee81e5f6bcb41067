"""Rotary position embedding, over a head or its first part, in either layout.

Pair `i` turns by `position · frequency[i]`, where frequency[i] is `theta^(-2i/r)` unless scaled. In
the `half` layout of Hugging Face's Llama pair `i` is elements `i` and `i + r/2`, in the
`interleaved` one of GPT-J and CodeGen elements `2i` and `2i + 1`.

Letters: b batch, t time, n heads, h head dim, r rotated dims.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from xgen_model.config import ModelConfig, RopeScaling
from xgen_model.mesh import platform

__all__ = ["Rotation", "frequencies", "rotate", "rotation"]


class Rotation(NamedTuple):
    """Cosines and sines of every position, made once a forward pass and shared by the layers."""

    cos: Float[Array, "b t 1 half"]
    sin: Float[Array, "b t 1 half"]


def frequencies(
    rotated: int, theta: float, scaling: RopeScaling | None = None
) -> Float[np.ndarray, " half"]:
    """Radians a position, of each pair, as float32.

    Args:
        rotated: elements that turn, even.
        theta: frequency base (XGen: 10,000, the Llama value, unchanged at 8K).
        scaling: stretching for long contexts.
    """
    plain = 1.0 / theta ** (np.arange(0, rotated, 2, dtype=np.float32) / np.float32(rotated))
    if scaling is None:
        return plain.astype(np.float32)
    stretched = plain / scaling.factor
    if scaling.kind == "linear":
        return stretched.astype(np.float32)
    low, high = scaling.low_frequency_factor, scaling.high_frequency_factor
    turns = scaling.original_context_length * plain / (2 * math.pi)
    kept = np.clip((turns - low) / (high - low), 0.0, 1.0)
    return ((1 - kept) * stretched + kept * plain).astype(np.float32)


def rotation(config: ModelConfig, positions: Int[Array, "b t"]) -> Rotation:
    """Tables for `rotate`, in float32.

    Args:
        config: of the model.
        positions: position of each token in its document.
    """
    table = frequencies(config.rotated_dims, config.rope_theta, config.rope_scaling)
    angles = positions[..., None, None].astype(jnp.float32) * table
    found = Rotation(jnp.cos(angles), jnp.sin(angles))
    # XLA's CPU compiler would compute them again in every layer, forward and backward
    return jax.lax.optimization_barrier(found) if platform() == "cpu" else found


def rotate(
    x: Float[Array, "b t n h"], table: Rotation, *, interleaved: bool = False
) -> Float[Array, "b t n h"]:
    """Turn queries or keys by their positions; computed in float32, returned in `x`'s dtype.

    Elements beyond those that the table is for are left as they are.
    """
    turned = 2 * table.cos.shape[-1]
    wide, rest = x[..., :turned].astype(jnp.float32), x[..., turned:]
    if interleaved:
        first, second = wide[..., ::2], wide[..., 1::2]
    else:
        first, second = jnp.split(wide, 2, axis=-1)
    pairs = (
        first * table.cos - second * table.sin,
        second * table.cos + first * table.sin,
    )
    if interleaved:
        done = jnp.stack(pairs, axis=-1).reshape(wide.shape)
    else:
        done = jnp.concatenate(pairs, axis=-1)
    done = done.astype(x.dtype)
    return jnp.concatenate([done, rest], axis=-1) if rest.shape[-1] else done
