"""Rows that generate together: each joins when it is there, and leaves when it is done.

A step is: pick a token from each row's logits, read it, keep the new logits. Many steps run in one
compiled loop; the cache goes in and comes out of it in place. There is always the same number of
rows, used or not, so that a row's numbers are its own affair. While few are used only those are
read: matrix products of fewer rows are quicker, where it is seen that they give the same numbers.

Letters: b rows, t prompt time, v vocab, c steps, s slots.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from xgen_model.config import ModelConfig
from xgen_model.engine.cache import Cache, bucket, capacity, empty_cache, entered, inserted
from xgen_model.engine.cached import biases, loops, one_token
from xgen_model.engine.network import head, prefill, read
from xgen_model.engine.sample import Chosen, Draw, Sampling, choose
from xgen_model.engine.weights import Weights

__all__ = ["CHUNK", "ROWS", "Batch", "Prompt", "Written"]

ROWS = 8
"""Texts that are generated at one time."""
FEW = 2
"""Rows in use for which a narrower pass is compiled."""
CHUNK = 32
"""Steps between two looks at what was written, at most."""


class _State(NamedTuple):
    """What the loop carries.

    Attributes:
        cache: of the tokens read.
        logits: of each row's next token.
        length: tokens read.
        made: tokens picked.
        limit: tokens to pick.
        seen: ids read or picked, for the repetition penalty.
        active: rows that still write.
        draw: how they pick.
    """

    cache: Cache
    logits: Float[Array, "b v"]
    length: Int[Array, " b"]
    made: Int[Array, " b"]
    limit: Int[Array, " b"]
    seen: Bool[Array, "b v"]
    active: Bool[Array, " b"]
    draw: Draw


class Prompt(NamedTuple):
    """A prompt that was read, ready to join as often as one likes."""

    cache: Cache
    logits: Float[Array, " v"]
    seen: Bool[Array, " v"]
    length: int


class Written(NamedTuple):
    """What one row wrote: ids, and a report on each as in `Chosen`."""

    ids: list[int]
    logprobs: list[float]
    others: list[list[int]]
    other_logprobs: list[list[float]]


@functools.partial(jax.jit, static_argnums=0)
def _prompt(
    config: ModelConfig, weights: Weights, tokens: Int[Array, " t"], length: Int[Array, ""]
) -> tuple[Cache, Float[Array, " v"], Bool[Array, " v"]]:
    hidden, cache = prefill(config, weights, tokens[None], length[None])
    logits = head(weights, jax.lax.dynamic_slice_in_dim(hidden[0], length - 1, 1))
    real = jnp.where(jnp.arange(tokens.shape[0]) < length, tokens, config.vocab_size)
    seen = jnp.zeros(config.vocab_size, bool).at[real].set(True, mode="drop")
    return cache, logits[0], seen


@functools.partial(jax.jit, donate_argnums=(0,))
def _joined(
    state: _State,
    cache: Cache,
    logits: Float[Array, " v"],
    seen: Bool[Array, " v"],
    draw: Draw,
    row: Int[Array, ""],
    length: Int[Array, ""],
    limit: Int[Array, ""],
) -> _State:
    return _State(
        cache=inserted(state.cache, cache, row),
        logits=state.logits.at[row].set(logits),
        length=state.length.at[row].set(length),
        made=state.made.at[row].set(0),
        limit=state.limit.at[row].set(limit),
        seen=state.seen.at[row].set(seen),
        active=state.active.at[row].set(True),
        draw=jax.tree.map(lambda a, new: a.at[row].set(new[0]), state.draw, draw),
    )


@functools.partial(jax.jit, static_argnums=(0, 3), donate_argnums=(2,))
def _advanced(
    config: ModelConfig,
    weights: Weights,
    state: _State,
    width: int,
    wanted: Bool[Array, " b"],
    steps: Int[Array, ""],
    eos_id: Int[Array, ""],
) -> tuple[_State, Chosen]:
    total = wanted.shape[0]
    slope = biases(config)
    state = state._replace(active=state.active & wanted)
    count = jnp.sum(state.active)
    rows = order = jnp.argsort(~state.active, stable=True)[:width]
    if width < total:
        order = jnp.arange(width)
    else:
        rows = jnp.arange(total)

    def going(carry: tuple[Int[Array, ""], _State, Chosen]) -> Bool[Array, ""]:
        return (carry[0] < steps) & jnp.any(carry[1].active)

    def step(
        carry: tuple[Int[Array, ""], _State, Chosen],
    ) -> tuple[Int[Array, ""], _State, Chosen]:
        number, state, written = carry
        chosen = choose(state.logits, state.draw, state.made, state.seen, state.active)
        token = jnp.where(state.active, chosen.token, eos_id)
        written = jax.tree.map(
            lambda a, new: a.at[:, number].set(new), written, chosen._replace(token=token)
        )
        made = state.made + state.active
        active = state.active & (token != eos_id) & (made < state.limit)
        keys: list[Array] = []
        values: list[Array] = []

        positions = state.length[rows]

        def attend(layer: int, query: Array, key: Array, value: Array) -> Array:
            keys.append(entered(state.cache.key[layer], key, rows, positions))
            values.append(entered(state.cache.value[layer], value, rows, positions))
            return one_token(
                query,
                keys[-1],
                values[-1],
                positions=positions,
                rows=rows,
                order=order,
                count=count,
                slope=slope,
            )

        logits = head(weights, read(config, weights, token[rows], positions, attend))
        return (
            number + 1,
            _State(
                cache=Cache(tuple(keys), tuple(values)),
                logits=logits if width == total else state.logits.at[rows].set(logits),
                length=state.length + state.active,
                made=made,
                limit=state.limit,
                seen=state.seen.at[jnp.arange(total), token].set(True),
                active=active,
                draw=state.draw,
            ),
            written,
        )

    nothing = jax.eval_shape(choose, state.logits, state.draw, state.made, state.seen, state.active)
    written = jax.tree.map(lambda a: jnp.zeros((a.shape[0], CHUNK, *a.shape[1:]), a.dtype), nothing)
    _, state, written = jax.lax.while_loop(going, step, (jnp.int32(0), state, written))
    return state, written


class Batch:
    """A fixed number of rows on their way; not for several threads.

    Args:
        config: of the weights.
        weights: as made by `prepare`.
        eos_id: the token that ends a text.
        rows: texts at one time.
    """

    def __init__(
        self, config: ModelConfig, weights: Weights, *, eos_id: int, rows: int = ROWS
    ) -> None:
        self.config = config
        self.weights = weights
        self.eos_id = eos_id
        self.rows = rows
        self._slots = 0
        self._state: _State | None = None
        self._left: dict[int, int] = {}
        self._narrow: bool | None = None

    @property
    def free(self) -> list[int]:
        """Rows that nobody uses."""
        return [row for row in range(self.rows) if row not in self._left]

    @property
    def busy(self) -> list[int]:
        """Rows that have more to write."""
        return sorted(self._left)

    def read(self, ids: Sequence[int]) -> Prompt:
        """Read a prompt of at least one token."""
        if not ids:
            raise ValueError("a prompt has at least one token")
        tokens = np.zeros(bucket(len(ids)), np.int32)
        tokens[: len(ids)] = ids
        length = jnp.int32(len(ids))
        cache, logits, seen = _prompt(self.config, self.weights, jnp.asarray(tokens), length)
        return Prompt(cache, logits, seen, len(ids))

    def join(self, prompt: Prompt, sampling: Sampling, limit: int) -> int:
        """Begin a text of at most `limit` new tokens; returns its row.

        Raises:
            ValueError: no row is free, or the limit is not at least 1.
        """
        if not self.free or limit < 1:
            raise ValueError("a text needs a free row and a limit of at least 1 token")
        self._make_room(max(prompt.length + limit, prompt.cache.key[0].shape[2]))
        row = self.free[0]
        self._state = _joined(
            self._state,
            prompt.cache,
            prompt.logits,
            prompt.seen,
            Draw.of(sampling),
            *(jnp.int32(n) for n in (row, prompt.length, limit)),
        )
        self._left[row] = limit
        return row

    def leave(self, row: int) -> None:
        """End a row's text before its limit."""
        self._left.pop(row, None)

    def advance(self, steps: int = CHUNK) -> dict[int, Written]:
        """Write up to `steps` tokens in every row in use.

        Returns:
            What each wrote. A row leaves by itself when it reaches its limit or `eos_id`, which
            then is the last id.
        """
        if self._state is None or not self._left:
            return {}
        wanted = np.zeros(self.rows, bool)
        wanted[self.busy] = True
        steps = min(steps, CHUNK)
        self._state, chosen = _advanced(
            self.config,
            self.weights,
            self._state,
            FEW if len(self._left) <= FEW and self._few_are_exact() else self.rows,
            jnp.asarray(wanted),
            jnp.int32(steps),
            jnp.int32(self.eos_id),
        )
        tokens = np.asarray(chosen.token)
        logprobs, others, likeliest = (
            np.asarray(a) for a in (chosen.logprob, chosen.others, chosen.other_logprobs)
        )
        written: dict[int, Written] = {}
        for row in self.busy:
            ids = tokens[row, : min(steps, self._left[row])].tolist()
            ended = self.eos_id in ids
            ids = ids[: ids.index(self.eos_id) + 1] if ended else ids
            size = len(ids)
            written[row] = Written(
                ids,
                logprobs[row, :size].tolist(),
                others[row, :size].tolist(),
                likeliest[row, :size].tolist(),
            )
            self._left[row] -= size
            if ended or not self._left[row]:
                self.leave(row)
        return written

    def reset(self) -> None:
        """Forget all rows and let go of the cache."""
        self._state = None
        self._left = {}
        self._slots = 0

    def _few_are_exact(self) -> bool:
        if self._narrow is None:
            self._narrow = loops() and self.rows > FEW and _exact(self.weights, self.rows)
        return self._narrow

    def _make_room(self, length: int) -> None:
        # Where attention looks at all slots at once, their number is seen in the numbers.
        slots = capacity(length if loops() else self.config.context_length)
        if self._state is not None and slots <= self._slots:
            return
        old, self._slots = self._state, slots
        cache = empty_cache(self.config, self.rows, slots)
        if old is not None:
            self._state = old._replace(cache=_moved(cache, old.cache))
            return
        rows, wide = self.rows, (self.rows, self.config.vocab_size)
        empty = Draw.of(Sampling())
        self._state = _State(
            cache=cache,
            logits=jnp.zeros(wide, jnp.float32),
            length=jnp.zeros(rows, jnp.int32),
            made=jnp.zeros(rows, jnp.int32),
            limit=jnp.zeros(rows, jnp.int32),
            seen=jnp.zeros(wide, bool),
            active=jnp.zeros(rows, bool),
            draw=jax.tree.map(lambda a: jnp.repeat(a, rows), empty),
        )


@functools.partial(jax.jit, static_argnums=1)
def _differ(kernels: tuple[Array, ...], rows: int, seed: Array) -> Bool[Array, ""]:
    found = jnp.bool_(False)
    for kernel in kernels:
        x = jax.random.normal(seed, (rows, kernel.shape[0])).astype(kernel.dtype)
        few, whole = (jnp.matmul(jax.lax.optimization_barrier(a), kernel) for a in (x[:FEW], x))
        found |= jnp.any(few != whole[:FEW])
    return found


def _exact(weights: Weights, rows: int) -> bool:
    """Whether every matrix product gives a row the same numbers with few rows as with all."""
    layer = weights.layers[0]
    projections = (layer.attention, layer.output, layer.inner, layer.down, weights.head)
    return not _differ(tuple(p.kernel for p in projections), rows, jax.random.key(0))


@functools.partial(jax.jit, donate_argnums=(0,))
def _moved(larger: Cache, smaller: Cache) -> Cache:
    return inserted(larger, smaller, 0)
