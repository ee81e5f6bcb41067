"""Log-probabilities of texts that are given.

Letters: b rows, t time, m tokens, c chunk, d model, a alternatives.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from xgen_model.config import ModelConfig
from xgen_model.engine.cache import Cache
from xgen_model.engine.cached import Layout, after_context, biases
from xgen_model.engine.network import head, prefill, read
from xgen_model.engine.weights import Weights

__all__ = ["Likelihood", "after", "context", "whole"]

_HEAD_TOKENS = 256
"""Tokens whose logits exist at one time."""


class Likelihood(NamedTuple):
    """Of each target.

    Attributes:
        logprob: in nats.
        greedy: whether it is the likeliest id.
        others: the likeliest ids, best first.
        other_logprobs: theirs.
    """

    logprob: Float[Array, " m"]
    greedy: Bool[Array, " m"]
    others: Int[Array, "m a"]
    other_logprobs: Float[Array, "m a"]


def _of(
    weights: Weights, hidden: Float[Array, "m d"], targets: Int[Array, " m"], top: int
) -> Likelihood:
    count = targets.shape[0]
    chunk = min(_HEAD_TOKENS, count)
    short = -count % chunk

    def one(part: tuple[Float[Array, "c d"], Int[Array, " c"]]) -> Likelihood:
        values = head(weights, part[0])
        largest = jnp.max(values, axis=-1, keepdims=True)
        log_z = largest[:, 0] + jnp.log(jnp.sum(jnp.exp(values - largest), axis=-1))
        own = jnp.take_along_axis(values, part[1][:, None], axis=-1)[:, 0]
        if top:
            likeliest, others = jax.lax.top_k(values, top)
        else:
            likeliest = jnp.zeros((chunk, 0))
            others = jnp.zeros((chunk, 0), jnp.int32)
        return Likelihood(own - log_z, own >= largest[:, 0], others, likeliest - log_z[:, None])

    padded = (jnp.pad(hidden, ((0, short), (0, 0))), jnp.pad(targets, (0, short)))
    cut = jax.tree.map(lambda a: a.reshape(-1, chunk, *a.shape[1:]), padded)
    found = jax.lax.map(one, cut)
    return jax.tree.map(lambda a: a.reshape(count + short, *a.shape[2:])[:count], found)


@functools.partial(jax.jit, static_argnums=(0, 5))
def whole(
    config: ModelConfig,
    weights: Weights,
    tokens: Int[Array, "b t"],
    targets: Int[Array, "b t"],
    lengths: Int[Array, " b"],
    top: int = 0,
) -> Likelihood:
    """Of every target, given the tokens of its row up to its own place.

    Args:
        config: of the weights.
        weights: as made by `prepare`.
        tokens: padded at the right.
        targets: for each token the id after it.
        lengths: how many tokens of each row are real.
        top: alternatives to report.

    Returns:
        Arrays with `b` and `t` as leading dims.
    """
    hidden, _ = prefill(config, weights, tokens, lengths)
    found = _of(weights, hidden.reshape(-1, hidden.shape[-1]), targets.reshape(-1), top)
    return jax.tree.map(lambda a: a.reshape(*tokens.shape, *a.shape[1:]), found)


@functools.partial(jax.jit, static_argnums=(0, 4))
def context(
    config: ModelConfig,
    weights: Weights,
    tokens: Int[Array, " t"],
    length: Int[Array, ""],
    slots: int,
) -> Cache:
    """Keys and values of a context, one row of `slots`.

    Args:
        config: of the weights.
        weights: as made by `prepare`.
        tokens: padded at the right.
        length: how many are real.
        slots: at least as many as tokens.
    """
    _, cache = prefill(config, weights, tokens[None], length[None])
    short = slots - tokens.shape[0]
    return jax.tree.map(lambda a: jnp.pad(a, ((0, 0), (0, 0), (0, short), (0, 0))), cache)


@functools.partial(jax.jit, static_argnums=0)
def after(
    config: ModelConfig,
    weights: Weights,
    before: Cache,
    length: Int[Array, ""],
    tokens: Int[Array, " m"],
    targets: Int[Array, " m"],
    layout: Layout,
) -> Likelihood:
    """Of targets in several texts that all follow one context.

    Args:
        config: of the weights.
        weights: as made by `prepare`.
        before: the context's keys and values.
        length: its tokens.
        tokens: of all texts, end to end.
        targets: for each token the id after it.
        layout: how the texts lie in `tokens`.
    """
    slope = biases(config)

    def attend(layer: int, query: Array, key: Array, value: Array) -> Array:
        return after_context(
            query,
            key,
            value,
            before.key[layer][0],
            before.value[layer][0],
            length=length,
            layout=layout,
            slope=slope,
        )

    hidden = read(config, weights, tokens, length + layout.column, attend)
    return _of(weights, hidden, targets, 0)
