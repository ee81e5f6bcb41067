"""Cached generation is generation, and a text depends on nothing but itself."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from xgen_model import Lora, Sampling, abstract_params, forward, generate, logits
from xgen_model.engine.batch import Batch
from xgen_model.engine.weights import prepare

EOS = 256
PROMPTS = [list(b"def main("), list(b"x"), *[list(b"other")] * 6]


@pytest.fixture(scope="module")
def next_logits(config):
    @jax.jit
    def run(params, tokens):
        positions = jnp.arange(96)[None]
        hidden = forward(config, params, tokens, positions, jnp.ones_like(tokens))
        return logits(config, params, hidden[0])

    def of(params, ids):
        """Logits after each id."""
        tokens = np.zeros((1, 96), np.int32)
        tokens[0, : len(ids)] = ids
        return np.asarray(run(params, tokens))[: len(ids)]

    return of


@pytest.fixture(scope="module")
def weights(config, params):
    return prepare(config, params)


@pytest.fixture
def batch(config, weights):
    return Batch(config, weights, eos_id=EOS)


def finish(batch, texts, steps=32):
    """Write until nobody wants more; texts by row."""
    while batch.busy:
        for row, written in batch.advance(steps).items():
            texts.setdefault(row, []).extend(written.ids)
    return texts


def write(batch, prompt, sampling, limit=40, steps=32):
    row = batch.join(batch.read(prompt), sampling, limit)
    return finish(batch, {}, steps)[row]


def test_cached_greedy_generation_is_the_uncached_argmax(config, params, next_logits):
    greedy = [Sampling()] * len(PROMPTS)
    made = generate(config, params, PROMPTS, greedy, max_tokens=40, eos_id=EOS)
    for prompt, ids in zip(PROMPTS[:2], made[:2], strict=True):
        assert len(ids) == 40 or ids[-1] == EOS
        assert len(set(ids)) > 3  # a constant answer would prove little
        assert max(ids) < config.n_tokens
        values = next_logits(params, prompt + ids)[len(prompt) - 1 : -1]
        assert np.all(values[np.arange(len(ids)), ids] >= values.max(axis=-1) - 1e-4)


@pytest.mark.parametrize(
    "change",
    [
        {"block": "codegen"},
        {"block": "bloom"},
        {"soft_prompt": 3, "lora": Lora(rank=2, targets=("query", "up", "down"))},
        {"block": "qwen2", "tie_embeddings": True, "scan_layers": True},
    ],
    ids=["codegen", "bloom", "soft prompt and LoRA", "qwen2, tied"],
)
def test_every_variant_generates_what_it_reads(config, change):
    config = replace(config, n_layers=1, **change)
    random = np.random.default_rng(1)
    shapes = abstract_params(config)
    params = jax.tree.map(lambda a: jnp.asarray(random.normal(0, 0.3, a.shape), a.dtype), shapes)
    virtual = list(range(config.vocab_size, config.vocab_size + config.soft_prompt))
    ids = [*virtual, *b"some text "]
    (made,) = generate(config, params, [ids], [Sampling()], max_tokens=12, eos_id=-1)
    whole = jnp.asarray([ids + made])
    places = jnp.arange(whole.shape[1])[None]
    run = jax.jit(lambda p: forward(config, p, whole, places, jnp.ones_like(whole))[0])
    values = np.asarray(logits(config, params, run(params)))[len(ids) - 1 : -1]
    assert np.all(values[np.arange(12), made] >= values.max(axis=-1) - 1e-4)


def test_a_text_is_the_same_in_whatever_company(batch):
    hot = Sampling(temperature=1.0, seed=5)
    alone = write(batch, PROMPTS[0], hot)
    # Others are there before it, leave, come later, sample otherwise, and make the cache grow.
    texts = {}

    def advance(steps):
        for row, written in batch.advance(steps).items():
            texts.setdefault(row, []).extend(written.ids)

    first = [batch.join(batch.read(PROMPTS[2]), Sampling(), 30) for _ in range(3)]
    advance(3)
    batch.leave(first[1])
    row = batch.join(batch.read(PROMPTS[0]), hot, 40)
    assert row == first[1]
    del texts[row]
    advance(5)
    long = batch.join(batch.read([1] * 90), Sampling(top_k=4, temperature=2.0, reports=True), 70)
    finish(batch, texts, steps=7)
    assert texts[row] == alone
    assert texts[first[0]] == texts[first[2]]
    assert len(texts[long]) == 70 or texts[long][-1] == EOS


def test_seeds_make_texts_and_chunks_do_not(batch):
    texts = [write(batch, PROMPTS[0], Sampling(temperature=1.0, seed=s)) for s in range(6)]
    assert len({tuple(ids) for ids in texts}) == 6
    again = write(batch, PROMPTS[0], Sampling(temperature=1.0, seed=3), steps=3)
    assert again == texts[3]
    assert write(batch, PROMPTS[0], Sampling(temperature=1.0, seed=3), limit=7) == again[:7]


def test_top_k_and_top_p_leave_only_the_likely(batch, config, params, next_logits):
    values = next_logits(params, PROMPTS[1])[-1, : config.n_tokens]
    ranked = np.argsort(-values).tolist()
    prompt = batch.read(PROMPTS[1])

    def first(**how):
        found = set()
        for seed in range(0, 64, 8):
            for i in range(8):
                batch.join(prompt, Sampling(temperature=1.5, seed=seed + i, **how), 1)
            found |= {w.ids[0] for w in batch.advance(1).values()}
        return found

    assert first(top_k=3) == set(ranked[:3])
    assert first(top_p=1e-6) == {ranked[0]}
    scaled = np.exp((values - values.max()) / 1.5)
    reached = np.cumsum(np.sort(scaled / scaled.sum())[::-1])
    most = float(reached[4] + reached[5]) / 2  # between what five and six tokens reach
    assert first(top_p=most) <= set(ranked[:6])
    assert len(first()) > 12


def test_a_penalty_keeps_tokens_from_coming_again(batch):
    free = write(batch, PROMPTS[0], Sampling())
    assert len(set(free)) < len(free)
    fresh = write(batch, PROMPTS[0], Sampling(repetition_penalty=1e6))
    assert len(set(fresh)) == len(fresh)
    assert not set(fresh) & set(PROMPTS[0])


def test_reported_log_probabilities_are_the_models_own(batch, params, config, next_logits):
    how = Sampling(temperature=0.7, top_k=5, repetition_penalty=1.3, seed=2, reports=True)
    batch.join(batch.read(PROMPTS[0]), how, 10)
    (written,) = batch.advance().values()
    values = next_logits(params, PROMPTS[0] + written.ids)[len(PROMPTS[0]) - 1 : -1]
    expected = np.asarray(jax.nn.log_softmax(values))
    chosen = expected[np.arange(len(written.ids)), written.ids]
    np.testing.assert_allclose(written.logprobs, chosen, atol=1e-4)
    for others, reported, at in zip(written.others, written.other_logprobs, expected, strict=True):
        np.testing.assert_allclose(reported, np.sort(at)[::-1][:20], atol=1e-4)
        np.testing.assert_allclose(at[others], reported, atol=1e-4)


def test_a_row_ends_at_eos(config, params):
    greedy = [Sampling()]
    (free,) = generate(config, params, PROMPTS[:1], greedy, max_tokens=40, eos_id=EOS)
    eos = free[5]  # call a token that comes up the end
    (ended,) = generate(config, params, PROMPTS[:1], greedy, max_tokens=40, eos_id=eos)
    assert ended == free[: free.index(eos) + 1]


def test_attention_to_all_slots_is_attention_block_by_block(batch, config, params, monkeypatch):
    """What accelerators do, on CPU."""
    expected = write(batch, PROMPTS[0], Sampling())
    monkeypatch.setattr("xgen_model.engine.cached.loops", lambda: False)
    monkeypatch.setattr("xgen_model.engine.batch.loops", lambda: False)
    other = replace(config, context_length=95)  # another key in jit's cache
    assert generate(other, params, PROMPTS[:1], [Sampling()], max_tokens=40, eos_id=EOS) == [
        expected
    ]


def test_wrong_arguments_are_refused(batch):
    with pytest.raises(ValueError, match="at least one token"):
        batch.read([])
    prompt = batch.read([1])
    with pytest.raises(ValueError, match="at least 1 token"):
        batch.join(prompt, Sampling(), 0)
    for _ in range(batch.rows):
        batch.join(prompt, Sampling(), 1)
    with pytest.raises(ValueError, match="free row"):
        batch.join(prompt, Sampling(), 1)
    with pytest.raises(ValueError, match="negative"):
        Sampling(temperature=-1.0)
