"""Cross-entropy as sums, in float32, without ever holding all logits at once.

Sums, not means: a trainer divides once, by all tokens of all micro-batches and hosts.

Letters: b batch, t time, m = b · t, c chunk, d model, v vocab.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from xgen_core.records import Batch
from xgen_model.config import ModelConfig
from xgen_model.model import Params, forward, logits

__all__ = ["LossSums", "TokenScores", "loss", "token_logprobs"]


class LossSums(NamedTuple):
    """Sums over the tokens that count.

    Attributes:
        nll: negative log-likelihood, in nats.
        z: square of log Z, for a z-loss.
        tokens: how many tokens count, as float32 (exact below 2²⁴).
    """

    nll: Float[Array, ""]
    z: Float[Array, ""]
    tokens: Float[Array, ""]


class TokenScores(NamedTuple):
    """For each token: log-probability of its target, and whether that was the likeliest id."""

    logprob: Float[Array, "b t"]
    greedy: Bool[Array, "b t"]


def _log_normaliser(values: Float[Array, "c v"]) -> Float[Array, " c"]:
    largest = jax.lax.stop_gradient(jnp.max(values, axis=-1, keepdims=True))
    return jnp.log(jnp.sum(jnp.exp(values - largest), axis=-1)) + largest[:, 0]


def _at(values: Float[Array, "c v"], ids: Int[Array, " c"]) -> Float[Array, " c"]:
    # A comparison fuses with its neighbours and has a cheap gradient; a gather's is a scatter.
    chosen = jnp.arange(values.shape[-1]) == ids[:, None]
    return jnp.sum(jnp.where(chosen, values, 0.0), axis=-1)


def _chunk_of(config: ModelConfig, tokens: int) -> int:
    return tokens if config.loss_chunk == 0 else min(config.loss_chunk, tokens)


def _cut(flat: Array, chunk: int) -> Array:
    """Rows `[m, …]` as chunks `[m / c, c, …]`, padded with zeros."""
    short = -flat.shape[0] % chunk
    padded = jnp.pad(flat, [(0, short)] + [(0, 0)] * (flat.ndim - 1))
    return padded.reshape(-1, chunk, *flat.shape[1:])


def loss(config: ModelConfig, params: Params, batch: Batch[Array]) -> LossSums:
    """Summed loss of a batch: `nll / tokens` is the mean in nats a token.

    Args:
        config: of the parameters; `loss_chunk` tokens have logits at one time.
        params: as made by `create`.
        batch: int32 arrays `[b, t]`; targets with `loss_mask` 0 count nowhere.
    """
    hidden = forward(config, params, batch.inputs, batch.positions, batch.segment_ids)
    flat = hidden.reshape(-1, hidden.shape[-1])
    targets = batch.targets.reshape(-1)
    mask = batch.loss_mask.reshape(-1).astype(jnp.float32)
    chunk = _chunk_of(config, flat.shape[0])

    def sums(
        hidden: Float[Array, "c d"], targets: Int[Array, " c"], mask: Float[Array, " c"]
    ) -> tuple[Float[Array, ""], Float[Array, ""]]:
        values = logits(config, params, hidden)
        log_z = _log_normaliser(values)
        return jnp.sum((log_z - _at(values, targets)) * mask), jnp.sum(log_z**2 * mask)

    if chunk == flat.shape[0]:
        nll, z = sums(flat, targets, mask)
    else:
        again = jax.checkpoint(sums, prevent_cse=False)

        def step(
            total: tuple[Array, Array], part: tuple[Array, Array, Array]
        ) -> tuple[tuple[Array, Array], None]:
            nll, z = again(*part)
            return (total[0] + nll, total[1] + z), None

        parts = (_cut(flat, chunk), _cut(targets, chunk), _cut(mask, chunk))
        (nll, z), _ = jax.lax.scan(step, (jnp.float32(0), jnp.float32(0)), parts)
    return LossSums(nll, z, jnp.sum(mask))


def token_logprobs(config: ModelConfig, params: Params, batch: Batch[Array]) -> TokenScores:
    """Log-probability, in nats, of every target; `loss_mask` is not looked at."""
    hidden = forward(config, params, batch.inputs, batch.positions, batch.segment_ids)
    flat = hidden.reshape(-1, hidden.shape[-1])
    chunk = _chunk_of(config, flat.shape[0])

    def scores(part: tuple[Array, Array]) -> tuple[Array, Array]:
        values = logits(config, params, part[0])
        best = jnp.argmax(values, axis=-1).astype(jnp.int32)
        return _at(values, part[1]) - _log_normaliser(values), best == part[1]

    parts = (_cut(flat, chunk), _cut(batch.targets.reshape(-1), chunk))
    logprob, greedy = jax.lax.map(scores, parts)
    shape = batch.targets.shape
    size = batch.targets.size
    return TokenScores(
        logprob.reshape(-1)[:size].reshape(shape), greedy.reshape(-1)[:size].reshape(shape)
    )
