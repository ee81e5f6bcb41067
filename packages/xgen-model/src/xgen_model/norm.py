"""Root-mean-square normalisation.

Letters: b batch, t time, d model.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

__all__ = ["RMSNorm"]


class RMSNorm(nnx.Module):
    """`x / sqrt(mean(x²) + eps) * scale` over the last dim, computed in float32."""

    def __init__(self, size: int, eps: float) -> None:
        self.eps = eps
        self.scale = nnx.Param(jnp.ones((size,), jnp.float32))

    def __call__(self, x: Float[Array, "b t d"]) -> Float[Array, "b t d"]:
        """Normalise; the result has the dtype of `x`."""
        wide = x.astype(jnp.float32)
        inverse = jax.lax.rsqrt(jnp.mean(wide * wide, axis=-1, keepdims=True) + self.eps)
        return (wide * inverse * self.scale[...]).astype(x.dtype)
