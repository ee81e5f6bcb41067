"""Online softmax over blocks, with its own gradient: memory grows with time, not with its square.

The forward pass keeps the output and the logarithm of each query's normaliser; the backward pass
computes the weights again from them, block by block (Dao et al. 2022). Which pairs of blocks hold
anything to see is read off the segments and positions when it runs, so what lies above the
diagonal or in other documents costs nothing, in whatever order the tokens lie.

Queries are the last dim of every block: the five products of the backward pass are then plain
row-major ones, and XLA's CPU matmul is several times slower on transposed ones.

Letters: r rows at a time, t query time, s key time, k kv heads, g query heads of each, h head dim,
c queries or keys of a block, p pairs of blocks.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.ad_checkpoint import checkpoint_name
from jaxtyping import Array, Float, Int

from xgen_model.attention.marks import HIDDEN, RESIDUAL, Marks, Shard, seen
from xgen_model.attention.padding import FILLER, filled
from xgen_model.attention.reference import reference

__all__ = ["chunked"]

_BLOCK = 256
"""Longest block: enough work for each product, and few enough scores for a cache."""
_SHORT = 128
"""Rows up to this are left to the reference: keeping their few scores is quicker."""
_SCORES = 2**19
"""Scores computed at one time, if a row's block has no more: 2 MiB, about a core's cache."""

A = TypeVar("A")


class _How(NamedTuple):
    """What is known when compiling.

    Attributes:
        blocks: lengths of the blocks of queries and of keys.
        aligned: query i and key i are of the same token.
    """

    blocks: tuple[int, int]
    aligned: bool


class _Pairs(NamedTuple):
    """Pairs of blocks, those with something to see first, and how many those are."""

    query: Int[Array, " p"]
    key: Int[Array, " p"]
    needed: Int[Array, ""]


def chunked(
    query: Float[Array, "b k g t h"],
    key: Float[Array, "b k s h"],
    value: Float[Array, "b k s h"],
    marks: Marks,
    slopes: Float[Array, "k g"] | None,
    shard: Shard,
) -> Float[Array, "b k g t h"]:
    """Attend; differentiable once, in reverse mode."""
    t, s = query.shape[3], key.shape[2]
    if s <= _SHORT:
        return reference(query, key, value, marks, slopes, shard)
    c, d = _block(t), _block(s)
    marks = Marks(
        filled(marks.query_segments, 1, c, FILLER),
        filled(marks.key_segments, 1, d, FILLER),
        filled(marks.query_positions, 1, c),
        filled(marks.key_positions, 1, d),
    )
    how = _How((c, d), shard.parts == 1)
    mixed = _attend(how, filled(query, 3, c), filled(key, 2, d), filled(value, 2, d), marks, slopes)
    return mixed[:, :, :, :t]


def _block(time: int) -> int:
    """Blocks of equal length, as few as fit."""
    if time <= _BLOCK:
        return time
    length = -(-time // -(-time // _BLOCK))
    return -(-length // 16) * 16


def _needed(marks: Marks, how: _How) -> _Pairs:
    """The pairs in which some query of some row may see some key.

    A pair is left out if the ranges of its segments do not meet, or meet in one segment whose
    keys all come after its queries. Padding counts as the last segment, where it usually lies.
    """

    def ranges(segments: Array, positions: Array, block: int, last: bool) -> tuple[Array, ...]:
        order = jnp.where(segments > 0, segments, 2**30 - segments)
        order, positions = (x.reshape(x.shape[0], -1, block) for x in (order, positions))
        low, high = jnp.min(order, axis=2), jnp.max(order, axis=2)
        edge = order == (high if last else low)[..., None]
        limit = jnp.iinfo(jnp.int32)
        if last:
            at = jnp.max(jnp.where(edge, positions, limit.min), axis=2)
        else:
            at = jnp.min(jnp.where(edge, positions, limit.max), axis=2)
        return low, high, at

    queries = ranges(marks.query_segments, marks.query_positions, how.blocks[0], True)
    keys = ranges(marks.key_segments, marks.key_positions, how.blocks[1], False)
    low, high, latest = (x[:, :, None] for x in queries)
    key_low, key_high, earliest = (x[:, None, :] for x in keys)
    apart = (high < key_low) | (low > key_high) | ((high == key_low) & (latest < earliest))
    need = jnp.any(~apart, axis=0)
    n, m = need.shape
    every = [(i, j) for i in range(n) for j in range(m) if j <= i or not how.aligned]
    at = np.array(every, np.int32)
    flags = need[at[:, 0], at[:, 1]]
    order = jnp.argsort(~flags, stable=True)
    chosen = jnp.asarray(at)[order]
    return _Pairs(chosen[:, 0], chosen[:, 1], jnp.sum(flags, dtype=jnp.int32))


def _cut(x: Array, index: Array, block: int, dim: int) -> Array:
    return jax.lax.dynamic_slice_in_dim(x, index * block, block, axis=dim)


def _put(x: Array, new: Array, index: Array, block: int, dim: int) -> Array:
    return jax.lax.dynamic_update_slice_in_dim(x, new, index * block, axis=dim)


def _added(x: Array, new: Array, index: Array, block: int, dim: int) -> Array:
    return _put(x, _cut(x, index, block, dim) + new, index, block, dim)


def _matmul(x: Array, y: Array) -> Array:
    return jnp.matmul(x, y, preferred_element_type=jnp.float32)


def _flat(x: Float[Array, "r k g h c"]) -> Float[Array, "r k h gc"]:
    return jnp.swapaxes(x, 2, 3).reshape(*x.shape[:2], x.shape[3], -1)


def _grouped(x: Float[Array, "r k h gc"], g: int) -> Float[Array, "r k g h c"]:
    return jnp.swapaxes(x.reshape(*x.shape[:3], g, -1), 2, 3)


def _scores(
    query: Float[Array, "r k g h c"],
    key: Float[Array, "r k s h"],
    marks: Marks,
    slopes: Float[Array, "k g"] | None,
) -> Float[Array, "r k s g c"]:
    """Of one pair of blocks; hidden ones are `HIDDEN`."""
    r, k, g, _, c = query.shape
    scores = _matmul(key, _flat(query)).reshape(r, k, -1, g, c)
    if slopes is not None:
        distance = marks.query_positions[:, None, :] - marks.key_positions[:, :, None]
        scores -= slopes[:, None, :, None] * distance[:, None, :, None].astype(jnp.float32)
    visible = jnp.swapaxes(seen(marks), 1, 2)
    return jnp.where(visible[:, None, :, None], scores, HIDDEN)


def _of_pair(marks: Marks, i: Array, j: Array, blocks: tuple[int, int]) -> Marks:
    c, d = blocks
    return Marks(
        _cut(marks.query_segments, i, c, 1),
        _cut(marks.key_segments, j, d, 1),
        _cut(marks.query_positions, i, c, 1),
        _cut(marks.key_positions, j, d, 1),
    )


def _rows(how: _How, query: Float[Array, "b k g t h"]) -> int:
    """How many rows to do at one time: the most that keep the scores in cache."""
    batch, k, g = query.shape[:3]
    most = max(1, _SCORES // (k * g * math.prod(how.blocks)))
    return max(r for r in range(1, batch + 1) if batch % r == 0 and r <= most)


def _by_rows(work: Callable[[A], Any], operands: A, rows: int) -> Any:
    """`work` on so many rows at a time, one after the other."""
    batch = jax.tree.leaves(operands)[0].shape[0]
    if rows == batch:
        return work(operands)
    parts = jax.tree.map(lambda x: x.reshape(-1, rows, *x.shape[1:]), operands)
    done = jax.lax.map(work, parts)
    return jax.tree.map(lambda x: x.reshape(batch, *x.shape[2:]), done)


def _forward_rows(
    how: _How,
    slopes: Float[Array, "k g"] | None,
    operands: tuple[Array, Array, Array, Marks],
) -> tuple[Float[Array, "r k g h t"], Float[Array, "r k g t"]]:
    query, key, value, marks = operands
    r, k, g, h, t = query.shape
    c, d = how.blocks
    pairs = _needed(marks, how)

    def step(n: Array, carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        i, j = pairs.query[n], pairs.key[n]
        largest, total, mixed = (_cut(x, i, c, -1) for x in carry)
        scores = _scores(
            _cut(query, i, c, 4), _cut(key, j, d, 2), _of_pair(marks, i, j, how.blocks), slopes
        )
        now = jnp.maximum(largest, jnp.max(scores, axis=2))
        weights = jnp.exp(scores - now[:, :, None])
        shrink = jnp.exp(largest - now)
        total = shrink * total + jnp.sum(weights, axis=2)
        weights = weights.astype(value.dtype).reshape(r, k, d, g * c)
        mixed = shrink[:, :, :, None] * mixed + _grouped(_matmul(_cut(value, j, d, 3), weights), g)
        return (
            _put(carry[0], now, i, c, -1),
            _put(carry[1], total, i, c, -1),
            _put(carry[2], mixed, i, c, -1),
        )

    begin = (
        jnp.full((r, k, g, t), HIDDEN, jnp.float32),
        jnp.zeros((r, k, g, t), jnp.float32),
        jnp.zeros((r, k, g, h, t), jnp.float32),
    )
    largest, total, mixed = jax.lax.fori_loop(0, pairs.needed, step, begin)
    return (mixed / total[:, :, :, None]).astype(query.dtype), largest + jnp.log(total)


def _backward_rows(
    how: _How,
    slopes: Float[Array, "k g"] | None,
    operands: tuple[Array, Array, Array, Marks, Array, Array, Array],
) -> tuple[Float[Array, "r k g h t"], Float[Array, "r k s h"], Float[Array, "r k s h"]]:
    query, key, value, marks, mixed, normaliser, given = operands
    r, k, g, h, _ = query.shape
    c, d = how.blocks
    pairs = _needed(marks, how)
    along = jnp.sum(given.astype(jnp.float32) * mixed.astype(jnp.float32), axis=3)
    key_across = jnp.swapaxes(key, 2, 3)
    query_down, given_down = (jnp.swapaxes(x, 3, 4) for x in (query, given))

    def step(n: Array, carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        i, j = pairs.query[n], pairs.key[n]
        scores = _scores(
            _cut(query, i, c, 4), _cut(key, j, d, 2), _of_pair(marks, i, j, how.blocks), slopes
        )
        weights = jnp.exp(scores - _cut(normaliser, i, c, 3)[:, :, None])
        inner = _matmul(_cut(value, j, d, 2), _flat(_cut(given, i, c, 4))).reshape(scores.shape)
        slope = weights * (inner - _cut(along, i, c, 3)[:, :, None])
        weights, slope = (x.astype(query.dtype).reshape(r, k, d, g * c) for x in (weights, slope))
        here = _cut(given_down, i, c, 3).reshape(r, k, g * c, h)
        asked = _cut(query_down, i, c, 3).reshape(r, k, g * c, h)
        return (
            _added(carry[0], _grouped(_matmul(_cut(key_across, j, d, 3), slope), g), i, c, 4),
            _added(carry[1], _matmul(slope, asked), j, d, 2),
            _added(carry[2], _matmul(weights, here), j, d, 2),
        )

    begin = (
        jnp.zeros(query.shape, jnp.float32),
        jnp.zeros(key.shape, jnp.float32),
        jnp.zeros(value.shape, jnp.float32),
    )
    found = jax.lax.fori_loop(0, pairs.needed, step, begin)
    return (
        found[0].astype(query.dtype),
        found[1].astype(key.dtype),
        found[2].astype(value.dtype),
    )


def _primal(
    how: _How,
    query: Float[Array, "b k g t h"],
    key: Float[Array, "b k s h"],
    value: Float[Array, "b k s h"],
    marks: Marks,
    slopes: Float[Array, "k g"] | None,
) -> Float[Array, "b k g t h"]:
    return _forward(how, query, key, value, marks, slopes)[0]


def _forward(
    how: _How, query: Array, key: Array, value: Array, marks: Marks, slopes: Array | None
) -> tuple[Array, tuple[Any, ...]]:
    operands = (jnp.swapaxes(query, 3, 4), key, jnp.swapaxes(value, 2, 3), marks)
    rows = _rows(how, query)
    mixed, normaliser = (
        checkpoint_name(x, RESIDUAL)
        for x in _by_rows(functools.partial(_forward_rows, how, slopes), operands, rows)
    )
    return jnp.swapaxes(mixed, 3, 4), (query, key, value, marks, slopes, mixed, normaliser)


def _backward(
    how: _How, kept: tuple[Any, ...], given: Float[Array, "b k g t h"]
) -> tuple[Array | None, ...]:
    query, key, value, marks, slopes, mixed, normaliser = kept
    across, given = jnp.swapaxes(query, 3, 4), jnp.swapaxes(given, 3, 4)
    operands = (across, key, value, marks, mixed, normaliser, given)
    rows = _rows(how, query)
    for_query, for_key, for_value = _by_rows(
        functools.partial(_backward_rows, how, slopes), operands, rows
    )
    return jnp.swapaxes(for_query, 3, 4), for_key, for_value, None, None


_attend = jax.custom_vjp(_primal, nondiff_argnums=(0,))
_attend.defvjp(_forward, _backward)
