"""`local:DIR`: scores and samples through the model protocol."""

import asyncio
import threading
from dataclasses import replace

import jax
import numpy as np
import pytest

from xgen_core import (
    CapabilityError,
    ChatTemplate,
    FormatError,
    GenerationRequest,
    InputError,
    Message,
    ModelError,
    ScoreRequest,
    ScoringModel,
)
from xgen_model import CheckpointStore, LocalModel, open_local, token_logprobs
from xgen_model.score import pair_ids, windows

TEMPLATE = ChatTemplate(
    name="test",
    header="<end>",
    prefixes={"user": "Q: ", "assistant": "A: "},
    suffixes={"user": "\n", "assistant": "<end>"},
    generation_prompt="A:",
)


@pytest.fixture
def checkpoint(tmp_path, config, params, tokenizer):
    tokenizer.save(tmp_path / "bytes")
    store = CheckpointStore.create(
        tmp_path / "run" / "checkpoints",
        config,
        tokenizer=tmp_path / "bytes",
        tokenizer_fingerprint=tokenizer.fingerprint,
    )
    store.save(3, params)
    return store


@pytest.fixture(scope="module")
def model(config, params, tokenizer):
    return LocalModel(config, params, tokenizer, identity="local:test", template=TEMPLATE)


def ask(model, *calls):
    """Open the model and await all calls at once."""

    async def go():
        async with model:
            return await asyncio.gather(*(c() for c in calls), return_exceptions=True)

    return asyncio.run(go())


def score(model, *requests):
    (found,) = ask(model, lambda: model.score(list(requests)))
    if isinstance(found, Exception):
        raise found
    return found


def generate(model, request):
    (found,) = ask(model, lambda: model.generate(request))
    if isinstance(found, Exception):
        raise found
    return found


def test_a_pair_is_cut_where_the_context_ends(tokenizer):
    assert pair_ids(tokenizer, "ab ", "cd") == (list(b"ab"), list(b" cd"))
    assert pair_ids(tokenizer, "", "cd") == ([], list(b"cd"))


def test_windows_score_every_token_once(tokenizer):
    text = "abcdefghij"
    request = ScoreRequest(context="", continuation=text, window=4, stride=3)
    found, ids = windows(request, tokenizer, 96)
    assert ids == list(text.encode())
    # Windows start every 3 tokens; the first token is conditioned on the end-of-document id.
    assert [bytes(w.targets[-w.scored :]) for w in found] == [b"abcd", b"efg", b"hij"]
    assert found[0].inputs == (256, *b"abc")
    assert [len(w.inputs) for w in found] == [4, 4, 4]
    whole, _ = windows(ScoreRequest(context="", continuation=text), tokenizer, 96)
    assert [w.scored for w in whole] == [10]
    apart, _ = windows(ScoreRequest(context="", continuation=text, window=4), tokenizer, 96)
    assert [bytes(w.targets) for w in apart] == [b"abcd", b"efgh", b"ij"]
    assert apart[1].inputs == tuple(b"defg")


def test_a_long_context_loses_its_beginning(tokenizer):
    (window,), _ = windows(ScoreRequest(context="x" * 200, continuation="abc"), tokenizer, 96)
    assert len(window.inputs) == 96
    assert bytes(window.targets[-3:]) == b"abc"
    with pytest.raises(InputError, match="97 tokens does not fit"):
        windows(ScoreRequest(context="x", continuation="y" * 97), tokenizer, 96)
    with pytest.raises(InputError, match="window of 97"):
        windows(ScoreRequest(context="", continuation="y", window=97), tokenizer, 96)


def test_scores_are_the_models_log_probabilities(make_batch, model, config, params):
    (found,) = score(model, ScoreRequest(context="hello", continuation=" world"))
    batch = make_batch([list(b"hello world")])
    direct = jax.jit(token_logprobs, static_argnums=0)(config, params, batch)
    np.testing.assert_allclose(found.token_logprobs, direct.logprob[0, -6:], rtol=1e-5)
    assert found.byte_lengths == (1,) * 6
    assert not found.is_greedy


def test_a_score_does_not_depend_on_its_neighbours(model):
    requests = [
        ScoreRequest(context="c" * i, continuation="text " * (1 + i % 4)) for i in range(40)
    ]
    together = score(model, *requests)
    for index in (0, 17, 39):
        assert score(model, requests[index])[0] == together[index]
    assert score(model, *reversed(requests)) == together[::-1]


def test_is_greedy_says_whether_the_model_would_say_it(model):
    (completion,) = generate(model, GenerationRequest(prompt="ab", max_tokens=40))
    assert completion.finish_reason == "length"
    text = completion.text
    if "\ufffd" not in text:
        assert score(model, ScoreRequest(context="ab", continuation=text))[0].is_greedy


def test_asking_for_more_samples_extends(model):
    request = GenerationRequest(prompt="ab", max_tokens=40, temperature=1.0, seed=4, n=10)
    ten = generate(model, request)
    assert generate(model, replace(request, n=3)) == ten[:3]
    assert generate(model, replace(request, n=1, seed=6)) == ten[2:3]
    assert len({c.text for c in ten}) > 5
    assert {c.prompt_tokens for c in ten} == {2}


def test_requests_made_together_are_answered_each(model):
    request = GenerationRequest(prompt="ab", max_tokens=40, temperature=1.0)
    bad = GenerationRequest(prompt="x" * 96)
    pair = ScoreRequest(context="a", continuation="b")
    found = ask(
        model,
        lambda: model.generate(request),
        lambda: model.score([pair]),
        lambda: model.generate(bad),
        lambda: model.generate(replace(request, prompt="cd", seed=1)),
    )
    assert found[0] == generate(model, request)
    assert found[1] == score(model, pair)
    assert isinstance(found[2], InputError)
    assert "no room" in str(found[2])
    assert found[3] == generate(model, replace(request, prompt="cd", seed=1))


def test_generation_ends_at_a_stop_string_and_at_the_context(model, tokenizer):
    free = generate(model, GenerationRequest(prompt="ab", max_tokens=40, temperature=1.0))[0]
    stop = free.text[5:7]
    request = GenerationRequest(prompt="ab", max_tokens=40, temperature=1.0, stop=(stop,))
    (cut,) = generate(model, request)
    assert cut.text == free.text[: free.text.index(stop)]
    assert cut.finish_reason == "stop"
    assert cut.completion_tokens < free.completion_tokens
    (full,) = generate(model, GenerationRequest(prompt="x" * 60, max_tokens=50))
    assert full.completion_tokens <= 36


def test_a_conversation_needs_a_template(model, config, params, tokenizer):
    request = GenerationRequest(messages=(Message(role="user", content="hi <end>"),))
    # The template's own special token is one id, the one that the user typed is text.
    expected = [256, *b"Q: ", *b"hi <end>", *b"\nA:"]
    assert list(model.prompt_ids(request)) == expected
    bare = LocalModel(config, params, tokenizer, identity="x")
    with pytest.raises(CapabilityError, match="no chat template"):
        bare.prompt_ids(request)


def test_no_thread_outlives_the_model(model):
    score(model, ScoreRequest(context="a", continuation="b"))
    assert "xgen-local-model" not in {t.name for t in threading.enumerate()}
    with pytest.raises(ModelError, match="closed"):
        asyncio.run(model.score([ScoreRequest(context="a", continuation="b")]))


def test_a_checkpoint_opens_by_run_directory_step_and_itself(checkpoint, model, tokenizer):
    run = checkpoint.directory.parent
    for path in (run, run / "checkpoints", run / "checkpoints" / "3"):
        opened = open_local(str(path), tokenizer=tokenizer)
        assert isinstance(opened, ScoringModel)
        assert opened.info.identity == f"local:{checkpoint.identity(3)[:32]}"
        assert opened.info.context_length == 96
        assert opened.info.tokenizer == tokenizer.fingerprint
    request = ScoreRequest(context="a", continuation="b")
    assert score(opened, request) == score(model, request)


def test_what_is_no_checkpoint_is_refused(checkpoint, tmp_path, tokenizer):
    with pytest.raises(InputError, match="no such checkpoint"):
        open_local(str(tmp_path / "nowhere"), tokenizer=tokenizer)
    with pytest.raises(InputError, match="not a checkpoint"):
        open_local(str(tmp_path), tokenizer=tokenizer)

    class Other(type(tokenizer)):
        fingerprint = "0" * 64

    with pytest.raises(FormatError, match="made for tokenizer"):
        open_local(str(checkpoint.directory), tokenizer=Other())

    class Larger(type(tokenizer)):
        vocab_size = 258

    with pytest.raises(InputError, match="do not belong together"):
        open_local(str(checkpoint.directory), tokenizer=Larger())
