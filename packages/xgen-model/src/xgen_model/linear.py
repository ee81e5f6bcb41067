"""Matrices of a layer, with their biases and adapters, and several of them as one product.

Letters: b batch, t time, i and o sizes in and out, r rank.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from xgen_model.config import ModelConfig
from xgen_model.mesh import alone, axis_size

__all__ = ["Linear", "normal", "product", "project"]

_STANDARD_DEVIATION = 0.02


def normal(rng: Array, shape: tuple[int, ...], scale: float = 1.0) -> nnx.Param[Array]:
    """A parameter drawn from a normal distribution with standard deviation 0.02 times `scale`."""
    values = jax.random.normal(rng, shape, jnp.float32) * (_STANDARD_DEVIATION * scale)
    return nnx.Param(values)


def product(x: Float[Array, "b t i"], kernel: Float[Array, "i o"]) -> Float[Array, "b t o"]:
    """`x · kernel`, summed in at least float32, in the dtype of `x`.

    On one device batch and time are one dim: over two, XLA's CPU compiler turns the gradient of the
    kernel into products of copied, transposed operands (a layer's MLP takes 1.4 times as long).
    """
    if not alone():
        return x @ kernel
    return (x.reshape(-1, x.shape[-1]) @ kernel).reshape(*x.shape[:-1], -1)


class Linear(nnx.Module):
    """`x · kernel`, plus a bias where the block variant has one, plus an adapter where asked for.

    Args:
        config: of the model.
        name: in `PROJECTIONS`, or `head`; decides on bias and adapter.
        sizes: in and out.
        rng: for the initial values. Adapters begin as the zero map: A uniform, B zero.
        scale: of the initial values, as in `normal`.
    """

    def __init__(
        self,
        config: ModelConfig,
        name: str,
        sizes: tuple[int, int],
        rng: Array,
        scale: float = 1.0,
    ) -> None:
        self.kernel = normal(rng, sizes, scale)
        if name in config.variant.biases:
            self.bias = nnx.Param(jnp.zeros((sizes[1],), jnp.float32))
        lora = config.lora
        self.lora_scale = lora.scale if lora is not None and name in lora.targets else 0.0
        if lora is not None and name in lora.targets:
            bound = sizes[0] ** -0.5  # kaiming_uniform with a = sqrt(5), as PEFT begins
            a = jax.random.uniform(
                jax.random.fold_in(rng, 1), (sizes[0], lora.rank), jnp.float32, -bound, bound
            )
            self.lora_a = nnx.Param(a)
            self.lora_b = nnx.Param(jnp.zeros((lora.rank, sizes[1]), jnp.float32))

    def __call__(self, x: Float[Array, "b t i"]) -> Float[Array, "b t o"]:
        """Apply, in the dtype of `x`."""
        return self.add(x, product(x, self.kernel[...].astype(x.dtype)))

    def add(self, x: Float[Array, "b t i"], y: Float[Array, "b t o"]) -> Float[Array, "b t o"]:
        """Add bias and adapter to `y`, the product of `x` with the kernel."""
        if hasattr(self, "bias"):
            y = y + self.bias[...].astype(x.dtype)
        if hasattr(self, "lora_a"):
            inner = x @ self.lora_a[...].astype(x.dtype)
            y = y + (inner @ self.lora_b[...].astype(x.dtype)) * self.lora_scale
        return y


def project(x: Float[Array, "b t i"], layers: Sequence[Linear]) -> list[Float[Array, "b t o"]]:
    """`x` through each of the layers, their kernels side by side in one product.

    Not so where they are split over the mesh's `tensor` axis: each device would hold other columns
    of the whole than those it needs, and would have to fetch them.
    """
    if axis_size("tensor") > 1:
        return [layer(x) for layer in layers]
    kernels = [layer.kernel[...].astype(x.dtype) for layer in layers]
    ends = [sum(k.shape[1] for k in kernels[: i + 1]) for i in range(len(kernels) - 1)]
    parts = jnp.split(product(x, jnp.concatenate(kernels, axis=1)), ends, axis=-1)
    return [layer.add(x, part) for layer, part in zip(layers, parts, strict=True)]
