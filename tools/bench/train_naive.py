"""The plain side of `train.py`: a Llama as one writes it in JAX first, trained with optax.

    train_naive.py START.npz

A scan over layers; einsum attention with a mask over all pairs; optax's loss on all logits; one
optax chain. Nothing of ours is imported.
"""

from __future__ import annotations

import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array
from train_side import BETAS, CLIP, DECAY, EPSILON, RATE, SIZES, load, serve

HEADS = SIZES["heads"]


def norm(x: Array, scale: Array) -> Array:
    """RMSNorm."""
    return x * jax.lax.rsqrt(jnp.mean(x**2, axis=-1, keepdims=True) + 1e-6) * scale


def rotate(x: Array) -> Array:
    """Rotary positions of `[b, t, n, h]`, in halves."""
    half = x.shape[-1] // 2
    frequencies = 10_000.0 ** (-jnp.arange(half) / half)
    angles = jnp.arange(x.shape[1])[:, None] * frequencies
    cos, sin = jnp.cos(angles)[None, :, None], jnp.sin(angles)[None, :, None]
    first, second = jnp.split(x, 2, axis=-1)
    return jnp.concatenate([first * cos - second * sin, second * cos + first * sin], axis=-1)


def block(x: Array, weights: dict[str, Array]) -> tuple[Array, None]:
    """One layer."""
    b, t, d = x.shape
    normed = norm(x, weights["attention_norm.scale"])
    q, k, v = (
        (normed @ weights[f"attention.{name}.kernel"]).reshape(b, t, HEADS, -1)
        for name in ("query", "key", "value")
    )
    scores = jnp.einsum("btnh,bsnh->bnts", rotate(q), rotate(k)) * (d // HEADS) ** -0.5
    mask = jnp.tril(jnp.ones((t, t), bool))
    shares = jax.nn.softmax(jnp.asarray(jnp.where(mask, scores, -1e30)), axis=-1)
    mixed = jnp.einsum("bnts,bsnh->btnh", shares, v).reshape(b, t, d)
    x = x + mixed @ weights["attention.output.kernel"]
    normed = norm(x, weights["mlp_norm.scale"])
    inner = jax.nn.silu(normed @ weights["mlp.gate.kernel"]) * (normed @ weights["mlp.up.kernel"])
    return x + inner @ weights["mlp.down.kernel"], None


def loss(params: dict[str, Any], ids: Array) -> Array:
    """Mean over all tokens."""
    x = params["embedding"][ids[:, :-1]]
    layers = {n.removeprefix("layers."): a for n, a in params.items() if n.startswith("layers.")}
    x, _ = jax.lax.scan(block, x, layers)
    logits = norm(x, params["final_norm.scale"]) @ params["head.kernel"]
    return jnp.mean(optax.softmax_cross_entropy_with_integer_labels(logits, ids[:, 1:]))


def main() -> None:
    """Train on demand."""
    ids, arrays = load(sys.argv[1])
    params = {name: jnp.asarray(array) for name, array in arrays.items()}
    optimizer = optax.chain(
        optax.clip_by_global_norm(CLIP),
        optax.adamw(
            RATE,
            b1=BETAS[0],
            b2=BETAS[1],
            eps=EPSILON,
            weight_decay=DECAY,
            mask={name: "norm" not in name for name in params},
        ),
    )
    tokens = jnp.asarray(ids)

    def update(params: Any, state: Any) -> tuple[Any, Any, Array]:
        value, gradients = jax.value_and_grad(loss)(params, tokens)
        updates, state = optimizer.update(gradients, state, params)
        return optax.apply_updates(params, updates), state, value

    train = jax.jit(update, donate_argnums=(0, 1))
    state = optimizer.init(params)

    def step() -> float:
        nonlocal params, state
        params, state, value = train(params, state)
        jax.block_until_ready((params, state))
        return float(value)

    serve({"jax": jax.__version__, "numpy": np.__version__}, step)


if __name__ == "__main__":
    main()
