"""From the rows that a process has read to arrays over all devices.

Processes whose devices differ along `sequence` or `tensor` only work on the same rows: they read
the same ones, and each puts the time that its own devices hold onto them.

Rows of a batch are read in parts, one after the other. Where the rows of a part lie is for the mesh
to say: on a TPU it follows the links between chips, so a host's chips are seldom next to each other
along `data` and `fsdp`.
"""

from __future__ import annotations

import functools
from typing import Any, TypeVar

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from xgen_model.mesh import batch_sharding

__all__ = ["as_read", "place_batch", "row_part"]

Tree = TypeVar("Tree")


@functools.lru_cache(maxsize=8)
def _parts(mesh: Mesh) -> tuple[tuple[int, ...], ...]:
    """The places along `data` and `fsdp`, counted together, that each part's rows go to."""
    count = mesh.shape["data"] * mesh.shape["fsdp"]
    held: dict[int, list[int]] = {}
    for place, devices in enumerate(mesh.devices.reshape(count, -1)):
        for process in {device.process_index for device in devices}:
            held.setdefault(process, []).append(place)
    parts = sorted({tuple(places) for places in held.values()})
    if len({len(places) for places in parts}) > 1 or sum(map(len, parts)) != count:
        raise ValueError(
            f"the processes hold rows {', '.join(map(str, parts[:4]))} … of {count}, which are no "
            "equal parts; choose sizes of sequence and tensor that divide a process's devices, or "
            "are multiples of them"
        )
    return tuple(parts)


def _mine(mesh: Mesh) -> int:
    here = jax.process_index()
    for part, places in enumerate(_parts(mesh)):
        devices = mesh.devices.reshape(-1, mesh.shape["sequence"] * mesh.shape["tensor"])[places[0]]
        if any(device.process_index == here for device in devices):
            return part
    raise ValueError(f"process {here} has no device in the mesh")


def row_part(mesh: Mesh) -> tuple[int, int]:
    """Which part of a batch's rows this process reads, counted from 0, and how many there are.

    Raises:
        ValueError: the processes do not hold equal parts of the rows.
    """
    return _mine(mesh), len(_parts(mesh))


def place_batch(mesh: Mesh, batch: Tree) -> Tree:
    """A batch over all devices, from the rows that each process has read.

    Args:
        mesh: all devices.
        batch: a tree of arrays `[b, t]` or `[b]`: this process's rows, those of `row_part`, over
            their whole time.
    """
    parts = _parts(mesh)
    mine = parts[_mine(mesh)]
    axes = batch_sharding(mesh).spec

    def place(field: np.ndarray) -> jax.Array:
        each = len(field) // len(mine)

        def local(index: Any) -> np.ndarray:
            start, _, _ = index[0].indices(len(field) * len(parts))
            first = mine.index(start // each) * each
            return field[(slice(first, first + each), *index[1:])]

        sharding = NamedSharding(mesh, PartitionSpec(*axes[: field.ndim]))
        shape = (len(field) * len(parts), *field.shape[1:])
        return jax.make_array_from_callback(shape, sharding, local)

    return jax.tree.map(lambda field: place(np.asarray(field)), batch)


def as_read(mesh: Mesh, figures: np.ndarray) -> np.ndarray:
    """Figures of a placed batch's rows, `[b]`, in the order in which the rows were read."""
    places = [place for part in _parts(mesh) for place in part]
    return figures.reshape(len(places), -1)[places].reshape(-1)
