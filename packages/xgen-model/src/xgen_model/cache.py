"""Keys and values of the tokens read so far.

Each row has its own length, so rows come and go independently. A slot that is not in use has
segment 0 and is seen by no real token.

Letters: b batch, t time, s slots, k kv heads, h head dim.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from xgen_model.config import ModelConfig

__all__ = ["Cache", "Stored", "empty_cache", "entered"]


class Cache(NamedTuple):
    """All layers' keys and values, in the compute dtype, with what each slot holds."""

    key: Float[Array, "layers b k s h"]
    value: Float[Array, "layers b k s h"]
    segments: Int[Array, "b s"]
    positions: Int[Array, "b s"]

    def marked(
        self,
        segments: Int[Array, "b t"],
        positions: Int[Array, "b t"],
        slots: Int[Array, " b"] | int,
    ) -> Cache:
        """The cache with the marks of new tokens in their slots, keys and values still missing."""
        return self._replace(
            segments=_placed(self.segments, segments, slots),
            positions=_placed(self.positions, positions, slots),
        )


class Stored(NamedTuple):
    """All layers' keys and values, with the number of the layer that is to use them."""

    key: Float[Array, "layers b k s h"]
    value: Float[Array, "layers b k s h"]
    layer: Int[Array, ""] | int

    def layer_key_value(self) -> tuple[Float[Array, "b s k h"], Float[Array, "b s k h"]]:
        """Keys and values of the layer."""
        key, value = (
            jax.lax.dynamic_index_in_dim(a, self.layer, keepdims=False)
            for a in (self.key, self.value)
        )
        return key.swapaxes(1, 2), value.swapaxes(1, 2)


def empty_cache(config: ModelConfig, batch: int, slots: int) -> Cache:
    """A cache for `batch` rows of `slots` tokens, all of them unused."""
    shape = (config.n_layers, batch, config.n_kv_heads, slots, config.head_dim)
    return Cache(
        key=jnp.zeros(shape, config.dtype),
        value=jnp.zeros(shape, config.dtype),
        segments=jnp.zeros((batch, slots), jnp.int32),
        positions=jnp.zeros((batch, slots), jnp.int32),
    )


def _placed(
    row: Int[Array, "b s"], new: Int[Array, "b t"], slots: Int[Array, " b"] | int
) -> Int[Array, "b s"]:
    if isinstance(slots, int):
        return jax.lax.dynamic_update_slice(row, new, (0, slots))
    return jax.vmap(lambda r, n, at: jax.lax.dynamic_update_slice(r, n, (at,)))(row, new, slots)


def entered(
    stored: Stored,
    key: Float[Array, "b t k h"],
    value: Float[Array, "b t k h"],
    slots: Int[Array, " b"] | int,
) -> Stored:
    """The layers' cache with new keys and values of one layer in it.

    Args:
        stored: with the layer that they are for.
        key: keys.
        value: values.
        slots: the first slot for each row.
    """

    def put(whole: Float[Array, "layers b k s h"], new: Float[Array, "b t k h"]) -> Array:
        new = new.swapaxes(1, 2)
        if isinstance(slots, int):
            return jax.lax.dynamic_update_slice(whole, new[None], (stored.layer, 0, 0, slots, 0))
        for row in range(new.shape[0]):
            at = (stored.layer, row, 0, slots[row], 0)
            whole = jax.lax.dynamic_update_slice(whole, new[row][None, None], at)
        return whole

    return Stored(put(stored.key, key), put(stored.value, value), stored.layer)
