"""The decoder as Flax NNX modules: embedding, `n_layers` times the same block, final norm.

What a block is stands in `xgen_model.blocks`; Llama's is

    x → x + attention(norm(x)) → x + mlp(norm(x))

Parameters of all layers are stacked on a leading axis, whether the layers are compiled as one scan
or one by one, so weights do not depend on that choice.

Generation and scoring go through `xgen_model.engine`, which has the same layers with a cache.

Letters: b batch, t time, d model, n heads, k kv heads, h head dim, f ffn, v vocab.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jax.ad_checkpoint import checkpoint_name
from jaxtyping import Array, Float, Int

from xgen_model.alibi import slopes
from xgen_model.attention import attention
from xgen_model.config import ModelConfig
from xgen_model.embedding import embed
from xgen_model.linear import Linear, normal, project
from xgen_model.mesh import constrain
from xgen_model.norm import make_norm
from xgen_model.remat import KEPT_OF_ATTENTION, rematerialised
from xgen_model.rope import Rotation, rotate, rotation

__all__ = ["Decoder"]


class _Reading(NamedTuple):
    """What every layer needs to know about the tokens."""

    rotation: Rotation | None
    segments: Int[Array, "b t"]
    positions: Int[Array, "b t"]
    balanced: bool


class Attention(nnx.Module):
    """Self-attention; kernels map `[in, out]`, heads adjacent in `out`."""

    def __init__(self, config: ModelConfig, rng: Array) -> None:
        rngs = jax.random.split(rng, 4)
        d, h = config.d_model, config.head_dim
        n, k = config.n_heads * h, config.n_kv_heads * h
        self.config = config
        self.query = Linear(config, "query", (d, n), rngs[0])
        self.key = Linear(config, "key", (d, k), rngs[1])
        self.value = Linear(config, "value", (d, k), rngs[2])
        self.output = Linear(config, "output", (n, d), rngs[3], (2 * config.n_layers) ** -0.5)

    def __call__(self, x: Float[Array, "b t d"], reading: _Reading) -> Float[Array, "b t d"]:
        """Attend among the tokens given."""
        b, t, _ = x.shape
        variant = self.config.variant
        q, k, v = (
            constrain(a.reshape(b, t, -1, self.config.head_dim), "batch", "time", name, None)
            for a, name in zip(
                project(x, (self.query, self.key, self.value)),
                ("heads", "kv_heads", "kv_heads"),
                strict=True,
            )
        )
        if reading.rotation is not None:
            interleaved = variant.rope_layout == "interleaved"
            q = rotate(q, reading.rotation, interleaved=interleaved)
            k = rotate(k, reading.rotation, interleaved=interleaved)
        q, k, v = map(checkpoint_name, (q, k, v), KEPT_OF_ATTENTION[:3])
        mixed = attention(
            q,
            k,
            v,
            segments=reading.segments,
            positions=reading.positions,
            slopes=slopes(self.config.n_heads) if variant.positions == "alibi" else None,
            balanced=reading.balanced,
            implementation=self.config.attention,
        )
        mixed = checkpoint_name(mixed.reshape(b, t, -1), KEPT_OF_ATTENTION[3])
        return self.output(mixed)


class MLP(nnx.Module):
    """SwiGLU, `(silu(x · gate) * (x · up)) · down`, or GELU, `gelu(x · up) · down`."""

    def __init__(self, config: ModelConfig, rng: Array) -> None:
        rngs = jax.random.split(rng, 3)
        d, f = config.d_model, config.d_ff
        self.gated = config.variant.mlp == "swiglu"
        if self.gated:
            self.gate = Linear(config, "gate", (d, f), rngs[0])
        self.up = Linear(config, "up", (d, f), rngs[1])
        self.down = Linear(config, "down", (f, d), rngs[2], (2 * config.n_layers) ** -0.5)

    def __call__(self, x: Float[Array, "b t d"]) -> Float[Array, "b t d"]:
        """Apply to every token."""
        if self.gated:
            gate, up = project(x, (self.gate, self.up))
            inner = jax.nn.silu(gate) * up
        else:
            inner = jax.nn.gelu(self.up(x), approximate=True)
        return self.down(constrain(inner, "batch", "time", "ffn"))


class Block(nnx.Module):
    """One layer: attention and MLP, each added to the stream."""

    def __init__(self, config: ModelConfig, rng: Array) -> None:
        first, second = jax.random.split(rng)
        self.parallel = config.variant.residual == "parallel"
        self.attention_norm = make_norm(config)
        self.attention = Attention(config, first)
        if not self.parallel:
            self.mlp_norm = make_norm(config)
        self.mlp = MLP(config, second)

    def __call__(self, x: Float[Array, "b t d"], reading: _Reading) -> Float[Array, "b t d"]:
        """Apply the layer."""
        normed = self.attention_norm(x)
        added = self.attention(normed, reading)
        if self.parallel:
            x = x + added + self.mlp(normed)
        else:
            x = x + added
            x = x + self.mlp(self.mlp_norm(x))
        return constrain(x, "batch", "time", "embed_activation")


class Decoder(nnx.Module):
    """The whole model.

    Initial values: normal with standard deviation 0.02, the matrices that write to the residual
    stream divided by sqrt(2 · n_layers) as in GPT-2. That is our choice; XGen's is not known.
    """

    def __init__(self, config: ModelConfig, rng: Array) -> None:
        first, second, third = jax.random.split(rng, 3)
        self.config = config
        self.embedding = normal(first, (config.vocab_size, config.d_model))
        if config.soft_prompt:
            virtual = (config.soft_prompt, config.d_model)
            self.soft_prompt = normal(jax.random.fold_in(first, 1), virtual)
        if config.variant.embedding_norm:
            self.embedding_norm = make_norm(config)
        rngs = jax.random.split(second, config.n_layers)
        self.layers = nnx.vmap(lambda rng: Block(config, rng))(rngs)
        self.final_norm = make_norm(config)
        if not config.tie_embeddings:
            self.head = Linear(config, "head", (config.d_model, config.vocab_size), third)

    def __call__(
        self,
        tokens: Int[Array, "b t"],
        positions: Int[Array, "b t"],
        segment_ids: Int[Array, "b t"],
        *,
        balanced: bool = False,
    ) -> Float[Array, "b t d"]:
        """Hidden states after the final norm.

        Args:
            tokens: ids; those from `vocab_size` on are the soft prompt's.
            positions: position of each token in its document.
            segment_ids: document of each token; 0 is padding.
            balanced: time is in the order of `xgen_model.balance` for the active mesh.
        """
        config = self.config
        table = rotation(config, positions) if config.variant.positions == "rope" else None
        reading = _Reading(table, segment_ids, positions, balanced)
        return self.final_norm(self._run_layers(self._embed(tokens), reading))

    def _embed(self, tokens: Int[Array, "b t"]) -> Float[Array, "b t d"]:
        config = self.config
        x = embed(self.embedding[...], jnp.minimum(tokens, config.vocab_size - 1), config.dtype)
        if config.soft_prompt:
            virtual = tokens - config.vocab_size
            rows = self.soft_prompt[...][jnp.maximum(virtual, 0)].astype(config.dtype)
            x = jnp.where(virtual[..., None] >= 0, rows, x)
        if config.variant.embedding_norm:
            x = self.embedding_norm(x)
        return constrain(x, "batch", "time", "embed_activation")

    def _run_layers(self, x: Float[Array, "b t d"], reading: _Reading) -> Float[Array, "b t d"]:
        config = self.config
        graph, stacked = nnx.split(self.layers)

        def layer(x: Float[Array, "b t d"], weights: nnx.State) -> Float[Array, "b t d"]:
            return nnx.merge(graph, weights)(x, reading)

        apply = rematerialised(layer, config.remat, scanned=config.scan_layers)
        if not config.scan_layers:
            for number in range(config.n_layers):
                x = apply(x, jax.tree.map(lambda a, at=number: a[at], stacked))
            return x

        def step(
            x: Float[Array, "b t d"], weights: nnx.State
        ) -> tuple[Float[Array, "b t d"], None]:
            return apply(x, weights), None

        return jax.lax.scan(step, x, stacked)[0]
