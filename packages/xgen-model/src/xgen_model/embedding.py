"""Rows of the embedding by id, on a mesh too.

The table is split in both dims, rows over `tensor` and columns over `fsdp`, and tokens over
`fsdp` as well. Left to itself the compiler may then put all tokens' rows on every device. Here each
device looks up its columns for all tokens of its `fsdp` group, and they swap: what travels is ids
and one device's activations, in the compute dtype, and nobody holds the whole table.

Letters: b batch, t time, v vocab, d model.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.sharding import PartitionSpec
from jax.typing import DTypeLike
from jaxtyping import Array, Float, Int

from xgen_model.mesh import alone, partition

__all__ = ["embed"]


def embed(
    table: Float[Array, "v d"], tokens: Int[Array, "b t"], dtype: DTypeLike
) -> Float[Array, "b t d"]:
    """The rows of `tokens` in `dtype`; gradients of the table add up in the table's own dtype.

    Args:
        table: one row an id.
        tokens: ids of rows.
        dtype: of the result.
    """
    mesh = jax.sharding.get_abstract_mesh()
    if alone():
        return table[tokens].astype(dtype)
    rows, columns = partition(("vocab", "embed"), table.shape, mesh.shape)
    batch, time = partition(("batch", "time"), tokens.shape, mesh.shape)
    # Columns swap among devices that hold other tokens; where the batch is whole there are none.
    swapped = columns if batch is not None else None

    def local(table: Array, tokens: Array) -> Array:
        if swapped is not None:
            tokens = jax.lax.all_gather(tokens, swapped, axis=0, tiled=True)
        if rows is None:
            found = table[tokens].astype(dtype)
        else:
            tokens = tokens - jax.lax.axis_index(rows) * table.shape[0]
            here = (tokens >= 0) & (tokens < table.shape[0])
            found = jnp.where(here[..., None], table[jnp.where(here, tokens, 0)], 0)
            found = jax.lax.psum(found.astype(dtype), rows)
        if swapped is not None:
            found = jax.lax.all_to_all(found, swapped, split_axis=0, concat_axis=2, tiled=True)
        return found

    return jax.shard_map(
        local,
        in_specs=(PartitionSpec(rows, columns), PartitionSpec(batch, time)),
        out_specs=PartitionSpec(batch, time, None if swapped is not None else columns),
    )(table, tokens)
