"""Loss by position in the document: does a longer context help, and does what lies beyond break?

XGen's authors looked at this curve before and after each change of length. Positions are counted in
half octaves, because the loss changes with the logarithm of the context.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array

from xgen_core import Batch
from xgen_model import ModelConfig, Params, on_mesh, token_logprobs

__all__ = ["PositionCurve", "PositionSums"]

Sums = npt.NDArray[np.float64]


class PositionCurve(NamedTuple):
    """Mean loss of the tokens in bins of positions; only bins that have tokens.

    Attributes:
        first: the first position of each bin, 0 for a document's first token.
        loss: nats a token.
        tokens: how many.
    """

    first: list[int]
    loss: list[float]
    tokens: list[int]


class PositionSums:
    """Adds up losses in bins of positions.

    Args:
        config: of the model.
        length: of the sequences.
        mesh: the run's devices.
    """

    def __init__(self, config: ModelConfig, length: int, mesh: Mesh) -> None:
        octaves = np.arange(2 * math.ceil(math.log2(max(2, length)))) / 2
        # the first bins are single positions
        self.first = np.unique(np.ceil(2**octaves).astype(np.int64) - 1)
        bins = jnp.asarray(self.first)

        def sums(params: Params, batch: Batch[Array]) -> Array:
            counted = batch.loss_mask.astype(jnp.float32)
            nll = -token_logprobs(config, params, batch).logprob * counted
            chosen = jnp.searchsorted(bins, batch.positions, side="right") - 1
            one = jax.nn.one_hot(chosen, len(bins), dtype=jnp.float32)
            return jnp.einsum("sbt,btn->sn", jnp.stack([nll, counted]), one)

        whole = NamedSharding(mesh, PartitionSpec())
        self._sums = on_mesh(mesh, jax.jit(sums, out_shardings=whole))

    def of(self, params: Params, batch: Batch[jax.Array]) -> Sums:
        """Summed loss and tokens of each bin, `[2, bins]`."""
        found: Any = self._sums(params, batch)
        return np.asarray(found, np.float64)

    def curve(self, sums: Sums) -> PositionCurve:
        """What was added up, as a curve."""
        nll, tokens = sums
        kept = np.flatnonzero(tokens)
        return PositionCurve(
            self.first[kept].tolist(),
            (nll[kept] / tokens[kept]).tolist(),
            tokens[kept].astype(int).tolist(),
        )
