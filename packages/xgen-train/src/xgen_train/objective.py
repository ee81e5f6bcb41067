"""What a step minimises: sums over the rows of a batch, and the weight they are divided by.

An objective gives sums, never means. The step divides once, by the weight of the whole batch over
all micro-batches and devices, so that cutting a batch in another way does not change a gradient.

Letters: b rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jaxtyping import Array, Float

from xgen_core import Batch
from xgen_model import ModelConfig, Params, row_losses

__all__ = ["LanguageModelling", "Objective", "Rows", "Sums"]

Rows = Mapping[str, npt.NDArray[np.float32]]
"""What was measured of each row of a batch, `[b]` by name, on the host."""


class Sums(NamedTuple):
    """What an objective finds in (a part of) a batch.

    Attributes:
        total: what is minimised, summed.
        rows: figures of each row, `[b]` by name.
    """

    total: Float[Array, ""]
    rows: dict[str, Float[Array, " b"]]


class Objective(Protocol):
    """Anything a step can minimise; batches are trees of arrays whose first dim is the row."""

    def weight(self, batch: Any) -> Float[Array, ""]:
        """What the total of a whole batch is divided by."""
        ...

    def sums(self, params: Params, batch: Any) -> Sums:
        """Total and row figures of a batch, or of some of its rows."""
        ...

    def values(self, rows: Rows) -> dict[str, float]:
        """Figures for the log from those of all rows, or of some; `loss` is among them."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageModelling:
    """Mean negative log-likelihood of the tokens that count, and a z-loss beside it.

    Attributes:
        config: of the model.
        z_loss: what the mean of log²Z is multiplied by (PaLM and JaxFormer: 1e-4); 0 is none. It is
            minimised, and logged apart from the loss.
    """

    config: ModelConfig
    z_loss: float = 0.0

    def weight(self, batch: Batch[Array]) -> Float[Array, ""]:
        """Tokens that count, at least one."""
        return jnp.maximum(jnp.sum(batch.loss_mask.astype(jnp.float32)), 1.0)

    def sums(self, params: Params, batch: Batch[Array]) -> Sums:
        """Rows hold `nll` (nats), `z` (log²Z) and `tokens`."""
        found = row_losses(self.config, params, batch)
        total = jnp.sum(found.nll)
        if self.z_loss:
            total = total + self.z_loss * jnp.sum(found.z)
        return Sums(total, found._asdict())

    def values(self, rows: Rows) -> dict[str, float]:
        """`loss` in nats a token, `z_loss` where there is one, `counted` tokens."""
        nll, z, tokens = (float(np.sum(rows[n], dtype=np.float64)) for n in ("nll", "z", "tokens"))
        # rows without a token that counts say nothing, and cost nothing
        found = {"loss": nll / max(tokens, 1.0)}
        if self.z_loss:
            found["z_loss"] = self.z_loss * z / max(tokens, 1.0)
        return {**found, "counted": int(tokens)}
