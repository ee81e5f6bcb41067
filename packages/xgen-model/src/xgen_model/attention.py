"""Attention: one function, several implementations that agree with each other.

A query sees a key of the same segment whose position is not after its own. Padding is segment 0 and
sees only padding, so every query sees at least itself and no row of the softmax is empty.

Letters: b batch, t query time, s key time, n heads, k kv heads, g = n / k, h head dim.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

__all__ = ["IMPLEMENTATIONS", "Implementation", "Marks", "attention"]

_HIDDEN = -1e30
"""Added to the score of a key that must not be seen; finite, so that no inf - inf can arise."""
_BLOCKS = 4
_SMALLEST_BLOCK = 64


class Marks(NamedTuple):
    """Where queries and keys lie."""

    query_segments: Int[Array, "b t"]
    key_segments: Int[Array, "b s"]
    query_positions: Int[Array, "b t"]
    key_positions: Int[Array, "b s"]


class Implementation(Protocol):
    """Scaled queries, keys, values and what may be seen → the weighted values."""

    def __call__(
        self,
        query: Float[Array, "b k g t h"],
        key: Float[Array, "b k s h"],
        value: Float[Array, "b k s h"],
        marks: Marks,
        slopes: Float[Array, "k g"] | None,
        aligned: bool,
    ) -> Float[Array, "b k g t h"]:
        """Attend."""
        ...


def _reference(
    query: Float[Array, "b k g t h"],
    key: Float[Array, "b k s h"],
    value: Float[Array, "b k s h"],
    marks: Marks,
    slopes: Float[Array, "k g"] | None,
    aligned: bool,
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
    distance = marks.query_positions[:, :, None] - marks.key_positions[:, None, :]
    seen = (distance >= 0) & (marks.query_segments[:, :, None] == marks.key_segments[:, None, :])
    if slopes is not None:
        scores = scores - slopes[:, :, None, None] * distance[:, None, None].astype(jnp.float32)
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
    marks: Marks,
    slopes: Float[Array, "k g"] | None,
    aligned: bool,
) -> Float[Array, "b k g t h"]:
    time = query.shape[3]
    if not aligned or time <= _SMALLEST_BLOCK:
        return _reference(query, key, value, marks, slopes, aligned)
    block = max(_SMALLEST_BLOCK, -(-time // _BLOCKS))
    done = []
    for start in range(0, time, block):
        end = min(start + block, time)
        part = Marks(
            marks.query_segments[:, start:end],
            marks.key_segments[:, :end],
            marks.query_positions[:, start:end],
            marks.key_positions[:, :end],
        )
        done.append(
            _reference(
                query[:, :, :, start:end], key[:, :, :end], value[:, :, :end], part, slopes, True
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
    query_positions: Int[Array, "b t"],
    key_positions: Int[Array, "b s"],
    slopes: Float[np.ndarray, " n"] | None = None,
    aligned: bool = True,
    implementation: str = "auto",
) -> Float[Array, "b t n h"]:
    """Causal attention inside segments; the softmax is float32 whatever the inputs are.

    Args:
        query: `n` heads, a multiple of the `k` of `key` and `value`; rotary positions applied.
        key: keys.
        value: values.
        query_segments: document of each query; 0 is padding.
        key_segments: document of each key.
        query_positions: position of each query in its document.
        key_positions: position of each key; different for all keys of a document.
        slopes: of linear biases: a score loses slope · (query position - key position).
        aligned: keys are those of the same tokens as the queries, in the order of their positions,
            so that no query sees a key with a larger index. False where keys come from a cache.
        implementation: a name in `IMPLEMENTATIONS`, or `auto`.

    Raises:
        ValueError: no such implementation.
    """
    name = "blocks" if implementation == "auto" else implementation
    if name not in IMPLEMENTATIONS:
        known = ", ".join(("auto", *IMPLEMENTATIONS))
        raise ValueError(f"no attention implementation {implementation!r}; known: {known}")
    b, t, n, h = query.shape
    k = key.shape[2]
    scaled = (query * h**-0.5).reshape(b, t, k, n // k, h).transpose(0, 2, 3, 1, 4)
    mixed = IMPLEMENTATIONS[name](
        scaled,
        key.transpose(0, 2, 1, 3),
        value.transpose(0, 2, 1, 3),
        Marks(query_segments, key_segments, query_positions, key_positions),
        None if slopes is None else jnp.asarray(slopes).reshape(k, n // k),
        aligned,
    )
    return mixed.transpose(0, 3, 1, 2, 4).reshape(b, t, n, h)
