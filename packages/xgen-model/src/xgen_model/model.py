"""The model as pure functions of a configuration and a tree of float32 arrays.

`Params` is a plain nested dict with readable names; `jit` sees nothing else of the modules:

    embedding                              [vocab_size, d_model]
    layers/attention_norm/scale            [n_layers, d_model]
    layers/attention/{query,key,value}     [n_layers, d_model, heads · head_dim]
    layers/attention/output                [n_layers, n_heads · head_dim, d_model]
    layers/mlp_norm/scale                  [n_layers, d_model]
    layers/mlp/{gate,up}                   [n_layers, d_model, d_ff]
    layers/mlp/down                        [n_layers, d_ff, d_model]
    final_norm/scale                       [d_model]
    output                                 [d_model, vocab_size], unless embeddings are tied

Letters: b batch, t time, d model, v vocab.
"""

from __future__ import annotations

import functools
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, Int

from xgen_model.config import ModelConfig
from xgen_model.decoder import Cache, Decoder

__all__ = [
    "Params",
    "abstract_params",
    "create",
    "empty_cache",
    "extend",
    "forward",
    "head",
    "hidden_tokens",
    "logits",
]

Params: TypeAlias = dict[str, Any]
"""Nested dict of float32 arrays; see the module's table."""


@functools.lru_cache(maxsize=32)
def _graph(config: ModelConfig) -> tuple[nnx.GraphDef[Decoder], Params]:
    shapes = nnx.eval_shape(lambda: Decoder(config, jax.random.key(0)))
    graph, state = nnx.split(shapes)
    return graph, nnx.to_pure_dict(state)


def _module(config: ModelConfig, params: Params) -> Decoder:
    return nnx.merge(_graph(config)[0], params)


def abstract_params(config: ModelConfig) -> Params:
    """The tree that `create` makes, with shapes and dtypes in place of arrays."""
    return _graph(config)[1]


def create(config: ModelConfig, seed: int, *, shardings: Any = None) -> Params:
    """Fresh parameters; the same for every sharding.

    Args:
        config: what to make.
        seed: of the initial values.
        shardings: a tree parallel to the parameters (`xgen_model.sharding.shardings`): each
            device then makes only its own part.
    """
    # The key is an argument, so that the compiler does not fold the whole model into constants.
    rng = jax.random.key(seed)
    if shardings is None:
        return _make(config, rng)
    return jax.jit(functools.partial(_make, config), out_shardings=shardings)(rng)


@functools.partial(jax.jit, static_argnums=0)
def _make(config: ModelConfig, rng: Array) -> Params:
    return nnx.to_pure_dict(nnx.state(Decoder(config, rng)))


def forward(
    config: ModelConfig,
    params: Params,
    tokens: Int[Array, "b t"],
    positions: Int[Array, "b t"],
    segment_ids: Int[Array, "b t"],
) -> Float[Array, "b t d"]:
    """Hidden states after the final norm, in the compute dtype.

    Args:
        config: of the parameters.
        params: as made by `create`.
        tokens: ids below `vocab_size`.
        positions: position of each token in its document.
        segment_ids: document of each token, attention stays inside; 0 is padding.
    """
    return _module(config, params)(tokens, positions, segment_ids)[0]


def empty_cache(config: ModelConfig, batch: int, slots: int) -> Cache:
    """A cache for `batch` rows of `slots` tokens, all of them padding."""
    shape = (config.n_layers, batch, slots, config.n_kv_heads, config.head_dim)
    return Cache(
        key=jnp.zeros(shape, config.dtype),
        value=jnp.zeros(shape, config.dtype),
        segments=jnp.zeros((batch, slots), jnp.int32),
    )


def extend(
    config: ModelConfig,
    params: Params,
    tokens: Int[Array, "b t"],
    positions: Int[Array, "b t"],
    segment_ids: Int[Array, "b t"],
    cache: Cache,
    offset: Int[Array, ""] | int,
) -> tuple[Float[Array, "b t d"], Cache]:
    """Hidden states of tokens that follow those in the cache, and the cache with them entered.

    Args:
        config: of the parameters.
        params: as made by `create`.
        tokens: ids below `vocab_size`.
        positions: position of each token in its document.
        segment_ids: document of each token; 0 is padding.
        cache: from `empty_cache` or an earlier call.
        offset: slots in use. The Python int 0 for the first call (a prefill: nothing is read
            back from the cache); an array otherwise.
    """
    hidden, cache_out = _module(config, params)(tokens, positions, segment_ids, cache, offset)
    if cache_out is None:
        raise AssertionError("a decoder given a cache returns one")
    return hidden, cache_out


def head(config: ModelConfig, params: Params) -> Float[Array, "d v"]:
    """The matrix from hidden states to logits, in the compute dtype."""
    kernel = params["embedding"].T if config.tie_embeddings else params["output"]
    return kernel.astype(config.dtype)


def hidden_tokens(config: ModelConfig) -> Float[Array, " v"]:
    """Added to logits: 0 for real ids, -1e30 for the padding rows of the vocabulary."""
    return jnp.where(jnp.arange(config.vocab_size) < config.n_tokens, 0.0, -1e30)


def logits(
    config: ModelConfig, params: Params, hidden: Float[Array, "... d"]
) -> Float[Array, "... v"]:
    """Float32 logits of hidden states; ids that no tokenizer has get -1e30."""
    raw = jnp.matmul(hidden, head(config, params), preferred_element_type=jnp.float32)
    return raw if config.n_tokens == config.vocab_size else raw + hidden_tokens(config)
