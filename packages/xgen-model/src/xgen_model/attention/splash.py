"""Splash attention, the Pallas kernel for TPUs that ships with JAX.

It knows two masks and applies both: a causal one over places in the row, by which it skips blocks,
and segments. Positions need not be given: inside a segment they grow with the place in the row.

Letters: b batch, t query time, s key time, k kv heads, g query heads of each, h head dim, n = k·g.
"""

from __future__ import annotations

from typing import Any

import jax
from jax.experimental.pallas.ops.tpu import splash_attention
from jaxtyping import Array, Float

from xgen_model.attention.marks import RESIDUAL, Marks, Shard
from xgen_model.attention.padding import FILLER, filled
from xgen_model.balance import balance

__all__ = ["splash", "splash_refusal"]

_LANES = 128
"""Keys and queries of a block are a multiple of this."""
_BLOCK = 512
"""Longest block of keys and of queries."""


def splash_refusal(slopes: Float[Array, "k g"] | None) -> str:
    """Why splash cannot do this; empty if it can."""
    return "" if slopes is None else "splash attention has no linear biases"


def splash(
    query: Float[Array, "b k g t h"],
    key: Float[Array, "b k s h"],
    value: Float[Array, "b k s h"],
    marks: Marks,
    slopes: Float[Array, "k g"] | None,
    shard: Shard,
    *,
    interpret: bool = False,
) -> Float[Array, "b k g t h"]:
    """Attend; lengths that are no multiple of 128 are filled up.

    Args:
        query: scaled queries.
        key: keys.
        value: values.
        marks: segments and positions.
        slopes: must be None.
        shard: which queries these are.
        interpret: run the kernel's own program where there is no TPU, very slowly; for tests.

    Raises:
        ValueError: there are slopes, or time is split into parts that are no multiple of 128.
    """
    refusal = splash_refusal(slopes)
    if refusal:
        raise ValueError(refusal)
    b, k, g, t, h = query.shape
    if shard.parts > 1 and t % _LANES:
        raise ValueError(
            f"splash attention splits time into multiples of {_LANES} tokens, got {t} a device"
        )
    segments = (
        filled(marks.query_segments, 1, _LANES, FILLER),
        filled(marks.key_segments, 1, _LANES, FILLER),
    )
    query = filled(query, 3, _LANES)
    key, value = (filled(x, 2, _LANES) for x in (key, value))
    kernel = _kernel(k * g, (query.shape[3] * shard.parts, key.shape[2]), shard, interpret)
    mixed = jax.vmap(kernel)(
        query.reshape(b, k * g, -1, h), key, value, splash_attention.SegmentIds(*segments)
    )
    return mixed.reshape(b, k, g, -1, h)[:, :, :, :t]


def _block(time: int) -> int:
    """The longest block of at most `_BLOCK` that divides the time."""
    return next(c for c in range(_BLOCK, 0, -_LANES) if time % c == 0)


def _kernel(n: int, shape: tuple[int, int], shard: Shard, interpret: bool) -> Any:
    """The kernel for `n` heads and this part of the queries of a row.

    Its tables of blocks to do are made for all parts, and this device's rows are cut from them.
    """
    t, s = shape
    # No block may span the two pieces of a balanced part: what it skips is contiguous.
    c = _block(t // shard.parts // (2 if shard.balanced else 1))
    d = _block(s)
    mask = splash_attention.CausalMask(shape)
    if shard.balanced:
        mask.q_sequence = balance(mask.q_sequence, shard.parts, dim=0)
    kernel = splash_attention.make_splash_mha(
        splash_attention.MultiHeadMask([mask] * n),
        block_sizes=splash_attention.BlockSizes(
            block_q=c,
            block_kv=d,
            block_q_dkv=c,
            block_kv_dkv=d,
            block_q_dq=c,
            block_kv_dq=d,
        ),
        head_shards=1,
        q_seq_shards=shard.parts,
        residual_checkpoint_name=RESIDUAL,
        interpret=interpret,
    )
    if shard.parts == 1:
        return kernel

    def part(x: Array | None, dim: int) -> Array | None:
        if x is None:
            return None
        length = x.shape[dim] // shard.parts
        return jax.lax.dynamic_slice_in_dim(x, shard.number * length, length, axis=dim)

    def of_shard(info: Any) -> Any:
        return info._replace(
            data_next=part(info.data_next, 1),
            mask_next=part(info.mask_next, 1),
            block_mask=part(info.block_mask, 1),
            q_sequence=part(info.q_sequence, 0),
        )

    return type(kernel)(
        of_shard(kernel.fwd_mask_info),
        of_shard(kernel.dq_mask_info),
        of_shard(kernel.dkv_mask_info),
        **kernel.kwargs,
    )
