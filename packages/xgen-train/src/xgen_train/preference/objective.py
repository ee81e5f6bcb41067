"""The loss of a pair of answers, from log-probabilities under the policy and the reference.

Letters: b pairs, t time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from xgen_core import Batch
from xgen_model import ModelConfig, Params, constrain, row_losses
from xgen_train.objective import Rows, Sums

__all__ = ["PairBatch", "PreferenceOptimisation", "preference_loss"]


class PairBatch(NamedTuple):
    """Pairs of answers to the same prompts.

    Attributes:
        chosen, rejected: prompt and answer, `[b, t]`; the mask is on the answer.
        reference_chosen, reference_rejected: log-probability of the answers under the reference, in
            nats, `[b]`.
        counted: 1; 0 where a row only fills the batch, `[b]`.
    """

    chosen: Batch[Array]
    rejected: Batch[Array]
    reference_chosen: Float[Array, " b"]
    reference_rejected: Float[Array, " b"]
    counted: Float[Array, " b"]


def preference_loss(
    margin: Float[Array, " b"],
    *,
    loss: Literal["dpo", "ipo"],
    beta: float,
    label_smoothing: float = 0.0,
) -> Float[Array, " b"]:
    """The loss of each pair.

    Args:
        margin: by how much more the policy prefers the chosen answer than the reference does:
            (log π - log ref)(chosen) - (log π - log ref)(rejected), in nats.
        loss: see `DpoRecipe`.
        beta: see `DpoRecipe`.
        label_smoothing: see `DpoRecipe`.
    """
    if loss == "ipo":
        return (margin - 1 / (2 * beta)) ** 2
    reward = beta * margin
    right, wrong = jax.nn.softplus(-reward), jax.nn.softplus(reward)
    return (1 - label_smoothing) * right + label_smoothing * wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class PreferenceOptimisation:
    """Mean loss of the pairs of a batch; the attributes are those of `DpoRecipe`."""

    config: ModelConfig
    loss: Literal["dpo", "ipo"]
    beta: float
    label_smoothing: float = 0.0
    length_normalised: bool = False

    def weight(self, batch: PairBatch) -> Float[Array, ""]:
        """Pairs that count, at least one."""
        return jnp.maximum(jnp.sum(batch.counted), 1.0)

    def sums(self, params: Params, batch: PairBatch) -> Sums:
        """Total loss, and figures of each pair.

        Rows hold `loss`, `margin` (β times that of `preference_loss`), `correct`, `chosen` and
        `rejected` (log-probabilities of the answers), `lost` (what both lost against the
        reference, in nats), `tokens` of both, and `counted`.
        """
        # side by side, so that a pair stays on its device
        both = jax.tree.map(_alternating, batch.chosen, batch.rejected)
        found = row_losses(self.config, params, both)
        logprob, tokens = -found.nll.reshape(-1, 2), found.tokens.reshape(-1, 2)
        reference = jnp.stack([batch.reference_chosen, batch.reference_rejected], axis=1)
        gained = logprob - reference
        used = gained / jnp.maximum(tokens, 1.0) if self.length_normalised else gained
        margin = used[:, 0] - used[:, 1]
        losses = batch.counted * preference_loss(
            margin, loss=self.loss, beta=self.beta, label_smoothing=self.label_smoothing
        )
        rows = {
            "loss": losses,
            "margin": self.beta * margin,
            "correct": (1 + jnp.sign(margin)) / 2,
            "chosen": logprob[:, 0],
            "rejected": logprob[:, 1],
            "lost": -jnp.sum(gained, axis=1),
            "tokens": jnp.sum(tokens, axis=1),
            "counted": batch.counted,
        }
        return Sums(jnp.sum(losses), rows)

    def values(self, rows: Rows) -> dict[str, float]:
        """Means over the pairs that count.

        `margin` is of rewards, `accuracy` the share of pairs with a positive one (none at all is
        half right), `chosen` and `rejected` are nats an answer. `kl` is what the policy lost
        against the reference on both answers, in nats a token: an estimate of KL(reference ‖
        policy) as far as the answers are such as the reference would give.
        """
        counted = rows["counted"].astype(np.float64)
        pairs = max(float(counted.sum()), 1.0)
        means = {name: float(x @ counted) / pairs for name, x in rows.items()}
        return {
            "loss": means["loss"],
            "margin": means["margin"],
            "accuracy": means["correct"],
            "chosen": means["chosen"],
            "rejected": means["rejected"],
            "kl": means["lost"] / max(means["tokens"], 1e-9),
            "counted": int(counted.sum()),
        }


def _alternating(a: Array, b: Array) -> Array:
    return constrain(jnp.stack([a, b], axis=1).reshape(-1, a.shape[-1]), "batch", "time")
