"""The clipped loss of answers by their advantage, with KL to the reference.

Letters: b answers, t time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from xgen_core import Batch
from xgen_model import ModelConfig, Params, token_logprobs
from xgen_train.objective import Rows, Sums

__all__ = ["GroupRelative", "Rollouts", "clipped_loss", "divergence"]


class Rollouts(NamedTuple):
    """Answers with all that is known of them.

    Attributes:
        text: prompt and answer, `[b, t]`; the mask is on the answer.
        old: log-probability of each target when it was drawn, `[b, t]`; it counts where the mask
            is.
        reference: the same under the reference.
        advantage: reward less the group's mean, over the group's standard deviation, `[b]`.
        reward: `[b]`.
        spread: standard deviation of the group's rewards, `[b]`.
        finished: 1 where the answer has an end, `[b]`.
    """

    text: Batch[Array]
    old: Float[Array, "b t"]
    reference: Float[Array, "b t"]
    advantage: Float[Array, " b"]
    reward: Float[Array, " b"]
    spread: Float[Array, " b"]
    finished: Float[Array, " b"]


def clipped_loss(
    logprob: Float[Array, "*s"], old: Float[Array, "*s"], advantage: Float[Array, "*s"], clip: float
) -> Float[Array, "*s"]:
    """-min(r·A, clip(r, 1 ± clip)·A) with r = π / π_old (Schulman et al. 2017), for each token."""
    ratio = jnp.exp(logprob - old)
    return -jnp.minimum(ratio * advantage, jnp.clip(ratio, 1 - clip, 1 + clip) * advantage)


def divergence(logprob: Float[Array, "*s"], reference: Float[Array, "*s"]) -> Float[Array, "*s"]:
    """An unbiased, never negative estimate of KL(π ‖ reference) from tokens drawn from π.

    Schulman's k3: ref / π - ln(ref / π) - 1.
    """
    distance = reference - logprob
    return jnp.expm1(distance) - distance


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRelative:
    """Mean loss over the tokens of all answers of a batch, each token alike.

    Attributes:
        config: of the model.
        clip, kl: see `GrpoRecipe`.
    """

    config: ModelConfig
    clip: float
    kl: float

    def weight(self, batch: Rollouts) -> Float[Array, ""]:
        """Tokens of all answers, at least one."""
        return jnp.maximum(jnp.sum(batch.text.loss_mask.astype(jnp.float32)), 1.0)

    def sums(self, params: Params, batch: Rollouts) -> Sums:
        """Total loss, and figures of each answer.

        Rows hold sums over an answer's tokens: `loss`, `kl`, `surprise` (-log π), `clipped` (tokens
        whose ratio is out of bounds) and `tokens`; and, as they came, `reward`, `spread` and
        `finished`.
        """
        mask = batch.text.loss_mask.astype(jnp.float32)
        logprob = token_logprobs(self.config, params, batch.text).logprob
        # outside answers nothing is known, and 0 · inf would be NaN
        logprob, old, reference = (
            jnp.where(mask > 0, x, 0.0) for x in (logprob, batch.old, batch.reference)
        )
        kl = divergence(logprob, reference)
        advantage = jnp.broadcast_to(batch.advantage[:, None], logprob.shape)
        losses = clipped_loss(logprob, old, advantage, self.clip) + self.kl * kl
        out = jnp.abs(jnp.expm1(logprob - old)) > self.clip
        tokens = {"loss": losses, "kl": kl, "surprise": -logprob, "clipped": out, "tokens": mask}
        rows = {name: jnp.sum(x * mask, axis=1) for name, x in tokens.items()}
        given = {"reward": batch.reward, "spread": batch.spread, "finished": batch.finished}
        return Sums(jnp.sum(rows["loss"]), {**rows, **given})

    def values(self, rows: Rows) -> dict[str, float]:
        """Means: over tokens of `loss`, `kl`, `entropy` (nats) and `clipped`, else over answers.

        `reward_std` is the mean of the groups' standard deviations, `equal` the share of answers
        whose whole group got the same reward, so that there was nothing to learn from it, and
        `counted` the tokens.
        """
        sums = {name: float(np.sum(x, dtype=np.float64)) for name, x in rows.items()}
        tokens, answers = max(sums["tokens"], 1.0), len(rows["tokens"])
        return {
            "loss": sums["loss"] / tokens,
            "kl": sums["kl"] / tokens,
            "entropy": sums["surprise"] / tokens,
            "clipped": sums["clipped"] / tokens,
            "reward": sums["reward"] / answers,
            "reward_std": sums["spread"] / answers,
            "equal": float(np.mean(rows["spread"] == 0)),
            "length": sums["tokens"] / answers,
            "finished": sums["finished"] / answers,
            "counted": int(sums["tokens"]),
        }
