"""Batches of pairs with the reference's figures beside them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from xgen_core import InputError
from xgen_data import Encoded
from xgen_model import ModelConfig, Params
from xgen_train.epochs import Epochs
from xgen_train.preference.objective import PairBatch
from xgen_train.preference.pairs import EncodedPair, Pairs
from xgen_train.preference.recipe import DpoRecipe
from xgen_train.preference.reference import Reference
from xgen_train.rows import row_width, stack_rows

__all__ = ["PairFeed", "pair_batch"]

_FILLER = EncodedPair(*(Encoded(np.zeros(0, np.uint32), np.zeros(0, np.uint8)) for _ in range(2)))


def pair_batch(
    config: ModelConfig,
    pairs: Sequence[EncodedPair],
    reference: Reference,
    *,
    rows: int,
    width: int,
) -> PairBatch:
    """Pairs and their reference as `rows` rows; those without a pair do not count.

    Args:
        config: of the model.
        pairs: at most `rows`.
        reference: of those pairs.
        rows: of the batch.
        width: tokens in a row, a soft prompt apart.
    """
    short = rows - len(pairs)
    filled = [*pairs, *[_FILLER] * short]
    chosen, rejected = (np.pad(x.astype(np.float32), (0, short)) for x in reference)
    return PairBatch(
        stack_rows(config, [pair.chosen for pair in filled], width),
        stack_rows(config, [pair.rejected for pair in filled], width),
        chosen,
        rejected,
        (np.arange(rows) < len(pairs)).astype(np.float32),
    )


class PairFeed:
    """The trained pairs, each once an epoch; see `xgen_train.Feed`.

    Args:
        recipe: of the run.
        pairs: all of them.
        reference: of all of them.
        fingerprint: of pairs and reference.
    """

    def __init__(
        self, recipe: DpoRecipe, pairs: Pairs, reference: Reference, fingerprint: str
    ) -> None:
        self._recipe, self._pairs, self._reference = recipe, pairs.trained, reference
        self._fingerprint = fingerprint
        self._epochs = Epochs(len(pairs.trained), recipe.batch_pairs, recipe.seed)
        self._width = row_width(pairs.longest, recipe.sequence_length)
        lengths = np.array([sum(len(side.ids) for side in pair) for pair in pairs.trained])
        read = [int(lengths[self._numbers(step)].sum()) for step in range(self.total_steps)]
        self._tokens = np.cumsum([0, *read])

    def _numbers(self, step: int) -> npt.NDArray[np.int64]:
        return self._epochs.batch(step, self._recipe.epochs)

    @property
    def total_steps(self) -> int:
        """Batches that hold all epochs."""
        return self._epochs.steps(self._recipe.epochs)

    @property
    def edges(self) -> tuple[int, ...]:
        """The end."""
        return (self.total_steps,)

    @property
    def fingerprint(self) -> str:
        """Of pairs and reference."""
        return self._fingerprint

    def stage(self, step: int) -> int:
        """There is one."""
        return 0

    def tokens_before(self, step: int) -> int:
        """Ids of both sides of all pairs before."""
        return int(self._tokens[step])

    def digest(self, step: int) -> str:
        """Sixteen hex digits of which pairs the step reads."""
        return hashlib.sha256(self._numbers(step).astype("<i8").tobytes()).hexdigest()[:16]

    def sources(self, step: int) -> Sequence[str]:
        """There is one."""
        return ["pairs"] * self._recipe.batch_pairs

    def batches(
        self, start: int, part: int, parts: int, params: Callable[[], Params]
    ) -> Iterator[Any]:
        """`PairBatch`es of this process's rows.

        Raises:
            InputError: the processes cannot share a batch equally.
        """
        rows, rest = divmod(self._recipe.batch_pairs, parts)
        if rest:
            raise InputError(
                f"{parts} processes cannot share {self._recipe.batch_pairs} pairs equally: change "
                "batch_pairs"
            )
        for step in range(start, self.total_steps):
            numbers = self._numbers(step)[part * rows : (part + 1) * rows]
            yield pair_batch(
                self._recipe.model,
                [self._pairs[n] for n in numbers],
                Reference(*(figures[numbers] for figures in self._reference)),
                rows=rows,
                width=self._width,
            )
