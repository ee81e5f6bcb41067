"""cuDNN's fused attention, on NVIDIA GPUs from Ampere on.

Letters: b batch, t query time, s key time, k kv heads, g query heads of each, h head dim, n = k·g.
"""

from __future__ import annotations

from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from xgen_model.attention.marks import Marks, Shard, seen

__all__ = ["cudnn", "cudnn_refusal"]


def cudnn_refusal(query: Float[Array, "b k g t h"], slopes: Float[Array, "k g"] | None) -> str:
    """Why cuDNN cannot do this; empty if it can."""
    h = query.shape[-1]
    if query.dtype not in (jnp.bfloat16, jnp.float16):
        return f"cuDNN attention computes in bfloat16 or float16, and the model in {query.dtype}"
    if h % 8 or h > 128:
        return f"cuDNN attention needs a head dim that is a multiple of 8 up to 128, got {h}"
    if slopes is not None:
        return "cuDNN attention has no linear biases here"
    return ""


def cudnn(
    query: Float[Array, "b k g t h"],
    key: Float[Array, "b k s h"],
    value: Float[Array, "b k s h"],
    marks: Marks,
    slopes: Float[Array, "k g"] | None,
    shard: Shard,
    *,
    backend: Literal["cudnn", "xla"] = "cudnn",
) -> Float[Array, "b k g t h"]:
    """Attend.

    `jax.nn.dot_product_attention` takes no segments, so they go in as a mask `[b, 1, t, s]`, which
    it turns into a bias in the dtype of the queries: 2 t² bytes a row, 128 MiB at 8,192, shared by
    all heads, and read once by each of them. What lies above the diagonal is still skipped.

    Args:
        query: scaled queries.
        key: keys.
        value: values.
        marks: segments and positions.
        slopes: must be None.
        shard: which queries these are.
        backend: `xla` makes the same call without cuDNN; for tests where there is no GPU.

    Raises:
        ValueError: cuDNN cannot do this; the message says why.
    """
    refusal = cudnn_refusal(query, slopes)
    if refusal:
        raise ValueError(refusal)
    b, k, g, t, h = query.shape
    mixed = jax.nn.dot_product_attention(
        query.transpose(0, 3, 1, 2, 4).reshape(b, t, k * g, h),
        key.swapaxes(1, 2),
        value.swapaxes(1, 2),
        mask=seen(marks)[:, None],
        scale=1.0,
        is_causal=shard.parts == 1,
        implementation=backend,
    )
    return mixed.reshape(b, t, k, g, h).transpose(0, 2, 3, 1, 4)
