"""Attention of new tokens to those read before.

Letters: b rows, w some of them, t new tokens of a row, m tokens, n heads, k kv heads, g = n / k,
s slots, h head dim.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from xgen_model.alibi import slopes
from xgen_model.config import ModelConfig
from xgen_model.engine.cache import BLOCK

__all__ = ["Layout", "after_context", "biases", "loops", "one_token"]

_HIDDEN = -1e30


def biases(config: ModelConfig) -> Float[np.ndarray, "k g"] | None:
    """Slopes of linear biases by head, None for a model without."""
    if config.variant.positions != "alibi":
        return None
    return slopes(config.n_heads).reshape(config.n_kv_heads, -1)


def _scores(
    query: Float[Array, "k g h"],
    key: Float[Array, "k s h"],
    distance: Int[Array, " s"],
    slope: Float[np.ndarray, "k g"] | None,
) -> Float[Array, "k g s"]:
    scores = jnp.einsum("kgh,ksh->kgs", query, key, preferred_element_type=jnp.float32)
    if slope is not None:
        scores = scores - slope[:, :, None] * distance.astype(jnp.float32)
    return jnp.where(distance >= 0, scores, _HIDDEN)


class _Weighed(NamedTuple):
    """A softmax that is not divided yet: over some of the keys."""

    largest: Float[Array, "... q 1"]
    total: Float[Array, "... q 1"]
    mixed: Float[Array, "... q h"]


def _weighed(scores: Float[Array, "... q s"], value: Float[Array, "... s h"]) -> _Weighed:
    largest = jnp.max(scores, axis=-1, keepdims=True)
    chances = jnp.exp(scores - largest)
    total = jnp.sum(chances, axis=-1, keepdims=True)
    mixed = jnp.matmul(chances.astype(value.dtype), value, preferred_element_type=jnp.float32)
    return _Weighed(largest, total, mixed)


def loops() -> bool:
    """Whether attention to a running cache goes block by block here."""
    return jax.default_backend() == "cpu"


def one_token(
    query: Float[Array, "w n h"],
    key: Float[Array, "b k s h"],
    value: Float[Array, "b k s h"],
    *,
    positions: Int[Array, " w"],
    rows: Int[Array, " w"],
    order: Int[Array, " w"],
    count: Int[Array, ""],
    slope: Float[np.ndarray, "k g"] | None,
) -> Float[Array, "w n h"]:
    """Attention of one token a row to its row's slots up to its own position.

    On CPU only tokens that matter are looked at, and of their rows only the blocks that are filled:
    the time follows what is there, and the numbers depend neither on the cache's size nor on other
    rows. Elsewhere loops cost more than they save: all slots are looked at at once.

    Args:
        query: rotary positions applied.
        key: of the cache, the new tokens' among them.
        value: likewise.
        positions: of each token.
        rows: of each token. All rows in order, where attention does not go block by block.
        order: indices of the tokens, those that matter first.
        count: how many those are; the others get zeros.
        slope: of linear biases.
    """
    w, n, h = query.shape
    k = key.shape[1]
    grouped = (query * h**-0.5).reshape(w, k, n // k, h)
    if not loops():
        distance = positions[:, None] - jnp.arange(key.shape[2])
        scores = jax.vmap(_scores, (0, 0, 0, None))(grouped, key, distance, slope)
        found = _weighed(scores, value)
        return (found.mixed / found.total).astype(value.dtype).reshape(w, n, h)

    def block(
        number: Int[Array, ""], carry: tuple[Array, Array, Array], token: Int[Array, ""]
    ) -> tuple[Array, Array, Array]:
        largest, total, mixed = carry
        start = number * BLOCK
        at = (rows[token], 0, start, 0)
        keys, values = (jax.lax.dynamic_slice(a, at, (1, k, BLOCK, h))[0] for a in (key, value))
        distance = positions[token] - start - jnp.arange(BLOCK)
        scores = _scores(grouped[token], keys, distance, slope)
        higher = jnp.maximum(largest, jnp.max(scores, axis=-1, keepdims=True))
        shrink, chances = jnp.exp(largest - higher), jnp.exp(scores - higher)
        added = jnp.einsum(
            "kgs,ksh->kgh",
            chances.astype(values.dtype),
            values,
            preferred_element_type=jnp.float32,
        )
        return (
            higher,
            total * shrink + jnp.sum(chances, axis=-1, keepdims=True),
            mixed * shrink + added,
        )

    def one(index: Int[Array, ""], out: Float[Array, "w k g h"]) -> Float[Array, "w k g h"]:
        token = order[index]
        edge = (k, n // k, 1)
        start = (jnp.full(edge, _HIDDEN), jnp.zeros(edge), jnp.zeros((*edge[:2], h)))
        _, total, mixed = jax.lax.fori_loop(
            0, positions[token] // BLOCK + 1, lambda i, c: block(i, c, token), start
        )
        return jax.lax.dynamic_update_index_in_dim(
            out, (mixed / total).astype(out.dtype), token, axis=0
        )

    out = jax.lax.fori_loop(0, count, one, jnp.zeros_like(grouped))
    return out.reshape(w, n, h)


class Layout(NamedTuple):
    """How texts lie in a flat list of tokens that all follow one context.

    Attributes:
        place: index in the flat list of token `t` of text `b`; anything where there is none.
        row: text of each flat token.
        column: its index in the text.
    """

    place: Int[Array, "b t"]
    row: Int[Array, " m"]
    column: Int[Array, " m"]


def after_context(
    query: Float[Array, "m n h"],
    key: Float[Array, "m k h"],
    value: Float[Array, "m k h"],
    context_key: Float[Array, "k s h"],
    context_value: Float[Array, "k s h"],
    *,
    length: Int[Array, ""],
    layout: Layout,
    slope: Float[np.ndarray, "k g"] | None,
) -> Float[Array, "m n h"]:
    """Attention of several texts to the one context before them, and of each to itself.

    Each text's own part is laid out from its own beginning, so where it lies in the flat list
    cannot be seen in the numbers.

    Args:
        query: of the flat list; rotary positions applied.
        key: likewise.
        value: likewise.
        context_key: of the context.
        context_value: of the context.
        length: slots of the context that are real.
        layout: of the flat list.
        slope: of linear biases.
    """
    m, n, h = query.shape
    k, s, _ = context_key.shape
    b, t = layout.place.shape
    g = n // k
    grouped = (query * h**-0.5).reshape(m, k, g, h)
    # To the context: all tokens at once, since they see the same keys.
    flat = grouped.transpose(1, 2, 0, 3).reshape(k, g * m, h)
    before = jnp.matmul(flat, context_key.swapaxes(1, 2), preferred_element_type=jnp.float32)
    before = before.reshape(k, g, m, s)
    if slope is not None:
        distance = length + layout.column[:, None] - jnp.arange(s)
        before = before - slope[:, :, None, None] * distance.astype(jnp.float32)
    context = _weighed(
        jnp.where(jnp.arange(s) < length, before, _HIDDEN).reshape(k, g * m, s), context_value
    )
    # Among themselves: text by text.
    place = layout.place.reshape(-1)
    own_query = grouped[place].reshape(b, t, k, g, h).transpose(0, 2, 3, 1, 4)
    own_key, own_value = (a[place].reshape(b, t, k, h).swapaxes(1, 2) for a in (key, value))
    own = jnp.matmul(
        own_query.reshape(b, k, g * t, h),
        own_key.swapaxes(2, 3),
        preferred_element_type=jnp.float32,
    ).reshape(b, k, g, t, t)
    back = jnp.arange(t)[:, None] - jnp.arange(t)[None]
    if slope is not None:
        own = own - slope[:, :, None, None] * back.astype(jnp.float32)
    itself = _weighed(jnp.where(back >= 0, own, _HIDDEN).reshape(b, k, g * t, t), own_value)

    def flattened(a: Float[Array, "b k g*t e"]) -> Float[Array, "m k g e"]:
        return a.reshape(b, k, g, t, -1)[layout.row, :, :, layout.column]

    there = _Weighed(*(a.reshape(k, g, m, -1).transpose(2, 0, 1, 3) for a in context))
    here = _Weighed(*(flattened(a) for a in itself))
    largest = jnp.maximum(there.largest, here.largest)
    shrunk = jnp.exp(there.largest - largest), jnp.exp(here.largest - largest)
    total = there.total * shrunk[0] + here.total * shrunk[1]
    mixed = there.mixed * shrunk[0] + here.mixed * shrunk[1]
    return (mixed / total).astype(value.dtype).reshape(m, n, h)
