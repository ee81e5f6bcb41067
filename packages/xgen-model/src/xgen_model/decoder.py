"""The decoder as Flax NNX modules: a pre-norm Llama block, `n_layers` times.

    x → x + attention(norm(x)) → x + mlp(norm(x)), norms at the end, no biases anywhere.

Parameters of all layers are stacked on a leading axis, whether the layers are compiled as one scan
or one by one, so weights do not depend on that choice.

Letters: b batch, t time, d model, n heads, k kv heads, h head dim, f ffn, v vocab, s cache slots.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, Int

from xgen_model.attention import attention
from xgen_model.config import ModelConfig
from xgen_model.norm import RMSNorm
from xgen_model.rope import Rotation, rotate, rotation

__all__ = ["Cache", "Decoder"]

_STANDARD_DEVIATION = 0.02


class Cache(NamedTuple):
    """Keys and values of the tokens read so far, for all layers, in the compute dtype."""

    key: Float[Array, "layers b s k h"]
    value: Float[Array, "layers b s k h"]
    segments: Int[Array, "b s"]


class _Reading(NamedTuple):
    """What every layer needs to know about the tokens."""

    rotation: Rotation
    segments: Int[Array, "b t"]
    key_segments: Int[Array, "b s"]
    offset: Int[Array, ""] | int


class _Stored(NamedTuple):
    """All layers' cache with the number of the layer that is to use it."""

    key: Float[Array, "layers b s k h"]
    value: Float[Array, "layers b s k h"]
    layer: Int[Array, ""] | int


def _normal(rng: Array, shape: tuple[int, ...], scale: float = 1.0) -> nnx.Param[Array]:
    values = jax.random.normal(rng, shape, jnp.float32) * (_STANDARD_DEVIATION * scale)
    return nnx.Param(values)


def _project(x: Float[Array, "b t i"], *kernels: nnx.Param[Array]) -> list[Float[Array, "b t o"]]:
    """`x` times each kernel, as one product."""
    whole = jnp.concatenate([k[...].astype(x.dtype) for k in kernels], axis=1)
    ends = [sum(k[...].shape[1] for k in kernels[: i + 1]) for i in range(len(kernels) - 1)]
    return jnp.split(x @ whole, ends, axis=-1)


class Attention(nnx.Module):
    """Self-attention with rotary positions; kernels map `[in, out]`, heads adjacent in `out`."""

    def __init__(self, config: ModelConfig, rng: Array) -> None:
        rngs = jax.random.split(rng, 4)
        d, h = config.d_model, config.head_dim
        self.config = config
        self.query = _normal(rngs[0], (d, config.n_heads * h))
        self.key = _normal(rngs[1], (d, config.n_kv_heads * h))
        self.value = _normal(rngs[2], (d, config.n_kv_heads * h))
        self.output = _normal(rngs[3], (config.n_heads * h, d), (2 * config.n_layers) ** -0.5)

    def __call__(
        self, x: Float[Array, "b t d"], reading: _Reading, stored: _Stored | None
    ) -> tuple[Float[Array, "b t d"], _Stored | None]:
        """Attend among the tokens given, or, with a cache, among those before them too."""
        b, t, _ = x.shape
        h = self.config.head_dim
        q, k, v = (a.reshape(b, t, -1, h) for a in _project(x, self.query, self.key, self.value))
        q, k = rotate(q, reading.rotation), rotate(k, reading.rotation)
        if stored is not None:
            at = (stored.layer, 0, reading.offset, 0, 0)
            keys = jax.lax.dynamic_update_slice(stored.key, k[None], at)
            values = jax.lax.dynamic_update_slice(stored.value, v[None], at)
            stored = _Stored(keys, values, stored.layer)
            if not (isinstance(reading.offset, int) and reading.offset == 0):
                k = jax.lax.dynamic_index_in_dim(keys, stored.layer, keepdims=False)
                v = jax.lax.dynamic_index_in_dim(values, stored.layer, keepdims=False)
        mixed = attention(
            q,
            k,
            v,
            query_segments=reading.segments,
            key_segments=reading.key_segments[:, : k.shape[1]],
            offset=reading.offset,
            implementation=self.config.attention,
        )
        return mixed.reshape(b, t, -1) @ self.output[...].astype(x.dtype), stored


class MLP(nnx.Module):
    """SwiGLU: `(silu(x · gate) * (x · up)) · down`."""

    def __init__(self, config: ModelConfig, rng: Array) -> None:
        rngs = jax.random.split(rng, 3)
        d, f = config.d_model, config.d_ff
        self.gate = _normal(rngs[0], (d, f))
        self.up = _normal(rngs[1], (d, f))
        self.down = _normal(rngs[2], (f, d), (2 * config.n_layers) ** -0.5)

    def __call__(self, x: Float[Array, "b t d"]) -> Float[Array, "b t d"]:
        """Apply to every token."""
        gate, up = _project(x, self.gate, self.up)
        return (jax.nn.silu(gate) * up) @ self.down[...].astype(x.dtype)


class Block(nnx.Module):
    """One layer: attention, then MLP, each behind its norm and added to the stream."""

    def __init__(self, config: ModelConfig, rng: Array) -> None:
        first, second = jax.random.split(rng)
        self.attention_norm = RMSNorm(config.d_model, config.norm_eps)
        self.attention = Attention(config, first)
        self.mlp_norm = RMSNorm(config.d_model, config.norm_eps)
        self.mlp = MLP(config, second)

    def __call__(
        self, x: Float[Array, "b t d"], reading: _Reading, stored: _Stored | None
    ) -> tuple[Float[Array, "b t d"], _Stored | None]:
        """Apply the layer."""
        added, stored = self.attention(self.attention_norm(x), reading, stored)
        x = x + added
        return x + self.mlp(self.mlp_norm(x)), stored


class Decoder(nnx.Module):
    """The whole model.

    Initial values: normal with standard deviation 0.02, the matrices that write to the residual
    stream divided by sqrt(2 · n_layers) as in GPT-2. That is our choice; XGen's is not known.
    """

    def __init__(self, config: ModelConfig, rng: Array) -> None:
        first, second, third = jax.random.split(rng, 3)
        self.config = config
        self.embedding = _normal(first, (config.vocab_size, config.d_model))
        rngs = jax.random.split(second, config.n_layers)
        self.layers = nnx.vmap(lambda rng: Block(config, rng))(rngs)
        self.final_norm = RMSNorm(config.d_model, config.norm_eps)
        if not config.tie_embeddings:
            self.output = _normal(third, (config.d_model, config.vocab_size))

    def __call__(
        self,
        tokens: Int[Array, "b t"],
        positions: Int[Array, "b t"],
        segment_ids: Int[Array, "b t"],
        cache: Cache | None = None,
        offset: Int[Array, ""] | int = 0,
    ) -> tuple[Float[Array, "b t d"], Cache | None]:
        """Hidden states after the final norm, and the cache with these tokens entered.

        Args:
            tokens: ids.
            positions: position of each token in its document.
            segment_ids: document of each token; 0 is padding.
            cache: where to keep keys and values; tokens go to slots `offset` and on.
            offset: number of slots in use; the Python int 0 for the first tokens.
        """
        config = self.config
        x = self.embedding[...].astype(config.dtype)[tokens]
        table = rotation(positions, config.head_dim, config.rope_theta)
        key_segments = segment_ids
        if cache is not None:
            key_segments = jax.lax.dynamic_update_slice(cache.segments, segment_ids, (0, offset))
        reading = _Reading(table, segment_ids, key_segments, offset)
        x, kept = self._run_layers(x, reading, cache)
        if kept is not None:
            cache = Cache(kept.key, kept.value, key_segments)
        return self.final_norm(x), cache

    def _run_layers(
        self, x: Float[Array, "b t d"], reading: _Reading, cache: Cache | None
    ) -> tuple[Float[Array, "b t d"], _Stored | None]:
        config = self.config
        graph, stacked = nnx.split(self.layers)

        def apply(
            x: Float[Array, "b t d"], stored: _Stored | None, weights: nnx.State
        ) -> tuple[Float[Array, "b t d"], _Stored | None]:
            return nnx.merge(graph, weights)(x, reading, stored)

        if config.remat != "none" and cache is None:
            policy = None
            if config.remat == "dots":
                policy = jax.checkpoint_policies.dots_with_no_batch_dims_saveable
            apply = jax.checkpoint(apply, policy=policy, prevent_cse=not config.scan_layers)
        stored = None if cache is None else _Stored(cache.key, cache.value, 0)
        if not config.scan_layers:
            for layer in range(config.n_layers):
                weights = jax.tree.map(lambda a, at=layer: a[at], stacked)
                if stored is not None:
                    stored = stored._replace(layer=layer)
                x, stored = apply(x, stored, weights)
            return x, stored

        def step(
            carry: tuple[Float[Array, "b t d"], _Stored | None], weights: nnx.State
        ) -> tuple[tuple[Float[Array, "b t d"], _Stored | None], None]:
            x, stored = apply(*carry, weights)
            if stored is not None:
                stored = stored._replace(layer=stored.layer + 1)
            return (x, stored), None

        if stored is not None:
            stored = stored._replace(layer=jnp.int32(0))
        (x, stored), _ = jax.lax.scan(step, (x, stored), stacked)
        return x, stored
