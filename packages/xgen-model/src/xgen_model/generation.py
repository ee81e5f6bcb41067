"""Generation with a key-value cache: one compiled prefill, one compiled loop for many tokens.

Prompts are padded at the right to a power of two, and each row has its own cache slots. The loop
runs `CHUNK` tokens before the host looks for stop strings.

Letters: b batch, t prompt time, s cache slots, c chunk.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int

from xgen_model.cache import Cache, empty_cache
from xgen_model.config import ModelConfig
from xgen_model.model import Params, extend, logits
from xgen_model.sample import Sampling, choose

__all__ = ["CHUNK", "bucket", "generate"]

CHUNK = 32
"""Tokens between two looks at the text."""
_SMALLEST = 32


class _State(NamedTuple):
    cache: Cache
    token: Int[Array, " b"]
    length: Int[Array, " b"]
    done: Bool[Array, " b"]
    made: Int[Array, ""]


def bucket(length: int) -> int:
    """The padded length for `length` tokens: a power of two, at least 32."""
    return max(_SMALLEST, 1 << (length - 1).bit_length())


@functools.partial(jax.jit, static_argnums=(0, 4, 5))
def _prefill(
    config: ModelConfig,
    params: Params,
    tokens: Int[Array, "b t"],
    sampling: Sampling,
    slots: int,
    greedy: bool,
    lengths: Int[Array, " b"],
) -> _State:
    rows, time = tokens.shape
    places = jnp.broadcast_to(jnp.arange(time), (rows, time))
    hidden, cache = extend(
        config,
        params,
        tokens,
        places,
        (places < lengths[:, None]).astype(jnp.int32),
        empty_cache(config, rows, slots),
        0,
    )
    last = hidden[jnp.arange(rows), lengths - 1]
    token = choose(logits(config, params, last), sampling, jnp.int32(0), greedy=greedy)
    return _State(cache, token, lengths, jnp.zeros(rows, bool), jnp.int32(1))


@functools.partial(jax.jit, static_argnums=(0, 4, 5), donate_argnums=(2,))
def _decode(
    config: ModelConfig,
    params: Params,
    state: _State,
    sampling: Sampling,
    count: int,
    greedy: bool,
    eos_id: Int[Array, ""],
) -> tuple[_State, Int[Array, "b c"]]:
    rows = state.token.shape[0]

    def going(carry: tuple[Int[Array, ""], _State, Array]) -> Bool[Array, ""]:
        step, state, _ = carry
        return (step < count) & ~jnp.all(state.done)

    def step(
        carry: tuple[Int[Array, ""], _State, Array],
    ) -> tuple[Int[Array, ""], _State, Array]:
        number, state, written = carry
        written = jax.lax.dynamic_update_slice(written, state.token[:, None], (0, number))
        done = state.done | (state.token == eos_id)
        hidden, cache = extend(
            config,
            params,
            state.token[:, None],
            state.length[:, None],
            jnp.ones((rows, 1), jnp.int32),
            state.cache,
            state.length,
        )
        token = choose(logits(config, params, hidden[:, 0]), sampling, state.made, greedy=greedy)
        token = jnp.where(done, eos_id, token)
        return number + 1, _State(cache, token, state.length + 1, done, state.made + 1), written

    start = (jnp.int32(0), state, jnp.full((rows, count), eos_id, jnp.int32))
    _, state, written = jax.lax.while_loop(going, step, start)
    return state, written


def generate(
    config: ModelConfig,
    params: Params,
    prompts: Sequence[Sequence[int]],
    sampling: Sampling,
    *,
    max_tokens: int,
    eos_id: int,
    stopped: Callable[[int, list[int]], bool] = lambda row, ids: False,
) -> list[list[int]]:
    """Continue each prompt until `eos_id`, `stopped` or `max_tokens`.

    The buckets depend on the longest prompt and `max_tokens`, so a caller who wants a row's answer
    to be independent of its neighbours batches prompts of one bucket with a fixed number of rows.

    Args:
        config: of the parameters.
        params: as made by `create`.
        prompts: ids, at least one for each row.
        sampling: of the rows.
        max_tokens: new tokens at most.
        eos_id: ends a row.
        stopped: whether row `i`, with the ids made so far, may end; asked every `CHUNK` tokens.

    Returns:
        New ids of each row, up to and including `eos_id`; where `stopped` ended it, up to a
        `CHUNK` more than needed.
    """
    lengths = [len(p) for p in prompts]
    if not lengths or min(lengths) < 1 or max_tokens < 1:
        raise ValueError("generate takes at least one prompt of at least one token, and makes one")
    time = bucket(max(lengths))
    slots = time + -(-bucket(max_tokens) // CHUNK) * CHUNK
    tokens = np.full((len(prompts), time), eos_id, np.int32)
    for row, prompt in enumerate(prompts):
        tokens[row, : len(prompt)] = prompt
    greedy = bool(np.all(np.asarray(sampling.temperature) == 0))
    state = _prefill(
        config, params, jnp.asarray(tokens), sampling, slots, greedy, jnp.asarray(lengths)
    )
    made: list[list[int]] = [[] for _ in prompts]
    open_rows = set(range(len(prompts)))
    for start in range(0, max_tokens, CHUNK):
        state, written = _decode(config, params, state, sampling, CHUNK, greedy, jnp.int32(eos_id))
        fresh = np.asarray(written)[:, : max_tokens - start].tolist()
        for row in sorted(open_rows):
            ids = fresh[row]
            ended = eos_id in ids
            made[row] += ids[: ids.index(eos_id) + 1] if ended else ids
            if ended or stopped(row, made[row]):
                open_rows.discard(row)
        if not open_rows:
            break
        done = np.array([row not in open_rows for row in range(len(prompts))])
        state = state._replace(done=jnp.asarray(done))
    return made
