"""Held-out loss by source during training, from the store's validation split."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from jax.sharding import Mesh

from xgen_core import Batch, InputError
from xgen_data import TokenStore, validation_batches
from xgen_model import Params, place_batch, row_part
from xgen_train.objective import LanguageModelling
from xgen_train.positions import PositionCurve, PositionSums
from xgen_train.recipe import TrainRecipe
from xgen_train.step import compile_evaluation

__all__ = ["Heldout"]

Figures = Mapping[str, Mapping[str, float]]


class Heldout:
    """Evaluates fixed batches of each source, so that figures compare over the run.

    Args:
        recipe: for its stages, tokens in a batch, and how many batches of each source.
        store: the token store.
        mesh: the run's devices.
    """

    def __init__(self, recipe: TrainRecipe, store: TokenStore, mesh: Mesh) -> None:
        self._recipe, self._store, self._mesh = recipe, store, mesh
        self._positions = PositionSums(recipe.model, recipe.stages[-1].sequence_length, mesh)
        self._evaluate = compile_evaluation(LanguageModelling(config=recipe.model), mesh)

    def measure(self, params: Params, stage: int) -> Figures:
        """Loss (nats per token) and bits per byte by source, at a stage's sequence length.

        Bits per byte uses the source's mean bytes per token over the whole validation split; where
        a mask says which tokens count, nothing says how many bytes these are, and there are none.
        """
        sums: dict[str, tuple[float, float]] = {}
        for source, batch in self._batches(self._recipe.stages[stage].sequence_length):
            rows = self._evaluate(params, place_batch(self._mesh, self._own_rows(batch)))
            nll, tokens = (
                float(np.sum(np.asarray(rows[n]), dtype=np.float64)) for n in ("nll", "tokens")
            )
            before = sums.get(source, (0.0, 0.0))
            sums[source] = (before[0] + nll, before[1] + tokens)
        found: dict[str, dict[str, float]] = {}
        for source, (nll, tokens) in sums.items():
            if not tokens:
                continue
            found[source] = {"loss": nll / tokens}
            if not self._store.line("validation", source).masked:
                line = self._store.manifest.splits["validation"][source]
                bits_per_token = nll / tokens / math.log(2)
                found[source]["bits_per_byte"] = bits_per_token * line.tokens / line.bytes
        return found

    def _batches(self, length: int) -> Iterator[tuple[str, Batch[Any]]]:
        """The same ones each time: the first of each source."""
        limit = self._recipe.evaluate_batches
        if limit and "validation" in self._store.manifest.splits:
            rows = self._recipe.batch_tokens // length
            yield from validation_batches(self._store, length, rows, limit=limit)

    def positions(self, params: Params) -> PositionCurve | None:
        """Loss by position at the longest sequence length of the run, over the same documents.

        One length for all edges: before a stage of it the curve shows what lies beyond the lengths
        seen so far.
        """
        held_out = "validation" in self._store.manifest.splits
        names = self._store.sources("validation") if held_out else ()
        if any(self._store.line("validation", name).masked for name in names):
            return None  # of answers alone, positions say little
        total = None
        for _, batch in self._batches(self._recipe.stages[-1].sequence_length):
            placed = place_batch(self._mesh, self._own_rows(batch))
            sums = self._positions.of(params, placed)
            total = sums if total is None else total + sums
        return None if total is None else self._positions.curve(total)

    def _own_rows(self, batch: Batch[Any]) -> Batch[Any]:
        part, parts = row_part(self._mesh)
        rows = batch.inputs.shape[0]
        if rows % parts:
            raise InputError(f"{parts} processes cannot share a batch of {rows} rows equally")
        share = rows // parts
        return Batch(*(field[part * share : (part + 1) * share] for field in batch))
