"""Cross-entropy as sums, in float32, without ever holding all logits at once.

Sums, not means: a trainer divides once, by all tokens of all micro-batches and hosts.

Every device works through its own tokens, `loss_chunk` of them at a time: the time that lies on one
device is cut, never the rows of a batch or the whole of a time axis that is split over devices.

Letters: b batch, t time, p parts of time on different devices, n chunks, c chunk, d model, v vocab.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from xgen_core.records import Batch
from xgen_model.balance import balance, balanced_shards, unbalance
from xgen_model.config import ModelConfig
from xgen_model.mesh import constrain, shares
from xgen_model.model import Params, forward, logits

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


def _log_normaliser(values: Float[Array, "b p c v"]) -> Float[Array, "b p c"]:
    largest = jax.lax.stop_gradient(jnp.max(values, axis=-1, keepdims=True))
    return jnp.log(jnp.sum(jnp.exp(values - largest), axis=-1)) + largest[..., 0]


def _at(values: Float[Array, "b p c v"], ids: Int[Array, "b p c"]) -> Float[Array, "b p c"]:
    # A comparison fuses with its neighbours and has a cheap gradient; a gather's is a scatter.
    chosen = jnp.arange(values.shape[-1]) == ids[..., None]
    return jnp.sum(jnp.where(chosen, values, 0.0), axis=-1)


def _logits(
    config: ModelConfig, params: Params, hidden: Float[Array, "b p c d"]
) -> Float[Array, "b p c v"]:
    # Said aloud, or the compiler may collect the vocabulary on every device.
    return constrain(logits(config, params, hidden), "batch", "time", None, "vocab")


class _Cuts(NamedTuple):
    """How time is cut: `parts` on different devices, each into `chunks` of `length` tokens."""

    parts: int
    chunks: int
    length: int

    def cut(self, x: Array) -> Float[Array, "n b p c ..."]:
        """`[b, t, …]` as chunks, the last of each part padded with zeros."""
        b, _, *rest = x.shape
        x = x.reshape(b, self.parts, -1, *rest)
        short = self.chunks * self.length - x.shape[2]
        x = jnp.pad(x, [(0, short if i == 2 else 0) for i in range(x.ndim)])
        x = x.reshape(b, self.parts, self.chunks, self.length, *rest)
        return constrain(jnp.moveaxis(x, 2, 0), None, "batch", "time", *(None,) * (1 + len(rest)))

    def joined(self, x: Float[Array, "n b p c"], time: int) -> Float[Array, "b t"]:
        """Undo `cut`."""
        x = jnp.moveaxis(x, 0, 2).reshape(x.shape[1], self.parts, -1)
        return x[:, :, : time // self.parts].reshape(x.shape[0], time)


def _cuts(config: ModelConfig, batch: int, time: int) -> _Cuts:
    parts = shares("time", time)
    rows, here = batch // shares("batch", batch), time // parts
    most = here if config.loss_chunk == 0 else max(1, config.loss_chunk // rows)
    chunks = math.ceil(here / most)
    return _Cuts(parts, chunks, math.ceil(here / chunks))


def loss(config: ModelConfig, params: Params, batch: Batch[Array]) -> LossSums:
    """Summed loss of a batch: `nll / tokens` is the mean in nats a token. See `row_losses`."""
    return LossSums(*(jnp.sum(x) for x in row_losses(config, params, batch)))


def row_losses(config: ModelConfig, params: Params, batch: Batch[Array]) -> LossSums:
    """Summed loss of each row of a batch, `[b]`.

    Args:
        config: of the parameters; about `loss_chunk` tokens have logits at one time on a device,
            one of each of its rows at least.
        params: as made by `create`.
        batch: int32 arrays `[b, t]`; targets with `loss_mask` 0 count nowhere.
    """
    shards = balanced_shards(batch.inputs.shape[1])
    batch = Batch(*(balance(x, shards) for x in batch))
    hidden = forward(
        config, params, batch.inputs, batch.positions, batch.segment_ids, balanced=shards > 1
    )
    mask = batch.loss_mask.astype(jnp.float32)
    cuts = _cuts(config, *batch.inputs.shape)
    parts = (cuts.cut(hidden), cuts.cut(batch.targets), cuts.cut(mask))

    def sums(
        hidden: Float[Array, "b p c d"], targets: Int[Array, "b p c"], mask: Float[Array, "b p c"]
    ) -> tuple[Float[Array, " b"], Float[Array, " b"]]:
        values = _logits(config, params, hidden)
        log_z = _log_normaliser(values)
        nll = jnp.sum((log_z - _at(values, targets)) * mask, axis=(1, 2))
        return nll, jnp.sum(log_z**2 * mask, axis=(1, 2))

    if cuts.chunks == 1:
        nll, z = sums(*(x[0] for x in parts))
    else:
        again = jax.checkpoint(sums, prevent_cse=False)

        def step(
            total: tuple[Array, Array], part: tuple[Array, Array, Array]
        ) -> tuple[tuple[Array, Array], None]:
            nll, z = again(*part)
            return (total[0] + nll, total[1] + z), None

        zeros = jnp.zeros(batch.inputs.shape[0], jnp.float32)
        (nll, z), _ = jax.lax.scan(step, (zeros, zeros), parts)
    return LossSums(nll, z, jnp.sum(mask, axis=1))


def token_logprobs(config: ModelConfig, params: Params, batch: Batch[Array]) -> TokenScores:
    """Log-probability, in nats, of every target; `loss_mask` is not looked at."""
    time = batch.inputs.shape[1]
    shards = balanced_shards(time)
    batch = Batch(*(balance(x, shards) for x in batch))
    hidden = forward(
        config, params, batch.inputs, batch.positions, batch.segment_ids, balanced=shards > 1
    )
    cuts = _cuts(config, *batch.inputs.shape)

    def scores(part: tuple[Array, Array]) -> tuple[Array, Array]:
        values = _logits(config, params, part[0])
        best = jnp.argmax(values, axis=-1).astype(jnp.int32)
        return _at(values, part[1]) - _log_normaliser(values), best == part[1]

    # where it is differentiated, logits are computed again rather than kept
    again = jax.checkpoint(scores, prevent_cse=False)
    found = jax.lax.map(again, (cuts.cut(hidden), cuts.cut(batch.targets)))
    return TokenScores(*(unbalance(cuts.joined(x, time), shards) for x in found))
