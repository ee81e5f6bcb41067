"""From logits to the next token.

Letters: b batch, v vocab.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, UInt32

__all__ = ["Sampling", "choose"]


class Sampling(NamedTuple):
    """How each row of a batch picks its tokens.

    Attributes:
        seed: of the row; token `i` of the row is drawn from (seed, i) and nothing else.
        temperature: 0 is greedy.
        top_k: only this many of the likeliest tokens; 0 is all.
        top_p: only the likeliest tokens that together reach this probability; 1 is all.
    """

    seed: UInt32[Array, " b"]
    temperature: Float[Array, " b"]
    top_k: Int[Array, " b"]
    top_p: Float[Array, " b"]


def _filtered(scaled: Float[Array, " v"], top_k: Array, top_p: Array) -> Float[Array, " v"]:
    order = jnp.argsort(scaled, descending=True)
    ranked = scaled[order]
    chances = jax.nn.softmax(ranked)
    before = jnp.cumsum(chances) - chances
    rank = jnp.arange(scaled.shape[0])
    kept = ((top_k == 0) | (rank < top_k)) & ((before < top_p) | (rank == 0))
    return jnp.full_like(scaled, -jnp.inf).at[order].set(jnp.where(kept, ranked, -jnp.inf))


def choose(
    values: Float[Array, "b v"], sampling: Sampling, index: Int[Array, ""], *, greedy: bool
) -> Int[Array, " b"]:
    """Pick the next token of each row.

    Args:
        values: logits; -1e30 for ids that must not be picked.
        sampling: of the rows; `top_k` is applied before `top_p`, both after the temperature.
        index: how many tokens were picked before.
        greedy: every row has temperature 0; then nothing is sorted or drawn.
    """
    best = jnp.argmax(values, axis=-1).astype(jnp.int32)
    if greedy:
        return best

    def draw(values: Array, row: Sampling) -> Array:
        key = jax.random.fold_in(jax.random.key(row.seed), index)
        scaled = values / jnp.maximum(row.temperature, 1e-6)
        return jax.random.categorical(key, _filtered(scaled, row.top_k, row.top_p))

    drawn = jax.vmap(draw)(values, sampling).astype(jnp.int32)
    return jnp.where(sampling.temperature == 0, best, drawn)
