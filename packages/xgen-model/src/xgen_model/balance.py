"""The order of time when it is split over devices: each gets an early and a late piece of the row.

A causal query at the end of a row has the whole row to look at, one at the start nothing. So rows
are cut into twice as many pieces as there are devices along `sequence`, and device i gets piece i
from the front and piece i from the back; all then see the same number of keys. Positions and
segments travel with the tokens, so to a model this is only another order of the same tokens.

    4 devices      0 1 2 3 4 5 6 7   →   0 7 | 1 6 | 2 5 | 3 4

Decoder and loss do this themselves when the mesh has a `sequence` axis; callers see the plain
order everywhere.
"""

from __future__ import annotations

from typing import TypeVar

import jax
import numpy as np

from xgen_model.mesh import axis_size

__all__ = ["balance", "balanced_shards", "piece_order", "unbalance"]

A = TypeVar("A", jax.Array, np.ndarray)


def piece_order(shards: int) -> tuple[int, ...]:
    """Which piece of the row stands at each place, once balanced: first, last, second and so on."""
    return tuple(p for i in range(shards) for p in (i, 2 * shards - 1 - i))


def balanced_shards(time: int) -> int:
    """How many devices of the active mesh share rows of `time` tokens in balanced order.

    1, which means that nothing is reordered, outside `jax.set_mesh`, without a `sequence` axis,
    and where the rows do not split into equal pieces.
    """
    shards = axis_size("sequence")
    return shards if time % (2 * shards) == 0 else 1


def balance(x: A, shards: int, *, dim: int = 1) -> A:
    """Put the time axis in balanced order.

    Args:
        x: numpy or jax array whose dim `dim` is time, a multiple of `2 * shards`.
        shards: devices along `sequence`.
        dim: which is time.

    Raises:
        ValueError: time does not split into equal pieces.
    """
    return _reordered(x, piece_order(shards), dim)


def unbalance(x: A, shards: int, *, dim: int = 1) -> A:
    """Undo `balance`."""
    order = piece_order(shards)
    return _reordered(x, tuple(order.index(p) for p in range(len(order))), dim)


def _reordered(x: A, order: tuple[int, ...], dim: int) -> A:
    pieces, time = len(order), x.shape[dim]
    if pieces == 2:  # one device: its two pieces are in order
        return x
    if time % pieces:
        raise ValueError(f"{time} tokens do not split into {pieces} equal pieces")
    cut = x.reshape(*x.shape[:dim], pieces, time // pieces, *x.shape[dim + 1 :])
    index = (slice(None),) * dim + (np.asarray(order),)
    return cut[index].reshape(x.shape)
