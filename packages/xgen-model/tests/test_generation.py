"""Cached generation is generation, and a sample depends on its request alone."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from xgen_model import Sampling, forward, generate, logits

EOS = 256
PROMPTS = [list(b"def main("), list(b"x"), *[list(b"other")] * 6]
"""Eight rows, as `LocalModel` has, and 33 to 64 tokens everywhere: one compilation for all."""


def sampling(temperature=0.0, seed=0, top_k=0, top_p=1.0):
    rows = len(PROMPTS)
    return Sampling(
        jnp.arange(seed, seed + rows, dtype=jnp.uint32),
        jnp.full(rows, temperature, jnp.float32),
        jnp.full(rows, top_k, jnp.int32),
        jnp.full(rows, top_p, jnp.float32),
    )


@pytest.fixture(scope="module")
def next_logits(config):
    @jax.jit
    def run(params, tokens, length):
        positions = jnp.arange(96)[None]
        hidden = forward(config, params, tokens, positions, (positions < length).astype(jnp.int32))
        return logits(config, params, hidden[0, length - 1])

    def of(params, ids):
        tokens = np.zeros((1, 96), np.int32)
        tokens[0, : len(ids)] = ids
        return np.asarray(run(params, tokens, len(ids)))

    return of


def test_cached_greedy_generation_is_the_uncached_argmax(config, params, next_logits):
    made = generate(config, params, PROMPTS, sampling(), max_tokens=40, eos_id=EOS)
    for prompt, ids in zip(PROMPTS[:2], made[:2], strict=True):
        assert len(ids) == 40 or ids[-1] == EOS
        assert len(set(ids)) > 3  # a constant answer would prove little
        for i, token in enumerate(ids):
            values = next_logits(params, prompt + ids[:i])
            assert token < config.n_tokens
            assert values[token] >= values.max() - 1e-4


def test_samples_follow_their_seed_and_not_their_neighbours(config, params):
    run = partial(generate, config, params, max_tokens=40, eos_id=EOS)
    same = run([PROMPTS[0]] * 8, sampling(1.0, seed=5))
    mixed = run([PROMPTS[1], PROMPTS[0], *PROMPTS[2:]], sampling(1.0, seed=5))
    assert same[1] == mixed[1]
    assert same[0] != mixed[0]
    assert len({tuple(ids) for ids in same}) == 8
    later = run([PROMPTS[0]] * 8, sampling(1.0, seed=6))
    assert later[:7] == same[1:]


def test_top_k_and_top_p_leave_only_the_likely(config, params, next_logits):
    values = next_logits(params, PROMPTS[1])[: config.n_tokens]
    ranked = np.argsort(-values)
    run = partial(generate, config, params, [PROMPTS[1]] * 8, max_tokens=40, eos_id=EOS)
    seen, narrow = set(), set()
    for seed in range(0, 64, 8):
        seen |= {ids[0] for ids in run(sampling(1.5, seed=seed, top_k=3))}
        narrow |= {ids[0] for ids in run(sampling(1.5, seed=seed, top_p=1e-6))}
    assert seen <= set(ranked[:3].tolist())
    assert len(seen) == 3
    assert narrow == {int(ranked[0])}


def test_a_row_ends_at_eos_and_at_stop(config, params):
    free = generate(config, params, PROMPTS, sampling(), max_tokens=40, eos_id=EOS)[0]
    eos = free[5]  # call a token that comes up the end
    ended = generate(config, params, PROMPTS, sampling(), max_tokens=40, eos_id=eos)[0]
    assert ended == free[: free.index(eos) + 1]
    asked = []

    def stopped(row, ids):
        asked.append((row, len(ids)))
        return True

    stopping = generate(
        config, params, PROMPTS, sampling(), max_tokens=40, eos_id=EOS, stopped=stopped
    )
    assert [len(ids) for ids in stopping] == [32] * 8
    assert asked == [(row, 32) for row in range(8)]


def test_wrong_arguments_are_refused(config, params):
    with pytest.raises(ValueError, match="at least one token"):
        generate(config, params, [[]], sampling(), max_tokens=4, eos_id=EOS)
