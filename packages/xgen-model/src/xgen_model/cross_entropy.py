"""Cross-entropy as sums, in float32, without ever holding all logits at once.

Sums, not means: a trainer divides once, by all tokens of all micro-batches and hosts. How the
logits are kept from existing stands in `xgen_model.likelihood`.

Letters: b batch, t time.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from xgen_core.records import Batch
from xgen_model.balance import balance, balanced_shards, unbalance
from xgen_model.config import ModelConfig
from xgen_model.likelihood import Likelihood, likelihood
from xgen_model.model import Params, forward

__all__ = ["LossSums", "TokenScores", "loss", "row_losses", "token_logprobs"]


class LossSums(NamedTuple):
    """Sums over the tokens that count: of a whole batch, or of each of its rows.

    Attributes:
        nll: negative log-likelihood, in nats.
        z: square of log Z, for a z-loss.
        tokens: how many tokens count, as float32 (exact below 2²⁴).
    """

    nll: Float[Array, "*b"]
    z: Float[Array, "*b"]
    tokens: Float[Array, "*b"]


class TokenScores(NamedTuple):
    """For each token: log-probability of its target, and whether that was the likeliest id."""

    logprob: Float[Array, "b t"]
    greedy: Bool[Array, "b t"]


def loss(config: ModelConfig, params: Params, batch: Batch[Array]) -> LossSums:
    """Summed loss of a batch: `nll / tokens` is the mean in nats a token. See `row_losses`."""
    return LossSums(*(jnp.sum(x) for x in row_losses(config, params, batch)))


def row_losses(config: ModelConfig, params: Params, batch: Batch[Array]) -> LossSums:
    """Summed loss of each row of a batch, `[b]`.

    Args:
        config: of the parameters; its `loss_chunk` bounds the logits that exist at one time.
        params: as made by `create`.
        batch: int32 arrays `[b, t]`; targets with `loss_mask` 0 count nowhere.
    """
    shards = balanced_shards(batch.inputs.shape[1])
    batch = Batch(*(balance(x, shards) for x in batch))
    found = _likelihood(config, params, batch, shards)
    mask = batch.loss_mask.astype(jnp.float32)
    sums = (-found.logprob * mask, found.log_z**2 * mask, mask)
    return LossSums(*(jnp.sum(x, axis=1) for x in sums))


def token_logprobs(config: ModelConfig, params: Params, batch: Batch[Array]) -> TokenScores:
    """Log-probability, in nats, of every target; `loss_mask` is not looked at."""
    shards = balanced_shards(batch.inputs.shape[1])
    batch = Batch(*(balance(x, shards) for x in batch))
    found = _likelihood(config, params, batch, shards)
    return TokenScores(*(unbalance(x, shards) for x in (found.logprob, found.greedy)))


def _likelihood(
    config: ModelConfig, params: Params, batch: Batch[Array], shards: int
) -> Likelihood:
    hidden = forward(
        config, params, batch.inputs, batch.positions, batch.segment_ids, balanced=shards > 1
    )
    tied = config.tie_embeddings
    return likelihood(
        hidden,
        params["embedding"].T if tied else params["head"]["kernel"],
        None if tied else params["head"].get("bias"),
        batch.targets,
        n_tokens=config.n_tokens,
        chunk=config.loss_chunk,
    )
