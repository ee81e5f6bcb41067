"""The model as pure functions of a configuration and a tree of float32 arrays.

`Params` is a plain nested dict with readable names; `jit` sees nothing else of the modules:

    embedding                                   [vocab_size, d_model]
    layers/attention_norm/scale                 [n_layers, d_model]
    layers/attention/{query,key,value}/kernel   [n_layers, d_model, heads · head_dim]
    layers/attention/output/kernel              [n_layers, n_heads · head_dim, d_model]
    layers/mlp_norm/scale                       [n_layers, d_model]
    layers/mlp/{gate,up}/kernel                 [n_layers, d_model, d_ff]
    layers/mlp/down/kernel                      [n_layers, d_ff, d_model]
    final_norm/scale                            [d_model]
    head/kernel                                 [d_model, vocab_size], unless embeddings are tied

Where the block variant or configuration has them: `bias` beside `scale` and `kernel`; `lora_a`
[…, in, rank] and `lora_b` […, rank, out] beside a kernel; embedding_norm; soft_prompt
[soft_prompt, d_model]. A parallel block has no mlp_norm, a GELU one no gate.

Letters: b batch, t time, d model, v vocab.
"""

from __future__ import annotations

import functools
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, Int

from xgen_model.balance import balance, balanced_shards, unbalance
from xgen_model.config import ModelConfig
from xgen_model.decoder import Decoder

__all__ = [
    "Params",
    "abstract_params",
    "create",
    "forward",
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
    *,
    balanced: bool = False,
) -> Float[Array, "b t d"]:
    """Hidden states after the final norm, in the compute dtype.

    Args:
        config: of the parameters.
        params: as made by `create`.
        tokens: ids below `vocab_size`.
        positions: position of each token in its document.
        segment_ids: document of each token, attention stays inside; 0 is padding.
        balanced: time is in the order of `xgen_model.balance` for the active mesh already, and so
            it will be in the result.
    """
    module = _module(config, params)
    shards = balanced_shards(tokens.shape[1])
    if balanced or shards == 1:
        return module(tokens, positions, segment_ids, balanced=balanced)
    tokens, positions, segment_ids = (balance(x, shards) for x in (tokens, positions, segment_ids))
    return unbalance(module(tokens, positions, segment_ids, balanced=True), shards)


def hidden_tokens(config: ModelConfig) -> Float[Array, " v"]:
    """Added to logits: 0 for real ids, -1e30 for the padding rows of the vocabulary."""
    return jnp.where(jnp.arange(config.vocab_size) < config.n_tokens, 0.0, -1e30)


def logits(
    config: ModelConfig, params: Params, hidden: Float[Array, "... d"]
) -> Float[Array, "... v"]:
    """Float32 logits of hidden states; ids that no tokenizer has get -1e30."""
    tied = config.tie_embeddings
    kernel = params["embedding"].T if tied else params["head"]["kernel"]
    raw = jnp.matmul(hidden, kernel.astype(config.dtype), preferred_element_type=jnp.float32)
    if not tied and "bias" in params["head"]:
        raw = raw + params["head"]["bias"]
    return raw if config.n_tokens == config.vocab_size else raw + hidden_tokens(config)
