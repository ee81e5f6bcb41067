"""From the rows that a process has read to arrays over all devices.

Processes whose devices differ along `sequence` or `tensor` only work on the same rows: they read
the same ones, and each puts the time that its own devices hold onto them.
"""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Int

from xgen_core.records import Batch
from xgen_model.mesh import MESH_AXES, batch_sharding

__all__ = ["place_batch", "row_part"]


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


def place_batch(mesh: Mesh, batch: Batch[Any]) -> Batch[jax.Array]:
    """A batch over all devices, from the rows that each process has read.

    Args:
        mesh: all devices.
        batch: this process's rows, those of `row_part`, over their whole time.
    """
    part, parts = row_part(mesh)
    sharding = batch_sharding(mesh)

    def place(field: Int[np.ndarray, "b t"]) -> jax.Array:
        rows, time = field.shape
        first = part * rows

        def local(index: Any) -> Int[np.ndarray, "_ _"]:
            start, stop, _ = index[0].indices(rows * parts)
            return field[start - first : stop - first, index[1]]

        return jax.make_array_from_callback((rows * parts, time), sharding, local)

    return Batch(*(place(np.asarray(field)) for field in batch))
