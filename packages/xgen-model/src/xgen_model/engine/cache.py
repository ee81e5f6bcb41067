"""Keys and values of what was read, and how long the arrays are that hold them.

Slot `i` of a row holds position `i` of its text; slots from the row's length on hold anything, and
nothing looks at them. Each layer has its own arrays, so that a step changes them in place.

Letters: b rows, w some of them, s slots, k kv heads, h head dim.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from xgen_model.config import ModelConfig

__all__ = ["BLOCK", "Cache", "bucket", "capacity", "empty_cache", "entered", "inserted"]

BLOCK = 128
"""Slots that attention looks at in one go; every running cache is a multiple of it."""
_SMALLEST = 32


class Cache(NamedTuple):
    """Keys and values of every layer, in the compute dtype."""

    key: tuple[Float[Array, "b k s h"], ...]
    value: tuple[Float[Array, "b k s h"], ...]


def bucket(length: int) -> int:
    """The padded length for `length` tokens: 32, 48, 64, 96, 128, 192 and so on."""
    power = max(_SMALLEST, 1 << (length - 1).bit_length())
    return power * 3 // 4 if power > _SMALLEST and length <= power * 3 // 4 else power


def capacity(length: int) -> int:
    """Slots of a running cache for `length` tokens: a power of two, at least `BLOCK`."""
    return max(BLOCK, 1 << (length - 1).bit_length())


def empty_cache(config: ModelConfig, rows: int, slots: int) -> Cache:
    """A cache for `rows` texts of up to `slots` tokens."""
    shape = (rows, config.n_kv_heads, slots, config.head_dim)

    def arrays() -> tuple[Array, ...]:
        return tuple(jnp.zeros(shape, config.dtype) for _ in range(config.n_layers))

    return Cache(arrays(), arrays())


def entered(
    whole: Float[Array, "b k s h"],
    new: Float[Array, "w k h"],
    rows: Int[Array, " w"],
    slots: Int[Array, " w"],
) -> Float[Array, "b k s h"]:
    """One layer's keys or values, with one more token in some rows.

    Args:
        whole: what is there.
        new: of the tokens.
        rows: of each token.
        slots: where in its row.
    """
    # One in-place update a row: a scatter would be a loop over copies of the array on CPU.
    for index in range(new.shape[0]):
        at = (rows[index], 0, slots[index], 0)
        whole = jax.lax.dynamic_update_slice(whole, new[index][None, :, None], at)
    return whole


def inserted(cache: Cache, part: Cache, row: Int[Array, ""] | int) -> Cache:
    """The cache with the rows of `part`, which has no more slots, put in from `row` on."""

    def put(whole: Array, new: Array) -> Array:
        return jax.lax.dynamic_update_slice(whole, new.astype(whole.dtype), (row, 0, 0, 0))

    return jax.tree.map(put, cache, part)
