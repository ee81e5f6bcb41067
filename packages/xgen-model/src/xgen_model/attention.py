"""Attention: one function, several implementations that agree with each other.

Query `t` sees key `s` when `s <= t + offset` and both lie in the same segment. Padding is segment
0 and sees only padding, so every query sees at least itself and no row of the softmax is empty.

Letters: b batch, t query time, s key time, n heads, k kv heads, g = n / k, h head dim.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

__all__ = ["IMPLEMENTATIONS", "Implementation", "attention"]

_HIDDEN = -1e30
"""Added to the score of a key that must not be seen; finite, so that no inf - inf can arise."""
_BLOCKS = 4
_SMALLEST_BLOCK = 64


class Implementation(Protocol):
    """Scaled queries, keys, values and what may be seen → the weighted values."""

    def __call__(
        self,
        query: Float[Array, "b k g t h"],
        key: Float[Array, "b k s h"],
        value: Float[Array, "b k s h"],
        query_segments: Int[Array, "b t"],
        key_segments: Int[Array, "b s"],
        offset: Int[Array, ""] | int,
    ) -> Float[Array, "b k g t h"]:
        """Attend."""
        ...


def _reference(
    query: Float[Array, "b k g t h"],
    key: Float[Array, "b k s h"],
    value: Float[Array, "b k s h"],
    query_segments: Int[Array, "b t"],
    key_segments: Int[Array, "b s"],
    offset: Int[Array, ""] | int,
) -> Float[Array, "b k g t h"]:
    b, k, g, t, h = query.shape
    s = key.shape[2]
    # Keys laid out for the product, and g and t as one dim: XLA's CPU matmul is 1.3 times as
    # quick so. Batch and heads stay apart, because each may be split over its own mesh axis.
    scores = jnp.matmul(
        query.reshape(b, k, g * t, h),
        jnp.swapaxes(key, 2, 3),
        preferred_element_type=jnp.float32,
    ).reshape(b, k, g, t, s)
    seen = jnp.arange(s)[None, :] <= jnp.arange(t)[:, None] + offset
    seen = seen & (query_segments[:, :, None] == key_segments[:, None, :])
    scores = scores + jnp.where(seen, 0.0, _HIDDEN)[:, None, None]
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


def _blocks(
    query: Float[Array, "b k g t h"],
    key: Float[Array, "b k s h"],
    value: Float[Array, "b k s h"],
    query_segments: Int[Array, "b t"],
    key_segments: Int[Array, "b s"],
    offset: Int[Array, ""] | int,
) -> Float[Array, "b k g t h"]:
    time = query.shape[3]
    if not isinstance(offset, int) or time <= _SMALLEST_BLOCK:
        return _reference(query, key, value, query_segments, key_segments, offset)
    block = max(_SMALLEST_BLOCK, -(-time // _BLOCKS))
    done = []
    for start in range(0, time, block):
        end = min(start + block, time)
        visible = min(end + offset, key.shape[2])
        done.append(
            _reference(
                query[:, :, :, start:end],
                key[:, :, :visible],
                value[:, :, :visible],
                query_segments[:, start:end],
                key_segments[:, :visible],
                offset + start,
            )
        )
    return jnp.concatenate(done, axis=3)


IMPLEMENTATIONS: Mapping[str, Implementation] = MappingProxyType(
    {"reference": _reference, "blocks": _blocks}
)
"""By name: `reference` scores every pair of query and key, hidden ones too; `blocks` cuts the
queries into at most 4 blocks of 64 or more and scores each against the keys up to its end, so
that three eighths of the work are never done."""


def attention(
    query: Float[Array, "b t n h"],
    key: Float[Array, "b s k h"],
    value: Float[Array, "b s k h"],
    *,
    query_segments: Int[Array, "b t"],
    key_segments: Int[Array, "b s"],
    offset: Int[Array, ""] | int = 0,
    implementation: str = "reference",
) -> Float[Array, "b t n h"]:
    """Causal attention inside segments; the softmax is float32 whatever the inputs are.

    Args:
        query: `n` heads, a multiple of the `k` of `key` and `value`; rotary positions applied.
        key: keys.
        value: values.
        query_segments: document of each query; 0 is padding.
        key_segments: document of each key.
        offset: index of the first query among the keys: 0 in training, the number of cached
            tokens in decoding. A Python int where it is known, which lets work be skipped.
        implementation: a name in `IMPLEMENTATIONS`.

    Raises:
        ValueError: no such implementation.
    """
    if implementation not in IMPLEMENTATIONS:
        known = ", ".join(IMPLEMENTATIONS)
        raise ValueError(f"no attention implementation {implementation!r}; known: {known}")
    b, t, n, h = query.shape
    k = key.shape[2]
    scaled = (query * h**-0.5).reshape(b, t, k, n // k, h).transpose(0, 2, 3, 1, 4)
    mixed = IMPLEMENTATIONS[implementation](
        scaled,
        key.transpose(0, 2, 1, 3),
        value.transpose(0, 2, 1, 3),
        query_segments,
        key_segments,
        offset,
    )
    return mixed.transpose(0, 3, 1, 2, 4).reshape(b, t, n, h)
