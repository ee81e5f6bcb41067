"""`local:DIR`: scores and samples through the model protocol."""

import asyncio
import threading
from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
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


def test_scores_are_the_models_log_probabilities(make_batch, model, config, params):
    (found,) = score(model, ScoreRequest(context="hello", continuation=" world"))
    batch = make_batch([list(b"hello world")])
    direct = jax.jit(token_logprobs, static_argnums=0)(config, params, batch)
    np.testing.assert_allclose(found.token_logprobs, direct.logprob[0, -6:], rtol=1e-5)
    assert found.byte_lengths == (1,) * 6
    assert not found.is_greedy


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


def test_scores_and_answers_do_not_depend_on_what_else_goes_on(model):
    pairs = [ScoreRequest(context="c" * i, continuation="text " * (1 + i % 4)) for i in range(12)]
    texts = [
        GenerationRequest(prompt=p, max_tokens=m, temperature=t, n=n, seed=7, top_k=k)
        for p, m, t, n, k in [("ab", 40, 1.0, 3, 0), ("xyz", 5, 0.0, 1, 0), ("q", 60, 0.5, 7, 9)]
    ]
    calls = [
        *(partial(model.generate, request) for request in texts),
        partial(model.score, pairs),
        partial(model.score, pairs[5:6]),
        partial(model.read, list(b"to be read")),
    ]
    together = ask(model, *calls)
    assert [ask(model, call)[0] for call in calls] == together
    assert together[4] == together[3][5:6]


def test_a_stream_adds_up_to_the_answer(model):
    free = generate(model, GenerationRequest(prompt="ab", max_tokens=40, temperature=1.0))[0]
    request = GenerationRequest(
        prompt="ab", max_tokens=40, temperature=1.0, n=3, stop=(free.text[20:22],)
    )
    told = {}
    threads = set()

    def hear(index, text):
        threads.add(threading.current_thread())
        told.setdefault(index, []).append(text)

    (found,) = ask(model, lambda: model.stream(request, hear))
    assert found == generate(model, request)
    assert ["".join(told[i]) for i in range(3)] == [c.text for c in found]
    assert len(told[0]) > 1
    assert threads == {threading.main_thread()}


def test_a_callback_that_fails_is_the_callers_failure(model):
    def hear(index, text):
        raise KeyError(text)

    request = GenerationRequest(prompt="ab", max_tokens=40)
    failed, fine = ask(model, lambda: model.stream(request, hear), lambda: model.generate(request))
    assert isinstance(failed, KeyError)
    assert fine == generate(model, request)


def test_a_caller_who_goes_away_frees_the_rows(model):
    async def go():
        async with model:
            long = GenerationRequest(prompt="ab", max_tokens=90, n=8, temperature=1.0)
            begun = asyncio.Event()
            task = asyncio.create_task(model.stream(long, lambda index, text: begun.set()))
            await begun.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return await model.generate(GenerationRequest(prompt="ab", max_tokens=5))

    assert asyncio.run(go()) == generate(model, GenerationRequest(prompt="ab", max_tokens=5))


def test_the_event_loop_runs_on_while_the_model_computes(model):
    async def go():
        async with model:
            request = GenerationRequest(prompt="ab", max_tokens=60, n=20, temperature=1.0)
            task = asyncio.create_task(model.generate(request))
            turns = 0
            while not task.done():
                await asyncio.sleep(0)
                turns += 1
            return turns

    assert asyncio.run(go()) > 20


def test_log_probabilities_of_an_answer_are_those_of_its_text(model):
    request = GenerationRequest(
        prompt="ab", max_tokens=12, temperature=1.0, logprobs=2, repetition_penalty=1.2
    )
    (made,) = generate(model, request)
    assert len(made.logprobs) == made.completion_tokens == 12
    assert [len(t.top) for t in made.logprobs] == [2] * 12
    ids = [*b"ab", *(t.id for t in made.logprobs)]
    (read,) = ask(model, lambda: model.read(ids, top=2))
    assert read[0] is None
    for found, expected in zip(made.logprobs, read[2:], strict=True):
        assert (found.id, found.text) == (expected.id, expected.text)
        assert found.logprob == pytest.approx(expected.logprob, abs=1e-4)
        assert found.top == pytest.approx(expected.top, abs=1e-4)
    assert generate(model, replace(request, logprobs=None))[0].text == made.text


def test_a_reading_gives_what_a_score_gives(model):
    (read,) = ask(model, lambda: model.read([256, *b"some text"]))
    (found,) = score(model, ScoreRequest(context="", continuation="some text"))
    logprobs = [t.logprob for t in read[1:]]
    assert logprobs == pytest.approx(found.token_logprobs, abs=1e-5)
    assert [t.text for t in read[1:]] == list("some text")
    assert not read[1].top


def test_a_soft_prompt_is_read_before_everything(config, params, tokenizer, model):
    soft = replace(config, soft_prompt=4)
    # Virtual tokens that are embeddings of real ones: the text itself says what is to come out.
    virtual = params["embedding"][jnp.asarray(list(b"to: "))]
    prompted = LocalModel(soft, {**params, "soft_prompt": virtual}, tokenizer, identity="x")
    request = GenerationRequest(prompt="to: abc", max_tokens=8, logprobs=0)
    pair = ScoreRequest(context="to: abc", continuation="def")
    found = ask(
        prompted,
        lambda: prompted.complete(list(b"abc"), request),
        lambda: prompted.read(list(b"abc")),
        lambda: prompted.score([replace(pair, context="abc")]),
    )
    expected = ask(
        model,
        lambda: model.generate(request),
        lambda: model.read(list(b"to: abc")),
        lambda: model.score([pair]),
    )
    assert found[0][0].text == expected[0][0].text
    assert found[0][0].prompt_tokens == 3
    read, whole = ([t.logprob for t in r if t] for r in (found[1], expected[1]))
    assert read == pytest.approx(whole[4:], abs=1e-5)
    scores = (s[0].token_logprobs for s in (found[2], expected[2]))
    assert next(scores) == pytest.approx(next(scores), abs=1e-5)
    with pytest.raises(InputError, match="context of 92"):
        prompted.prompt_ids(GenerationRequest(prompt="x" * 92))


def test_what_cannot_be_answered_is_refused_in_one_line(model):
    request = GenerationRequest(prompt="-")
    for call, message in [
        (lambda: model.complete([], request), "no ids"),
        (lambda: model.complete([3, 257], request), "id 257 is outside the vocabulary, 0 to 256"),
        (lambda: model.complete([1] * 96, request), "leaves no room in the context of 96"),
        (lambda: model.generate(replace(request, logprobs=21)), "0 to 20 alternatives"),
        (lambda: model.read([1] * 97), "97 tokens does not fit"),
        (lambda: model.read([-1]), "id -1"),
        (lambda: model.read([1], top=-1), "alternatives"),
    ]:
        (found,) = ask(model, call)
        assert isinstance(found, InputError), found
        assert message in str(found)
        assert "\n" not in str(found)


def test_an_answer_to_a_conversation_ends_at_the_templates_stop(config, params, tokenizer):
    request = GenerationRequest(
        messages=(Message(role="user", content="hi"),), max_tokens=40, temperature=1.0
    )
    model = LocalModel(config, params, tokenizer, identity="x", template=TEMPLATE)
    (free,) = generate(model, request)
    stopping = replace(TEMPLATE, stop=(free.text[4],))
    model = LocalModel(config, params, tokenizer, identity="x", template=stopping)
    (cut,) = generate(model, request)
    assert cut.text == free.text[: free.text.index(free.text[4])]


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

    with pytest.raises(InputError, match="258 ids and the model 257"):
        open_local(str(checkpoint.directory), tokenizer=Larger())

    class Huge(type(tokenizer)):
        vocab_size = 385

    with pytest.raises(InputError, match="385 ids and the model's head 384 rows"):
        open_local(str(checkpoint.directory), tokenizer=Huge())


def test_a_checkpoint_with_nan_is_refused_by_name(checkpoint, params, tokenizer):
    broken = {**params, "final_norm": {"scale": params["final_norm"]["scale"].at[3].set(np.nan)}}
    checkpoint.save(4, broken)
    with pytest.raises(InputError, match=r"4/params/final_norm.scale: holds NaN .* earlier step"):
        open_local(str(checkpoint.directory), tokenizer=tokenizer)
    open_local(str(checkpoint.directory / "3"), tokenizer=tokenizer)
