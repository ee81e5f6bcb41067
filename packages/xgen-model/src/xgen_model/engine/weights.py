"""Parameters as they are read when nothing is trained.

A token that is generated costs about one reading of all weights, so they lie as they are read: each
layer's own arrays (a slice of a stack is a copy), matrices with the same input side by side,
adapters added to their kernels, everything in the compute dtype.

Letters: i and o sizes in and out, d model, v vocab, p soft prompt.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from xgen_model.adapters import merge_lora
from xgen_model.config import ModelConfig
from xgen_model.model import Params, hidden_tokens
from xgen_model.parameters import MergedParameters, ParameterReader, parameter_shapes
from xgen_model.stored_array import whole

__all__ = ["LayerWeights", "Norm", "Projection", "Weights", "load", "prepare"]


class Projection(NamedTuple):
    """`x · kernel + bias`."""

    kernel: Float[Array, "i o"]
    bias: Float[Array, " o"] | None


class Norm(NamedTuple):
    """Scale, and bias where it is a LayerNorm."""

    scale: Float[Array, " d"]
    bias: Float[Array, " d"] | None


class LayerWeights(NamedTuple):
    """One layer.

    Attributes:
        attention_norm: before the attention.
        attention: query, key and value side by side.
        output: of the attention.
        mlp_norm: before the MLP; None in a parallel block.
        inner: gate and up side by side, or up alone.
        down: of the MLP.
    """

    attention_norm: Norm
    attention: Projection
    output: Projection
    mlp_norm: Norm | None
    inner: Projection
    down: Projection


class Weights(NamedTuple):
    """The whole model.

    Attributes:
        embedding: of tokens, then of the soft prompt.
        embedding_norm: None in most variants.
        layers: in order.
        final_norm: after them.
        head: its bias, float32, is -1e30 for ids that no tokenizer has.
    """

    embedding: Float[Array, "v+p d"]
    embedding_norm: Norm | None
    layers: tuple[LayerWeights, ...]
    final_norm: Norm
    head: Projection


def load(reader: ParameterReader) -> Weights:
    """`prepare` from wherever the parameters lie, a layer at a time: the whole is there once only.

    Args:
        reader: of the parameters.

    Raises:
        XgenError: a part is damaged, or holds NaN or infinity; names it.
    """
    reader = MergedParameters(reader)
    config, shapes = reader.config, parameter_shapes(reader.config)

    def tree(names: Sequence[str], first: tuple[slice, ...]) -> Params:
        found: Params = {}
        for name in names:
            *owners, leaf = name.split(".")
            node = found
            for owner in owners:
                node = node.setdefault(owner, {})
            index = (*first, *whole(shapes[name])[len(first) :])
            node[leaf] = jnp.asarray(reader.read(name, index))
        return found

    stacked = [name for name in shapes if name.startswith("layers.")]
    layers = tuple(
        _layer(config, tree(stacked, (slice(i, i + 1),))["layers"], jnp.int32(0))
        for i in range(config.n_layers)
    )
    ends = tree([name for name in shapes if name not in stacked], ())
    return _ends(config, ends)._replace(layers=layers)


def _projection(config: ModelConfig, parts: Sequence[Mapping[str, Array]]) -> Projection:
    kernels = [part["kernel"] for part in parts]
    kernel = kernels[0] if len(kernels) == 1 else jnp.concatenate(kernels, axis=1)
    bias = None
    if any("bias" in part for part in parts):
        bias = jnp.concatenate(
            [
                part.get("bias", jnp.zeros(k.shape[1]))
                for part, k in zip(parts, kernels, strict=True)
            ]
        ).astype(config.dtype)
    return Projection(kernel.astype(config.dtype), bias)


def _norm(leaves: Mapping[str, Array]) -> Norm:
    return Norm(leaves["scale"], leaves.get("bias"))


@functools.partial(jax.jit, static_argnums=0)
def _layer(config: ModelConfig, stacked: Any, number: Array) -> LayerWeights:
    own = jax.tree.map(lambda a: jax.lax.dynamic_index_in_dim(a, number, keepdims=False), stacked)
    attention, mlp = own["attention"], own["mlp"]
    inner = [mlp["gate"], mlp["up"]] if "gate" in mlp else [mlp["up"]]
    return LayerWeights(
        attention_norm=_norm(own["attention_norm"]),
        attention=_projection(config, [attention[n] for n in ("query", "key", "value")]),
        output=_projection(config, [attention["output"]]),
        mlp_norm=_norm(own["mlp_norm"]) if "mlp_norm" in own else None,
        inner=_projection(config, inner),
        down=_projection(config, [mlp["down"]]),
    )


@functools.partial(jax.jit, static_argnums=0)
def _ends(config: ModelConfig, params: Params) -> Weights:
    rows = params["embedding"]
    head = Projection(rows.T.astype(config.dtype), None)
    if not config.tie_embeddings:
        head = _projection(config, [params["head"]])
    bias = None if head.bias is None else head.bias.astype(jnp.float32)
    if config.n_tokens < config.vocab_size:
        bias = hidden_tokens(config) + (0.0 if bias is None else bias)
    if config.soft_prompt:
        rows = jnp.concatenate([rows, params["soft_prompt"]])
    return Weights(
        embedding=rows.astype(config.dtype),
        embedding_norm=_norm(params["embedding_norm"]) if "embedding_norm" in params else None,
        layers=(),
        final_norm=_norm(params["final_norm"]),
        head=head._replace(bias=bias),
    )


def prepare(config: ModelConfig, params: Params) -> Weights:
    """Lay the parameters out for reading; they are copied, and not needed afterwards.

    Args:
        config: of the parameters.
        params: as made by `create`.
    """
    config, params = merge_lora(config, params)
    ends = {name: leaf for name, leaf in params.items() if name != "layers"}
    layers = tuple(
        _layer(config, params["layers"], jnp.int32(number)) for number in range(config.n_layers)
    )
    return _ends(config, ends)._replace(layers=layers)
