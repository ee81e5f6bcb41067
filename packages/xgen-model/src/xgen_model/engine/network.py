"""The decoder's forward pass over a flat list of tokens.

The same layers as `xgen_model.decoder`'s; what a token attends to is the caller's affair, since it
is what prefill, decoding and scoring differ in. Tests hold both passes equal.

Letters: m tokens, d model, n heads, k kv heads, h head dim, v vocab, s cache slots.
"""

from __future__ import annotations

from typing import Protocol

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from xgen_model.alibi import slopes
from xgen_model.attention import attention
from xgen_model.config import ModelConfig
from xgen_model.engine.cache import Cache
from xgen_model.engine.weights import LayerWeights, Norm, Projection, Weights
from xgen_model.norm import layer_norm, rms_norm
from xgen_model.rope import rotate, rotation

__all__ = ["Attend", "head", "prefill", "read"]


class Attend(Protocol):
    """What the tokens of a pass look at."""

    def __call__(
        self,
        layer: int,
        query: Float[Array, "m n h"],
        key: Float[Array, "m k h"],
        value: Float[Array, "m k h"],
    ) -> Float[Array, "m n h"]:
        """Attend, in layer number `layer`; rotary positions are applied."""
        ...


def _normed(config: ModelConfig, norm: Norm, x: Float[Array, "m d"]) -> Float[Array, "m d"]:
    if norm.bias is None:
        return rms_norm(x, norm.scale, config.norm_eps)
    return layer_norm(x, norm.scale, norm.bias, config.norm_eps)


def _projected(x: Float[Array, "m i"], projection: Projection) -> Float[Array, "m o"]:
    y = x @ projection.kernel
    return y if projection.bias is None else y + projection.bias


def _mlp(config: ModelConfig, layer: LayerWeights, x: Float[Array, "m d"]) -> Float[Array, "m d"]:
    inner = _projected(x, layer.inner)
    if config.variant.mlp == "swiglu":
        gate, up = jnp.split(inner, 2, axis=-1)
        return _projected(jax.nn.silu(gate) * up, layer.down)
    return _projected(jax.nn.gelu(inner, approximate=True), layer.down)


def read(
    config: ModelConfig,
    weights: Weights,
    tokens: Int[Array, " m"],
    positions: Int[Array, " m"],
    attend: Attend,
) -> Float[Array, "m d"]:
    """Hidden states after the final norm.

    Args:
        config: of the weights.
        weights: as made by `prepare`.
        tokens: ids; those from `vocab_size` on are the soft prompt's.
        positions: of each token in its text.
        attend: called once a layer.
    """
    variant, h = config.variant, config.head_dim
    n, k = config.n_heads * h, config.n_kv_heads * h
    table = rotation(config, positions[None]) if variant.positions == "rope" else None
    interleaved = variant.rope_layout == "interleaved"
    x = weights.embedding[tokens]
    if weights.embedding_norm is not None:
        x = _normed(config, weights.embedding_norm, x)
    for number, layer in enumerate(weights.layers):
        normed = _normed(config, layer.attention_norm, x)
        parts = jnp.split(_projected(normed, layer.attention), (n, n + k), axis=-1)
        query, key, value = (part.reshape(1, part.shape[0], -1, h) for part in parts)
        if table is not None:
            query = rotate(query, table, interleaved=interleaved)
            key = rotate(key, table, interleaved=interleaved)
        mixed = attend(number, query[0], key[0], value[0])
        added = _projected(mixed.reshape(x.shape[0], n), layer.output)
        if layer.mlp_norm is None:
            x = x + added + _mlp(config, layer, normed)
        else:
            x = x + added
            x = x + _mlp(config, layer, _normed(config, layer.mlp_norm, x))
    return _normed(config, weights.final_norm, x)


def head(weights: Weights, hidden: Float[Array, "m d"]) -> Float[Array, "m v"]:
    """Float32 logits; ids that no tokenizer has get -1e30."""
    kernel, bias = weights.head
    raw = jnp.matmul(hidden, kernel, preferred_element_type=jnp.float32)
    return raw if bias is None else raw + bias


def prefill(
    config: ModelConfig,
    weights: Weights,
    tokens: Int[Array, "b t"],
    lengths: Int[Array, " b"],
) -> tuple[Float[Array, "b t d"], Cache]:
    """Read texts from their beginning.

    Args:
        config: of the weights.
        weights: as made by `prepare`.
        tokens: padded at the right.
        lengths: how many tokens of each row are real.

    Returns:
        Hidden states, those of padding meaningless, and a cache of `t` slots.
    """
    b, t = tokens.shape
    places = jnp.broadcast_to(jnp.arange(t), (b, t))
    segments = (places < lengths[:, None]).astype(jnp.int32)
    biases = slopes(config.n_heads) if config.variant.positions == "alibi" else None
    keys: list[Array] = []
    values: list[Array] = []

    def attend(layer: int, query: Array, key: Array, value: Array) -> Array:
        q, k, v = (a.reshape(b, t, -1, config.head_dim) for a in (query, key, value))
        keys.append(k.swapaxes(1, 2))
        values.append(v.swapaxes(1, 2))
        return attention(
            q,
            k,
            v,
            segments=segments,
            positions=places,
            slopes=biases,
            implementation=config.attention,
        ).reshape(query.shape)

    hidden = read(config, weights, tokens.reshape(-1), places.reshape(-1), attend)
    return hidden.reshape(b, t, -1), Cache(tuple(keys), tuple(values))
