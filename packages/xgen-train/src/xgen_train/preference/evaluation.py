"""What the objective finds in given pairs, without learning from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from jax.sharding import Mesh

from xgen_core.progress import Progress
from xgen_model import Params, as_read, place_batch, row_part
from xgen_train.objective import Rows
from xgen_train.positions import PositionCurve
from xgen_train.preference.feed import pair_batch
from xgen_train.preference.objective import PreferenceOptimisation
from xgen_train.preference.pairs import EncodedPair, Pairs
from xgen_train.preference.recipe import DpoRecipe
from xgen_train.preference.reference import Reference
from xgen_train.rows import row_width
from xgen_train.step import compile_evaluation

__all__ = ["HeldOutPairs", "PairReader"]


class PairReader:
    """Reads pairs in their order, batch by batch.

    Args:
        recipe: of the run.
        objective: of the run.
        pairs: all of them, for the width of a row.
        mesh: the run's devices.
    """

    def __init__(
        self, recipe: DpoRecipe, objective: PreferenceOptimisation, pairs: Pairs, mesh: Mesh
    ) -> None:
        self._recipe, self._mesh = recipe, mesh
        self._width = row_width(pairs.longest, recipe.sequence_length)
        self._evaluate = compile_evaluation(objective, mesh)

    def rows(
        self, params: Params, pairs: Sequence[EncodedPair], reference: Reference, label: str
    ) -> Rows:
        """The objective's figures of each pair, in order, the same on every process.

        Args:
            params: the policy.
            pairs: at least one.
            reference: of those pairs.
            label: of the progress.
        """
        rows = self._recipe.batch_pairs
        part, parts = row_part(self._mesh)
        share = rows // parts
        found: list[Rows] = []
        with Progress(label, len(pairs), unit="pairs") as progress:
            for first in range(0, len(pairs), rows):
                mine = slice(first + part * share, first + (part + 1) * share)
                batch = pair_batch(
                    self._recipe.model,
                    pairs[mine],
                    Reference(*(figures[mine] for figures in reference)),
                    rows=share,
                    width=self._width,
                )
                placed = place_batch(self._mesh, batch)
                here = min(rows, len(pairs) - first)
                figures = self._evaluate(params, placed)
                found.append(
                    {n: as_read(self._mesh, np.asarray(x))[:here] for n, x in figures.items()}
                )
                progress.advance(here)
        return {name: np.concatenate([part[name] for part in found]) for name in found[0]}

    def reference(self, params: Params, pairs: Sequence[EncodedPair]) -> Reference:
        """Log-probabilities of the answers under these weights."""
        nothing = np.zeros(len(pairs), np.float32)
        found = self.rows(params, pairs, Reference(nothing, nothing), "reading the reference")
        return Reference(found["chosen"], found["rejected"])


class HeldOutPairs:
    """The objective's figures of the held-out pairs; see `Evaluation`.

    Args:
        recipe: of the run; so many batches of pairs are read.
        objective: of the run.
        pairs: all of them.
        reference: of all of them.
        reader: of pairs.
    """

    def __init__(
        self,
        recipe: DpoRecipe,
        objective: PreferenceOptimisation,
        pairs: Pairs,
        reference: Reference,
        reader: PairReader,
    ) -> None:
        self._objective, self._reader = objective, reader
        self._pairs = pairs.held_out[: recipe.evaluate_batches * recipe.batch_pairs]
        first = len(pairs.trained)
        own = slice(first, first + len(self._pairs))
        self._reference = Reference(*(figures[own] for figures in reference))

    def measure(self, params: Params, stage: int) -> Mapping[str, Mapping[str, float]]:
        """Figures of the held-out pairs under `pairs`; nothing where none are held out."""
        if not self._pairs:
            return {}
        rows = self._reader.rows(params, self._pairs, self._reference, "held-out pairs")
        return {"pairs": self._objective.values(rows)}

    def positions(self, params: Params) -> PositionCurve | None:
        """None: answers have no curve."""
        return None
