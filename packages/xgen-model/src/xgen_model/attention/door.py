"""The one function that the model calls, and the table of what can stand behind it.

A query sees a key of the same segment whose position is not after its own. Padding is segment 0 and
sees only padding, so every query sees at least itself and no row of the softmax is empty.

    name        where      memory    what it cannot do
    reference   anywhere   t · s     nothing; it is the definition
    chunked     anywhere   t         forward-mode and second derivatives
    splash      TPU        t         linear biases
    cudnn       GPU        t² bits   linear biases, float32, head dims beyond 128

Letters: b batch, t time, n heads, k kv heads, g = n / k, h head dim.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from xgen_model.attention.chunked import chunked
from xgen_model.attention.cudnn import cudnn, cudnn_refusal
from xgen_model.attention.marks import Implementation, Marks
from xgen_model.attention.parallel import spread
from xgen_model.attention.reference import reference
from xgen_model.attention.splash import splash, splash_refusal
from xgen_model.mesh import platform

__all__ = ["IMPLEMENTATIONS", "attention"]

IMPLEMENTATIONS: Mapping[str, Implementation] = MappingProxyType(
    {"reference": reference, "chunked": chunked, "splash": splash, "cudnn": cudnn}
)
"""By the name that `ModelConfig.attention` takes; `auto` is not in it."""


def attention(
    query: Float[Array, "b t n h"],
    key: Float[Array, "b t k h"],
    value: Float[Array, "b t k h"],
    *,
    segments: Int[Array, "b t"],
    positions: Int[Array, "b t"],
    slopes: Float[np.ndarray, " n"] | None = None,
    balanced: bool = False,
    implementation: str | Implementation = "auto",
) -> Float[Array, "b t n h"]:
    """Causal attention of tokens among themselves, inside segments; the softmax is float32.

    Under `jax.set_mesh` it runs split over all axes of the mesh, see `attention.parallel`.

    Args:
        query: `n` heads, a multiple of the `k` of `key` and `value`; rotary positions applied.
        key: keys.
        value: values.
        segments: document of each token; 0 is padding.
        positions: position of each token in its document, in the order of the row.
        slopes: of linear biases: a score loses slope · (query position - key position).
        balanced: the active mesh has a `sequence` axis, and time is in the order of
            `xgen_model.balance` for it.
        implementation: a name in `IMPLEMENTATIONS`; a function like those in it; or `auto`, which
            is the kernel of the devices compiled for (those of the active mesh, else the default
            ones) where there is one that can, and else `chunked`.

    Raises:
        ValueError: no such implementation, or it cannot do this; the message says why.
    """
    b, t, n, h = query.shape
    k = key.shape[2]
    scaled = (query * h**-0.5).reshape(b, t, k, n // k, h).transpose(0, 2, 3, 1, 4)
    biases = None if slopes is None else jnp.asarray(slopes).reshape(k, n // k)
    chosen = _named(implementation, scaled, biases)
    key, value = key.transpose(0, 2, 1, 3), value.transpose(0, 2, 1, 3)
    marks = Marks(segments, segments, positions, positions)
    mixed = spread(chosen, scaled, key, value, marks, biases, balanced=balanced)
    return mixed.transpose(0, 3, 1, 2, 4).reshape(b, t, n, h)


def _named(
    implementation: str | Implementation,
    query: Float[Array, "b k g t h"],
    slopes: Float[Array, "k g"] | None,
) -> Implementation:
    if not isinstance(implementation, str):
        return implementation
    if implementation == "auto":
        return _automatic(query, slopes)
    if implementation not in IMPLEMENTATIONS:
        known = ", ".join(("auto", *IMPLEMENTATIONS))
        raise ValueError(f"no attention implementation {implementation!r}; known: {known}")
    return IMPLEMENTATIONS[implementation]


def _automatic(
    query: Float[Array, "b k g t h"], slopes: Float[Array, "k g"] | None
) -> Implementation:
    target = platform()
    if target == "gpu" and not cudnn_refusal(query, slopes):
        return cudnn
    if target == "tpu" and not splash_refusal(slopes):
        return splash
    return chunked
