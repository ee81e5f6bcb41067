"""Normalisation over the model dim, in float32.

Letters: b batch, t time, d model.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from xgen_model.config import ModelConfig

__all__ = ["LayerNorm", "RMSNorm", "layer_norm", "make_norm", "rms_norm"]


def rms_norm(x: Float[Array, "... d"], scale: Float[Array, " d"], eps: float) -> Array:
    """`x / sqrt(mean(x²) + eps) * scale` over the last dim; the result has the dtype of `x`."""
    wide = x.astype(jnp.float32)
    inverse = jax.lax.rsqrt(jnp.mean(wide * wide, axis=-1, keepdims=True) + eps)
    return (wide * inverse * scale).astype(x.dtype)


def layer_norm(
    x: Float[Array, "... d"], scale: Float[Array, " d"], bias: Float[Array, " d"], eps: float
) -> Array:
    """`(x - mean(x)) / sqrt(var(x) + eps) * scale + bias` over the last dim, in `x`'s dtype."""
    wide = x.astype(jnp.float32)
    centred = wide - jnp.mean(wide, axis=-1, keepdims=True)
    inverse = jax.lax.rsqrt(jnp.mean(centred**2, axis=-1, keepdims=True) + eps)
    return (centred * inverse * scale + bias).astype(x.dtype)


class RMSNorm(nnx.Module):
    """`x / sqrt(mean(x²) + eps) * scale` over the last dim, computed in float32."""

    def __init__(self, size: int, eps: float) -> None:
        self.eps = eps
        self.scale = nnx.Param(jnp.ones((size,), jnp.float32))

    def __call__(self, x: Float[Array, "b t d"]) -> Float[Array, "b t d"]:
        """Normalise; the result has the dtype of `x`."""
        return rms_norm(x, self.scale[...], self.eps)


class LayerNorm(nnx.Module):
    """`(x - mean(x)) / sqrt(var(x) + eps) * scale + bias` over the last dim, in float32."""

    def __init__(self, size: int, eps: float) -> None:
        self.eps = eps
        self.scale = nnx.Param(jnp.ones((size,), jnp.float32))
        self.bias = nnx.Param(jnp.zeros((size,), jnp.float32))

    def __call__(self, x: Float[Array, "b t d"]) -> Float[Array, "b t d"]:
        """Normalise; the result has the dtype of `x`."""
        return layer_norm(x, self.scale[...], self.bias[...], self.eps)


def make_norm(config: ModelConfig) -> RMSNorm | LayerNorm:
    """A fresh norm of the block variant's kind."""
    kind = RMSNorm if config.variant.norm == "rms" else LayerNorm
    return kind(config.d_model, config.norm_eps)
