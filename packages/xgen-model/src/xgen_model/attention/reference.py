"""The definition: every pair of query and key is scored, hidden ones too.

Letters: b batch, t query time, s key time, k kv heads, g query heads of each, h head dim.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from xgen_model.attention.marks import HIDDEN, Marks, Shard, seen

__all__ = ["reference"]


def reference(
    query: Float[Array, "b k g t h"],
    key: Float[Array, "b k s h"],
    value: Float[Array, "b k s h"],
    marks: Marks,
    slopes: Float[Array, "k g"] | None,
    shard: Shard,
) -> Float[Array, "b k g t h"]:
    """Attend; takes keys in any order."""
    b, k, g, t, h = query.shape
    s = key.shape[2]
    # Keys laid out for the product, and g and t as one dim: XLA's CPU matmul is 1.3 times as
    # quick so. Batch and heads stay apart, because each may be split over its own mesh axis.
    scores = jnp.matmul(
        query.reshape(b, k, g * t, h),
        jnp.swapaxes(key, 2, 3),
        preferred_element_type=jnp.float32,
    ).reshape(b, k, g, t, s)
    if slopes is not None:
        distance = marks.query_positions[:, :, None] - marks.key_positions[:, None, :]
        scores = scores - slopes[:, :, None, None] * distance[:, None, None].astype(jnp.float32)
    scores = scores + jnp.where(seen(marks), 0.0, HIDDEN)[:, None, None]
    # Normalising after the product with the values touches h numbers a query instead of s, and
    # the largest score is a constant to the gradient: it cancels.
    largest = jax.lax.stop_gradient(jnp.max(scores, axis=-1, keepdims=True))
    weights = jnp.exp(scores - largest)
    total = jnp.sum(weights, axis=-1, keepdims=True)
    mixed = jnp.matmul(
        weights.astype(value.dtype).reshape(b, k, g * t, s),
        value,
        preferred_element_type=jnp.float32,
    ).reshape(b, k, g, t, h)
    return (mixed / total).astype(value.dtype)
