"""Attention on a mesh: each device attends for its own rows, heads and queries.

Rows are split over `data` and `fsdp`, heads over `tensor`. Along `sequence` queries stay where
they are, and keys and values of the whole row come to every device, with their segments and
positions; in the gradient theirs are summed back. Written out with `shard_map`, because kernels
cannot be split by the compiler, and loops that skip what is hidden run a different number of times
on each device.

What is hidden is skipped here too: `chunked` reads off the marks which blocks to do, in any order
of the tokens, and `splash` has its tables made for the order that they are in. In the balanced
order of `xgen_model.balance` every device then does the same work.

Letters: b batch, t query time, s key time, k kv heads, g query heads of each, h head dim.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jax.sharding import PartitionSpec
from jaxtyping import Array, Float

from xgen_model.attention.marks import Implementation, Marks, Shard
from xgen_model.balance import unbalance
from xgen_model.mesh import alone, partition

__all__ = ["spread"]


def spread(
    implementation: Implementation,
    query: Float[Array, "b k g t h"],
    key: Float[Array, "b k s h"],
    value: Float[Array, "b k s h"],
    marks: Marks,
    slopes: Float[Array, "k g"] | None,
    *,
    balanced: bool,
) -> Float[Array, "b k g t h"]:
    """Run an implementation on every device of the active mesh, on its part.

    Args:
        implementation: what to run.
        query: of the same tokens as the keys.
        key: keys.
        value: values.
        marks: segments and positions.
        slopes: of linear biases, or None.
        balanced: time is in the order of `xgen_model.balance` for the mesh's `sequence` axis.
    """
    mesh = jax.sharding.get_abstract_mesh()
    if alone():
        return implementation(query, key, value, marks, slopes, Shard())
    shape = query.shape
    copies = _copies(shape[1], shape[2], mesh.shape["tensor"])
    if copies > 1:
        key, value = (jnp.repeat(x, copies, axis=1) for x in (key, value))
        query = query.reshape(shape[0], shape[1] * copies, shape[2] // copies, *shape[3:])
        slopes = None if slopes is None else slopes.reshape(query.shape[1:3])
    queries = partition(("batch", "kv_heads", None, "time", None), query.shape, mesh.shape)
    rows, heads, _, time, _ = queries
    keys = PartitionSpec(rows, heads, time, None)
    parts = 1 if time is None else mesh.shape[time]

    def local(query: Array, key: Array, value: Array, marks: Marks, slopes: Array | None) -> Array:
        if time is None:
            return implementation(query, key, value, marks, slopes, Shard())

        def whole(x: Array, dim: int) -> Array:
            x = jax.lax.all_gather(x, time, axis=dim, tiled=True)
            return unbalance(x, parts, dim=dim) if balanced else x

        marks = marks._replace(
            key_segments=whole(marks.key_segments, 1), key_positions=whole(marks.key_positions, 1)
        )
        shard = Shard(parts, jax.lax.axis_index(time), balanced)
        return implementation(query, whole(key, 2), whole(value, 2), marks, slopes, shard)

    mixed = jax.shard_map(
        local,
        in_specs=(
            queries,
            keys,
            keys,
            jax.tree.map(lambda _: PartitionSpec(rows, time), marks),
            None if slopes is None else PartitionSpec(heads, None),
        ),
        out_specs=queries,
        # What varies over which axis cannot be followed through a kernel.
        check_vma=False,
    )(query, key, value, marks, slopes)
    return mixed.reshape(shape)


def _copies(k: int, g: int, tensor: int) -> int:
    """How often to repeat each kv head so that the `tensor` axis divides them; 1 if it cannot."""
    copies = tensor // math.gcd(k, tensor)
    return copies if g % copies == 0 else 1
