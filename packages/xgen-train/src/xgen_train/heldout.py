"""Held-out loss by source during training, from the store's validation split."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax

from xgen_core import Batch
from xgen_data import TokenStore, validation_batches
from xgen_model import Params

__all__ = ["Heldout"]


class Heldout:
    """Evaluates fixed batches of each source, so that figures compare over the run.

    Args:
        store: the token store.
        evaluate: compiled sums of nll and tokens.
        place: puts a host batch onto the devices.
        batch_tokens: tokens per batch, as in training.
        batches: how many of each source; 0 switches held-out loss off.
    """

    def __init__(
        self,
        store: TokenStore,
        evaluate: Callable[[Params, Batch[jax.Array]], tuple[jax.Array, jax.Array]],
        place: Callable[[Batch[Any]], Batch[jax.Array]],
        *,
        batch_tokens: int,
        batches: int,
    ) -> None:
        self._store = store
        self._evaluate = evaluate
        self._place = place
        self._batch_tokens = batch_tokens
        self._batches = batches

    def measure(self, params: Params, sequence_length: int) -> dict[str, dict[str, float]]:
        """Loss (nats per token) and bits per byte by source, at one sequence length.

        Bits per byte uses the source's mean bytes per token over the whole validation split.
        """
        sums: dict[str, tuple[float, float]] = {}
        for source, batch in validation_batches(
            self._store,
            sequence_length,
            self._batch_tokens // sequence_length,
            limit=self._batches,
        ):
            nll, tokens = self._evaluate(params, self._place(batch))
            before = sums.get(source, (0.0, 0.0))
            sums[source] = (before[0] + float(nll), before[1] + float(tokens))
        found: dict[str, dict[str, float]] = {}
        for source, (nll, tokens) in sums.items():
            line = self._store.manifest.splits["validation"][source]
            bits_per_token = nll / tokens / math.log(2)
            found[source] = {
                "loss": nll / tokens,
                "bits_per_byte": bits_per_token * line.tokens / line.bytes,
            }
        return found
