"""From logits to the next token.

Letters: b batch, v vocab, a alternatives.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, UInt32

__all__ = ["ALTERNATIVES", "Chosen", "Draw", "Sampling", "choose"]

ALTERNATIVES = 20
"""Likeliest tokens that can be reported beside the one chosen, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How one text picks its tokens.

    Attributes:
        seed: token `i` of the text is drawn from (seed, i) and nothing else.
        temperature: 0 is greedy.
        top_k: only this many of the likeliest tokens (and those equal to the last); 0 is all.
        top_p: only the likeliest tokens that together reach this probability; 1 is all.
        repetition_penalty: logits of ids read or written so far are divided by this where
            positive, multiplied where negative; 1 is off.
        reports: whether log-probabilities are wanted.
    """

    seed: int = 0
    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    repetition_penalty: float = 1.0
    reports: bool = False

    def __post_init__(self) -> None:
        if self.temperature < 0 or self.top_k < 0:
            raise ValueError("temperature and top_k must not be negative")
        if not 0 < self.top_p <= 1 or self.repetition_penalty <= 0:
            raise ValueError("top_p lies in (0, 1], and repetition_penalty is positive")


class Draw(NamedTuple):
    """`Sampling` of each row, as arrays."""

    seed: UInt32[Array, " b"]
    temperature: Float[Array, " b"]
    top_k: Int[Array, " b"]
    top_p: Float[Array, " b"]
    repetition_penalty: Float[Array, " b"]
    reports: Bool[Array, " b"]

    @classmethod
    def of(cls, sampling: Sampling) -> Draw:
        """One row."""
        return cls(
            jnp.asarray([sampling.seed % 2**32], jnp.uint32),
            jnp.asarray([sampling.temperature], jnp.float32),
            jnp.asarray([min(sampling.top_k, 2**31 - 1)], jnp.int32),
            jnp.asarray([sampling.top_p], jnp.float32),
            jnp.asarray([sampling.repetition_penalty], jnp.float32),
            jnp.asarray([sampling.reports], bool),
        )


class Chosen(NamedTuple):
    """The next token of each row; where no row wants reports all but `token` is zeros.

    Attributes:
        token: its id.
        logprob: of the model itself, before penalty, temperature and filters; in nats.
        others: the likeliest ids, best first.
        other_logprobs: theirs.
    """

    token: Int[Array, " b"]
    logprob: Float[Array, " b"]
    others: Int[Array, "b a"]
    other_logprobs: Float[Array, "b a"]


def _least(scaled: Float[Array, " v"], top_k: Array, top_p: Array) -> Float[Array, ""]:
    """The smallest logit that both filters keep."""
    ranked = jnp.sort(scaled, descending=True)
    chances = jax.nn.softmax(ranked)
    before = jnp.cumsum(chances) - chances
    rank = jnp.arange(scaled.shape[0])
    kept = ((top_k == 0) | (rank < top_k)) & ((before < top_p) | (rank == 0))
    return jnp.min(jnp.where(kept, ranked, jnp.inf))


def _drawn(values: Float[Array, "b v"], draw: Draw, index: Int[Array, " b"]) -> Int[Array, " b"]:
    scaled = values / jnp.maximum(draw.temperature, 1e-6)[:, None]
    filtering = (draw.top_k > 0) | (draw.top_p < 1)
    least = jax.lax.cond(
        jnp.any(filtering & (draw.temperature > 0)),
        lambda: jax.vmap(_least)(scaled, draw.top_k, draw.top_p),
        lambda: jnp.full(scaled.shape[0], -jnp.inf),
    )
    kept = (scaled >= least[:, None]) | ~filtering[:, None]

    def one(seed: Array, index: Array, row: Array) -> Array:
        return jax.random.categorical(jax.random.fold_in(jax.random.key(seed), index), row)

    chances = jnp.where(kept, scaled, -jnp.inf)
    return jax.vmap(one)(draw.seed, index, chances).astype(jnp.int32)


def choose(
    values: Float[Array, "b v"],
    draw: Draw,
    index: Int[Array, " b"],
    seen: Bool[Array, "b v"],
    active: Bool[Array, " b"],
) -> Chosen:
    """Pick the next token of each row; what no active row asks for is not computed.

    Args:
        values: logits; -1e30 for ids that must not be picked.
        draw: of the rows; `top_k` is applied before `top_p`, both after the temperature.
        index: how many tokens each row picked before.
        seen: ids that a repetition penalty concerns.
        active: rows whose tokens matter.
    """
    penalty = draw.repetition_penalty[:, None]
    fair = jax.lax.cond(
        jnp.any(active & (draw.repetition_penalty != 1)),
        lambda: jnp.where(seen, jnp.where(values > 0, values / penalty, values * penalty), values),
        lambda: values,
    )
    best = jnp.argmax(fair, axis=-1).astype(jnp.int32)
    token = jax.lax.cond(
        jnp.any(active & (draw.temperature > 0)),
        lambda: jnp.where(draw.temperature > 0, _drawn(fair, draw, index), best),
        lambda: best,
    )
    rows, size = values.shape[0], min(ALTERNATIVES, values.shape[1])

    def report() -> tuple[Array, Array, Array]:
        chances = jax.nn.log_softmax(values)
        likeliest, others = jax.lax.top_k(chances, size)
        return chances[jnp.arange(rows), token], others, likeliest

    def nothing() -> tuple[Array, Array, Array]:
        wide = (rows, size)
        return jnp.zeros(rows), jnp.zeros(wide, jnp.int32), jnp.zeros(wide)

    logprob, others, likeliest = jax.lax.cond(jnp.any(active & draw.reports), report, nothing)
    return Chosen(token, logprob, others, likeliest)
