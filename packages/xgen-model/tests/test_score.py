"""Scores: which tokens go through the model how, and that it cannot be seen in the numbers."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from xgen_core import InputError, ScoreRequest
from xgen_model import abstract_params, forward, logits
from xgen_model.engine.score import Window, pair_ids, score_windows, to_score, windows
from xgen_model.engine.weights import prepare


@pytest.fixture(scope="module", params=["llama", "bloom"])
def model(request, config):
    changed = replace(config, block=request.param, n_layers=1 + (request.param == "llama"))
    random = np.random.default_rng(0)
    shapes = abstract_params(changed)
    params = jax.tree.map(lambda a: jnp.asarray(random.normal(0, 0.3, a.shape), a.dtype), shapes)
    return changed, params, prepare(changed, params)


def score(model, items):
    found = {}
    for fresh in score_windows(model[0], model[2], items):
        found.update(fresh)
    return [found[number] for number in range(len(items))]


def questions():
    """Windows with contexts in common, of very different numbers of targets."""
    random = np.random.default_rng(1)
    items = []
    for length in (0, 5, 20):
        context = random.integers(0, 256, length).tolist()
        for count in (1, 3, 7, 20, 13, 1, 2, 2, 2, 2, 2, 2):
            targets = random.integers(0, 256, count).tolist()
            stream = [256, *context, *targets]
            items.append(Window(inputs=tuple(stream[:-1]), targets=tuple(targets)))
    items.append(Window(inputs=tuple([7] * 90), targets=tuple([7] * 80)))
    return items


def test_a_pair_is_cut_where_the_context_ends(tokenizer):
    assert pair_ids(tokenizer, "ab ", "cd") == (list(b"ab"), list(b" cd"))
    assert pair_ids(tokenizer, "", "cd") == ([], list(b"cd"))


def test_windows_score_every_token_once(tokenizer):
    text = "abcdefghij"
    request = ScoreRequest(context="", continuation=text, window=4, stride=3)
    found, ids = windows(request, tokenizer, 96)
    assert ids == list(text.encode())
    # Windows start every 3 tokens; the first token is conditioned on the end-of-document id.
    assert [bytes(w.targets) for w in found] == [b"abcd", b"efg", b"hij"]
    assert found[0].inputs == (256, *b"abc")
    assert [len(w.inputs) for w in found] == [4, 4, 4]
    whole, _ = windows(ScoreRequest(context="", continuation=text), tokenizer, 96)
    assert [len(w.targets) for w in whole] == [10]
    apart, _ = windows(ScoreRequest(context="", continuation=text, window=4), tokenizer, 96)
    assert [bytes(w.targets) for w in apart] == [b"abcd", b"efgh", b"ij"]
    assert apart[1].inputs == tuple(b"defg")


def test_a_long_context_loses_its_beginning(tokenizer):
    (window,), _ = windows(ScoreRequest(context="x" * 200, continuation="abc"), tokenizer, 96)
    assert len(window.inputs) == 96
    assert bytes(window.targets) == b"abc"
    with pytest.raises(InputError, match="97 tokens does not fit"):
        windows(ScoreRequest(context="x", continuation="y" * 97), tokenizer, 96)
    with pytest.raises(InputError, match="window of 97"):
        windows(ScoreRequest(context="", continuation="y", window=97), tokenizer, 96)


def test_scores_are_those_of_the_whole_text(model):
    config, params, _ = model

    @jax.jit
    def expected(tokens):
        places = jnp.arange(96)[None]
        hidden = forward(config, params, tokens, places, jnp.ones_like(tokens))
        return jax.nn.log_softmax(logits(config, params, hidden[0]))

    items = questions()
    for item, found in zip(items, score(model, items), strict=True):
        tokens = np.zeros((1, 96), np.int32)
        tokens[0, : len(item.inputs)] = item.inputs
        values = np.asarray(expected(tokens))[len(item.before) : len(item.inputs)]
        chosen = values[np.arange(len(item.targets)), item.targets]
        np.testing.assert_allclose(found.logprobs, chosen, atol=1e-5)
        assert found.greedy == bool(np.all(chosen == values.max(axis=-1)))


def test_a_score_is_the_same_in_whatever_company(model):
    items = questions()
    together = score(model, items)
    assert score(model, items[::-1])[::-1] == together
    for number in (0, 1, 3, 14, 27, len(items) - 1):
        assert score(model, [items[number]]) == [together[number]]


def test_one_reading_of_a_context_serves_all_its_choices(model):
    items = [item for item in questions() if len(item.before) == 20]
    passes = list(score_windows(model[0], model[2], items))
    assert [len(found) for found in passes] == [2, 8, 2]  # those of one target, then the others


def test_a_soft_prompt_is_read_before_every_window(config, tokenizer):
    request = ScoreRequest(context="", continuation="abcdef", window=4)
    found, _ = windows(request, tokenizer, 92, virtual=(384, 385))
    assert [w.inputs[:2] for w in found] == [(384, 385)] * 2
    assert [bytes(w.targets) for w in found] == [b"abcd", b"ef"]
    assert found[1].inputs[2:] == tuple(b"de")
    long = ScoreRequest(context="x" * 200, continuation="ab")
    pair, _ = windows(long, tokenizer, 10, (384,))
    assert len(pair[0].inputs) == 11
    assert pair[0].inputs[0] == 384


def test_bytes_that_a_first_token_took_from_the_context_are_not_counted(tokenizer, model):
    request = ScoreRequest(context="ab ", continuation="cd")
    (window,), ids = windows(request, tokenizer, 96)
    found = to_score(tokenizer, request, ids, score(model, [window]))
    assert found.byte_lengths == (0, 1, 1)
