"""Into which files an array is cut, and which process writes each.

A file is the largest part that one process holds whole. So a single process writes every array as
one file (or one a layer, where it is large), whatever its mesh, and of several processes each
writes what its own devices hold; what lies on many of them is dealt out, so none writes alone.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import numpy as np

from xgen_model.stored_array import Index

__all__ = ["Chunk", "Dealer", "by_layer"]

_SMALL = 4 * 2**20
"""Bytes of a parameter of all layers below which it is one file: few files open faster."""
_MOST_LAYERS = 4096

_shared = np.frompyfunc(frozenset.intersection, 2, 1)


class Chunk(NamedTuple):
    """One file of an array.

    Attributes:
        name: of the file, as in zarr: the number of the part along each dim.
        part: what of the array it holds.
        writer: the process that writes it; holds all of it.
    """

    name: str
    part: Index
    writer: int


@dataclass(slots=True)
class Dealer:
    """Deals the files of arrays to processes; all find the same, given the same arrays in turn.

    Attributes:
        load: bytes that each process has to write so far.
    """

    load: list[int] = field(default_factory=lambda: [0] * jax.process_count())

    def cut(self, name: str, array: jax.Array | np.ndarray) -> tuple[tuple[int, ...], list[Chunk]]:
        """The shape of an array's files, and the files.

        Args:
            name: the array's dotted path: a layered one is cut by layer.
            array: one outside of jax is held by all processes.
        """
        shape = array.shape
        holders = _coarsest(_holders(array, len(self.load)))
        if holders.size == 1 and by_layer(name, shape, array.dtype.itemsize):
            holders = np.repeat(holders, shape[0], axis=0)
        size = tuple(n // parts for n, parts in zip(shape, holders.shape, strict=True))
        cost = array.dtype.itemsize * math.prod(size)
        chunks: list[Chunk] = []
        for place in np.ndindex(holders.shape):
            writer = min(sorted(holders[place]), key=lambda process: self.load[process])
            self.load[writer] += cost
            part = tuple(slice(p * n, (p + 1) * n) for p, n in zip(place, size, strict=True))
            chunks.append(Chunk(".".join(map(str, place)) or "0", part, writer))
        return size, chunks


def by_layer(name: str, shape: tuple[int, ...], itemsize: int) -> bool:
    """Whether each layer of a whole array has a file of its own."""
    layered = "layers" in name.split(".") and len(shape) > 1 and shape[0] <= _MOST_LAYERS
    return layered and itemsize * math.prod(shape) > _SMALL


def _holders(array: jax.Array | np.ndarray, processes: int) -> np.ndarray:
    """The grid of an array's shards: for each the processes that hold it."""
    shape = array.shape
    if not isinstance(array, jax.Array):
        return _grid([1] * len(shape), {(0,) * len(shape): set(range(processes))})
    places = {
        device: tuple(s.indices(n)[:2] for s, n in zip(index, shape, strict=True))
        for device, index in array.sharding.devices_indices_map(shape).items()
    }
    starts = [sorted({place[dim][0] for place in places.values()}) for dim in range(len(shape))]
    cells: dict[tuple[int, ...], set[int]] = {}
    for device, place in places.items():
        cell = tuple(s.index(begin) for s, (begin, _) in zip(starts, place, strict=True))
        cells.setdefault(cell, set()).add(device.process_index)
    return _grid([len(s) for s in starts], cells)


def _grid(shape: list[int], cells: dict[tuple[int, ...], set[int]]) -> np.ndarray:
    grid = np.empty(shape, object)
    for cell, held in cells.items():
        grid[cell] = frozenset(held)
    return grid


def _coarsest(grid: np.ndarray) -> np.ndarray:
    """Neighbours put together, dim by dim, as long as some process holds all of them."""
    for dim in reversed(range(grid.ndim)):
        grid = next(merged for merged in _merges(grid, dim) if all(merged.flat))
    return grid


def _merges(grid: np.ndarray, dim: int) -> Iterator[np.ndarray]:
    """The grid with ever more parts along a dim, up to those that it has."""
    count = grid.shape[dim]
    for parts in itertools.takewhile(lambda n: n <= count, itertools.count(1)):
        if count % parts == 0:
            shape = (*grid.shape[:dim], parts, count // parts, *grid.shape[dim + 1 :])
            merged: Any = _shared.reduce(grid.reshape(shape), axis=dim + 1)
            yield merged
