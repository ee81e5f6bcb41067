"""From the rows that a process has read to arrays over all devices.

Processes whose devices differ along `sequence` or `tensor` only work on the same rows: they read
the same ones, and each puts the time that its own devices hold onto them.
"""

from __future__ import annotations

from typing import Any, TypeVar

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from xgen_model.mesh import MESH_AXES, batch_sharding

__all__ = ["place_batch", "row_part"]

Tree = TypeVar("Tree")


def row_part(mesh: Mesh) -> tuple[int, int]:
    """Which part of a batch's rows this process reads, counted from 0, and how many there are.

    Raises:
        ValueError: the rows of this process's devices are not one part of equal parts.
    """
    rows = np.arange(mesh.shape["data"] * mesh.shape["fsdp"])
    devices = mesh.devices.reshape(len(rows), -1)
    mine = jax.process_index()
    here = [r for r in rows if any(device.process_index == mine for device in devices[r])]
    if not here:
        raise ValueError(f"process {mine} has no device in the mesh")
    count = len(here)
    if len(rows) % count or here[0] % count or here[-1] - here[0] != count - 1:
        raise ValueError(
            f"process {mine} holds rows {here} of {len(rows)}, which is no part of equal parts; "
            f"order the devices so that {' and '.join(MESH_AXES[:2])} vary slowest"
        )
    return int(here[0]) // count, len(rows) // count


def place_batch(mesh: Mesh, batch: Tree) -> Tree:
    """A batch over all devices, from the rows that each process has read.

    Args:
        mesh: all devices.
        batch: a tree of arrays `[b, t]` or `[b]`: this process's rows, those of `row_part`, over
            their whole time.
    """
    part, parts = row_part(mesh)
    places = batch_sharding(mesh)

    def place(field: np.ndarray) -> jax.Array:
        rows = len(field)
        first = part * rows

        def local(index: Any) -> np.ndarray:
            start, stop, _ = index[0].indices(rows * parts)
            return field[(slice(start - first, stop - first), *index[1:])]

        sharding = NamedSharding(mesh, PartitionSpec(*places.spec[: field.ndim]))
        return jax.make_array_from_callback((rows * parts, *field.shape[1:]), sharding, local)

    return jax.tree.map(lambda field: place(np.asarray(field)), batch)
