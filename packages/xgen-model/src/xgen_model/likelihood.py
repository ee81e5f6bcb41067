"""Log-likelihoods of target ids under the output matrix, through the vocabulary in blocks.

All logits never exist at once: a block of ids is multiplied, taken into the running normaliser, and
in the backward pass multiplied again. On a mesh each device works on its own tokens. Of the matrix,
which is split over `fsdp`, a block is collected when it is used, in the compute dtype, and its
gradient, which is complete then, is handed back at once: nobody holds the whole matrix or its
gradient. The vocabulary that is split over `tensor` stays so.

Letters: b batch, t time, n = b·t tokens, d model, v vocab, w ids of a block.
"""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.sharding import PartitionSpec
from jaxtyping import Array, Bool, Float, Int

from xgen_model.attention.marks import HIDDEN
from xgen_model.mesh import alone, partition

__all__ = ["Likelihood", "likelihood"]

_LANES = 128
"""Ids of a block are a multiple of this, where the vocabulary is large enough."""


class Likelihood(NamedTuple):
    """Of each token's target, in float32.

    Attributes:
        logprob: its log-probability, in nats.
        log_z: logarithm of the normaliser.
        greedy: whether it was the likeliest id (the lowest of several).
    """

    logprob: Float[Array, "b t"]
    log_z: Float[Array, "b t"]
    greedy: Bool[Array, "b t"]


class _Layout(NamedTuple):
    """What does not depend on values: real ids, tokens' worth of logits, and mesh axes."""

    n_tokens: int
    chunk: int
    rows: Any
    time: Any
    embed: str | None
    vocab: str | None

    @property
    def token_axes(self) -> tuple[str, ...]:
        """Mesh axes along which devices hold different tokens."""
        parts = (p if isinstance(p, tuple) else (p,) for p in (self.rows, self.time) if p)
        return tuple(axis for part in parts for axis in part)


class _Blocks(NamedTuple):
    """One device's part of the vocabulary in blocks, the last one filled up."""

    layout: _Layout
    kernel: Float[Array, "d v"]
    bias: Float[Array, " v"] | None
    ids: int
    width: int
    count: int

    @classmethod
    def cut(
        cls, layout: _Layout, kernel: Array, bias: Array | None, dtype: Any, tokens: int
    ) -> _Blocks:
        ids = kernel.shape[1]
        count = 1 if layout.chunk == 0 else math.ceil(tokens / layout.chunk)
        lanes = _LANES if ids >= count * _LANES else 1
        width = math.ceil(math.ceil(ids / count) / lanes) * lanes
        count = math.ceil(ids / width)
        short = 0 if count == 1 else count * width - ids
        width = ids if count == 1 else width
        kernel = jnp.pad(kernel.astype(dtype), ((0, 0), (0, short)))
        return cls(
            layout, kernel, None if bias is None else jnp.pad(bias, (0, short)), ids, width, count
        )

    def columns(self, number: Int[Array, ""] | int) -> Float[Array, "d w"]:
        """A block of the matrix, all of its rows."""
        part = jax.lax.dynamic_slice_in_dim(self.kernel, number * self.width, self.width, 1)
        if self.layout.embed is None:
            return part
        return jax.lax.all_gather(part, self.layout.embed, axis=0, tiled=True)

    def numbers(self, number: Int[Array, ""] | int) -> Int[Array, " w"]:
        """The ids of a block; -1 for what fills up the last one."""
        place = number * self.width + jnp.arange(self.width)
        first = 0
        if self.layout.vocab is not None:
            first = jax.lax.axis_index(self.layout.vocab) * self.ids
        return jnp.where(place < self.ids, place + first, -1)

    def logits(
        self, x: Float[Array, "n d"], columns: Float[Array, "d w"], number: Int[Array, ""] | int
    ) -> Float[Array, "n w"]:
        """Float32 logits of a block."""
        raw = jnp.matmul(x, columns, preferred_element_type=jnp.float32)
        if self.bias is not None:
            raw += jax.lax.dynamic_slice_in_dim(self.bias, number * self.width, self.width)
        ids = self.numbers(number)
        return jnp.where((ids >= 0) & (ids < self.layout.n_tokens), raw, HIDDEN)


def likelihood(
    hidden: Float[Array, "b t d"],
    kernel: Float[Array, "d v"],
    bias: Float[Array, " v"] | None,
    targets: Int[Array, "b t"],
    *,
    n_tokens: int,
    chunk: int,
) -> Likelihood:
    """Score targets; differentiable once, in reverse, by all but the targets.

    Args:
        hidden: final hidden states, in the compute dtype.
        kernel: output matrix, float32.
        bias: of the logits, or None.
        targets: ids.
        n_tokens: ids from this one on are padding of the vocabulary, which nothing is said by.
        chunk: at one time there are `chunk · v` logits on a device; 0 means all.
    """
    rows = time = embed = vocab = None
    if not alone():
        sizes = jax.sharding.get_abstract_mesh().shape
        rows, time = partition(("batch", "time"), targets.shape, sizes)
        embed, vocab = partition(("embed", "vocab"), kernel.shape, sizes)
    return _likelihood(
        _Layout(n_tokens, chunk, rows, time, embed, vocab), hidden, kernel, bias, targets
    )


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _likelihood(
    layout: _Layout, hidden: Array, kernel: Array, bias: Array | None, targets: Array
) -> Likelihood:
    return _forward(layout, hidden, kernel, bias, targets)[0]


def _forward(
    layout: _Layout, hidden: Array, kernel: Array, bias: Array | None, targets: Array
) -> tuple[Likelihood, Any]:
    tokens, logits = PartitionSpec(layout.rows, layout.time), _specs(layout)[0]
    found, kept = _on_devices(
        functools.partial(_score, layout),
        layout,
        (hidden, kernel, bias, targets),
        (Likelihood(tokens, tokens, tokens), logits),
    )
    return found, (hidden, kernel, bias, targets, found.log_z, kept)


def _backward(layout: _Layout, saved: Any, cotangents: Likelihood) -> tuple[Any, Any, Any, None]:
    hidden, kernel, bias, targets, log_z, kept = saved
    _, states, matrix, vector, _ = _specs(layout)
    found = _on_devices(
        functools.partial(_gradients, layout),
        layout,
        (hidden, kernel, bias, targets, log_z, kept, cotangents.logprob, cotangents.log_z),
        (states, matrix, vector),
    )
    return *found, None


_likelihood.defvjp(_forward, _backward)


def _specs(layout: _Layout) -> tuple[PartitionSpec, ...]:
    """Of logits, hidden states, matrix, bias, and figures of tokens."""
    rows, time = layout.rows, layout.time
    return (
        PartitionSpec(rows, time, layout.vocab),
        PartitionSpec(rows, time, None),
        PartitionSpec(layout.embed, layout.vocab),
        PartitionSpec(layout.vocab),
        PartitionSpec(rows, time),
    )


def _on_devices(function: Any, layout: _Layout, arrays: tuple[Any, ...], out: Any) -> Any:
    """The function of what each device holds; of everything, where there is no mesh."""
    if alone():
        return function(*arrays)
    logits, states, matrix, vector, tokens = _specs(layout)
    places = (states, matrix, vector, tokens, tokens, logits, tokens, tokens)
    # sums over an axis are written out below, so what varies over which need not be followed
    mapped = jax.shard_map(function, in_specs=places[: len(arrays)], out_specs=out, check_vma=False)
    return mapped(*arrays)


def _score(
    layout: _Layout, hidden: Array, kernel: Array, bias: Array | None, targets: Array
) -> tuple[Likelihood, Array | None]:
    x, wanted = hidden.reshape(-1, hidden.shape[-1]), targets.reshape(-1)
    blocks = _Blocks.cut(layout, kernel, bias, x.dtype, len(wanted))

    def take(carry: tuple[Array, ...], number: Any) -> tuple[tuple[Array, ...], Array]:
        highest, total, chosen, best = carry
        values = blocks.logits(x, blocks.columns(number), number)
        ids = blocks.numbers(number)
        here = jnp.max(values, axis=-1)
        above = jnp.maximum(highest, here)
        total = total * jnp.exp(highest - above)
        total += jnp.sum(jnp.exp(values - above[:, None]), axis=-1)
        # a comparison fuses with its neighbours; a gather does not
        chosen += jnp.sum(jnp.where(ids == wanted[:, None], values, 0.0), axis=-1)
        best = jnp.where(here > highest, ids[jnp.argmax(values, axis=-1)], best)
        return (above, total, chosen, best), values

    zeros = jnp.zeros(wanted.shape, jnp.float32)
    carry = (zeros + 2 * HIDDEN, zeros, zeros, wanted * 0 - 1)
    kept = None
    if blocks.count == 1:
        carry, values = take(carry, 0)
        kept = values.reshape(*targets.shape, -1)
    else:
        carry, _ = jax.lax.scan(lambda c, i: (take(c, i)[0], None), carry, jnp.arange(blocks.count))
    highest, total, chosen, best = carry
    if layout.vocab is not None:
        mine, highest = highest, jax.lax.pmax(highest, layout.vocab)
        total = jax.lax.psum(total * jnp.exp(mine - highest), layout.vocab)
        chosen = jax.lax.psum(chosen, layout.vocab)
        last = jnp.iinfo(best.dtype).max
        best = jax.lax.pmin(jnp.where(mine == highest, best, last), layout.vocab)
    log_z = jnp.log(total) + highest
    found = (chosen - log_z, log_z, best == wanted)
    return Likelihood(*(a.reshape(targets.shape) for a in found)), kept


def _gradients(
    layout: _Layout,
    hidden: Array,
    kernel: Array,
    bias: Array | None,
    targets: Array,
    log_z: Array,
    kept: Array | None,
    by_logprob: Array,
    by_log_z: Array,
) -> tuple[Array, Array, Array | None]:
    x, wanted = hidden.reshape(-1, hidden.shape[-1]), targets.reshape(-1)
    log_z, by_logprob, by_log_z = (a.reshape(-1, 1) for a in (log_z, by_logprob, by_log_z))
    blocks = _Blocks.cut(layout, kernel, bias, x.dtype, len(wanted))

    def give(number: Any, values: Array | None) -> tuple[Array, Array, Array | None]:
        columns = blocks.columns(number)
        if values is None:
            values = blocks.logits(x, columns, number)
        target = blocks.numbers(number) == wanted[:, None]
        slope = jnp.exp(values - log_z) * (by_log_z - by_logprob)
        slope = jnp.where(target, slope + by_logprob, slope)
        narrow = slope.astype(x.dtype)
        by_x = jnp.matmul(narrow, columns.T, preferred_element_type=jnp.float32)
        by_columns = jnp.matmul(x.T, narrow, preferred_element_type=jnp.float32)
        by_bias = None if bias is None else jax.lax.psum(jnp.sum(slope, 0), layout.token_axes)
        return by_x, _handed_back(layout, by_columns), by_bias

    if blocks.count == 1:
        values = None if kept is None else kept.reshape(len(wanted), -1)
        by_x, by_kernel, by_bias = give(0, values)
    else:

        def step(total: Array, number: Array) -> tuple[Array, tuple[Array, Array | None]]:
            by_x, *rest = give(number, None)
            return total + by_x, tuple(rest)

        by_x, (by_kernel, by_bias) = jax.lax.scan(
            step, jnp.zeros(x.shape, jnp.float32), jnp.arange(blocks.count)
        )
        by_kernel = jnp.moveaxis(by_kernel, 0, 1).reshape(len(kernel), -1)[:, : blocks.ids]
        by_bias = None if by_bias is None else by_bias.reshape(-1)[: blocks.ids]
    if layout.vocab is not None:
        by_x = jax.lax.psum(by_x, layout.vocab)
    return by_x.astype(x.dtype).reshape(hidden.shape), by_kernel, by_bias


def _handed_back(layout: _Layout, gradient: Float[Array, "d w"]) -> Float[Array, "_ w"]:
    """Summed over all tokens, and of that the rows that this device keeps."""
    axis = layout.embed
    gradient = jax.lax.psum(gradient, tuple(a for a in layout.token_axes if a != axis))
    if axis is None:
        return gradient
    if axis in layout.token_axes:
        return jax.lax.psum_scatter(gradient, axis, scatter_dimension=0, tiled=True)
    rows = len(gradient) // jax.lax.axis_size(axis)
    return jax.lax.dynamic_slice_in_dim(gradient, jax.lax.axis_index(axis) * rows, rows, 0)
