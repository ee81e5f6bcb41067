"""Where batches come from: what a step reads depends on its number alone."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import numpy as np

from xgen_core import Batch, InputError
from xgen_data import Loader, Order, TokenStore
from xgen_model import Params
from xgen_train.recipe import TrainRecipe

__all__ = ["Feed", "StoreFeed"]


class Feed(Protocol):
    """The batches of a run; steps count from 0 here."""

    @property
    def total_steps(self) -> int:
        """Steps of the whole run."""
        ...

    @property
    def edges(self) -> tuple[int, ...]:
        """Steps behind which a stage ends; the last is `total_steps`."""
        ...

    @property
    def fingerprint(self) -> str:
        """Changes with the data."""
        ...

    def stage(self, step: int) -> int:
        """Number of the stage that a step belongs to."""
        ...

    def tokens_before(self, step: int) -> int:
        """Input tokens of all steps before this one, which may be `total_steps`."""
        ...

    def digest(self, step: int) -> str:
        """Hex digits that say what the step reads, whoever reads it."""
        ...

    def sources(self, step: int) -> Sequence[str]:
        """The source of each row of the whole batch."""
        ...

    def batches(
        self, start: int, part: int, parts: int, params: Callable[[], Params]
    ) -> Iterator[Any]:
        """Trees of host arrays, this process's rows of the steps from `start` on.

        Args:
            start: the first step.
            part: which part of every batch's rows this process reads.
            parts: how many parts there are.
            params: gives the weights before the step that is asked for, for feeds that need them.
        """
        ...


class StoreFeed:
    """The windows of a token store, in a recipe's order.

    Args:
        recipe: for its stages.
        store: the token store.
        order: from `build_order`.
    """

    def __init__(self, recipe: TrainRecipe, store: TokenStore, order: Order) -> None:
        self._recipe, self._store, self._order = recipe, store, order

    @property
    def total_steps(self) -> int:
        """Steps of the whole run."""
        return self._order.total_steps

    @property
    def edges(self) -> tuple[int, ...]:
        """Ends of the recipe's stages."""
        return self._recipe.edges

    @property
    def fingerprint(self) -> str:
        """The store's."""
        return self._store.fingerprint

    def stage(self, step: int) -> int:
        """Number of the recipe's stage."""
        return self._recipe.stage_of(step)

    def tokens_before(self, step: int) -> int:
        """Input tokens of all steps before."""
        return self._order.tokens_before(step)

    def digest(self, step: int) -> str:
        """Sixteen hex digits of which windows the step reads."""
        found = self._order.windows(step)
        digest = hashlib.sha256(str(found.sequence_length).encode())
        for column in found[1:]:
            digest.update(np.ascontiguousarray(column, "<i8").data)
        return digest.hexdigest()[:16]

    def sources(self, step: int) -> Sequence[str]:
        """The source of each row; of its first piece, where a row has several."""
        found = self._order.windows(step)
        _, first = np.unique(found.row, return_index=True)
        return [self._order.sources[i] for i in found.source[first].tolist()]

    def batches(
        self, start: int, part: int, parts: int, params: Callable[[], Params]
    ) -> Iterator[Batch[Any]]:
        """Batches as `xgen_core.Batch` describes them, read ahead.

        Raises:
            InputError: the processes cannot share a batch equally.
        """
        try:
            loader = Loader(self._store, self._order, host=part, hosts=parts)
        except ValueError as error:
            raise InputError(str(error)) from error
        return loader.iterate(start)
