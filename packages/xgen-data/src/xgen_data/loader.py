"""Batches from a start step on, prefetched by Grain. Importing this module imports jax with Grain.

Grain carries one random-access source whose element `i` is this host's rows of step `i`; slicing
it is arithmetic, so starting at any step costs nothing. Grain's own shuffling, mixing and iterator
state are not used: the loader's whole state is the step.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from xgen_core import Batch
from xgen_data.batch import read_batch
from xgen_data.order import Order
from xgen_data.store import TokenStore

__all__ = ["Loader"]

_absl = logging.getLogger("absl")
_level = _absl.level
_absl.setLevel(
    logging.ERROR
)  # grain warns at import that an older jaxlib cannot profile its workers
import grain  # noqa: E402

_absl.setLevel(_level)


class _Steps:
    """The schedule as a Grain random-access source."""

    def __init__(self, store: TokenStore, order: Order, host: int, hosts: int) -> None:
        self._store, self._order, self._host, self._hosts = store, order, host, hosts

    def __len__(self) -> int:
        return self._order.total_steps

    def __getitem__(self, index: int) -> Batch[npt.NDArray[np.int32]]:
        number, _ = self._order.locate(index)
        share = self._order.stages[number].batch_size // self._hosts
        rows = slice(self._host * share, (self._host + 1) * share)
        return read_batch(self._store, self._order, index, rows=rows)


class Loader:
    """One host's batches.

    Args:
        store: the token store.
        order: the schedule over its train lines.
        host: this host's number.
        hosts: how many there are; every stage's batch_size must be a multiple.
        threads: that read ahead; one makes tens of millions of tokens a second, and more share the
            interpreter's lock with it.
        prefetch: steps to hold ready.

    Raises:
        ValueError: a batch that the hosts cannot share equally.
    """

    def __init__(
        self,
        store: TokenStore,
        order: Order,
        *,
        host: int = 0,
        hosts: int = 1,
        threads: int = 1,
        prefetch: int = 8,
    ) -> None:
        if not 0 <= host < hosts:
            raise ValueError(f"host must lie in 0..{hosts - 1}, got {host}")
        for number, stage in enumerate(order.stages):
            if stage.batch_size % hosts:
                raise ValueError(
                    f"stage {number}: {hosts} hosts cannot share a batch of {stage.batch_size} "
                    "rows equally"
                )
        self._steps = grain.MapDataset.source(_Steps(store, order, host, hosts))
        self._total = order.total_steps
        self._options = grain.ReadOptions(num_threads=threads, prefetch_buffer_size=prefetch)

    def iterate(self, start_step: int = 0) -> Iterator[Batch[npt.NDArray[np.int32]]]:
        """Yield this host's rows of `start_step`, `start_step + 1`, … to the schedule's end.

        Close the iterator (or let it end) to stop the threads that read ahead.

        Raises:
            IndexError: `start_step` is outside `0 … total_steps`.
        """
        if not 0 <= start_step <= self._total:
            raise IndexError(f"start_step {start_step} is outside 0..{self._total}")
        return self._iterate(start_step)

    def _iterate(self, start_step: int) -> Iterator[Batch[npt.NDArray[np.int32]]]:
        if start_step == self._total:  # Grain refuses an empty slice
            return
        steps = self._steps[start_step:].to_iter_dataset(self._options)
        with contextlib.closing(iter(steps)) as batches:
            yield from batches
