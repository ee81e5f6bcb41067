"""A model behind an endpoint: what is tried again, what is not, and scores by echo."""

import asyncio
import email.utils
import json
import random
import time
from collections import Counter

import pytest

from xgen_core import (
    CapabilityError,
    EndpointError,
    GenerationRequest,
    InputError,
    Message,
    ModelError,
    Score,
    ScoreRequest,
    open_model,
)
from xgen_core.lm import CallStore, recorded
from xgen_core.lm.echo import read_echo
from xgen_core.lm.http import HttpModel
from xgen_core.lm.scripted import Rule
from xgen_core.lm.transport import Patience, retry_after
from xgen_core.testing import Fault, LoopbackServer, UnigramModel, check_model

PING = GenerationRequest(prompt="ping")
RULES = [Rule(pattern="ping", replies=("pong",))]
QUICK = Patience(attempts=3, pause=0.001, longest_pause=0.01, idle=0.3)


def ask(server, *requests, patience=QUICK, model="loopback", base=None, **options):
    async def work():
        base_ = server.url if base is None else base
        async with HttpModel(base_, model, patience=patience, **options) as http:
            return [await http.generate(request) for request in requests]

    return asyncio.run(work())


def score(server, *requests, model="loopback"):
    async def work():
        async with HttpModel(server.url, model, patience=QUICK) as http:
            return list(await http.score(requests))

    return asyncio.run(work())


PASSING = [
    Fault(kind="rate_limit"),
    Fault(kind="server_error"),
    Fault(kind="status", status=408),
    Fault(kind="status", status=409),
    Fault(kind="status", status=503),
    Fault(kind="hang", seconds=1.5),
    Fault(kind="stalled", seconds=1.5),
    Fault(kind="dropped"),
    Fault(kind="half_closed"),
    Fault(kind="truncated"),
]


@pytest.mark.parametrize("fault", PASSING, ids=lambda f: f"{f.kind}{f.status}")
def test_what_passes_is_tried_again(fault):
    with LoopbackServer(RULES, faults=[None, fault, fault]) as server:
        answers = ask(server, PING, PING)
        assert [a[0].text for a in answers] == ["pong", "pong"]
        assert server.count == 4


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (Fault(kind="rate_limit"), "answered 429: .*Rate limit"),
        (Fault(kind="server_error"), "answered 500"),
        (Fault(kind="dropped"), "broke the connection"),
        (Fault(kind="half_closed"), "broke the connection"),
        (Fault(kind="truncated"), "answered something that is not JSON"),
    ],
    ids=lambda f: getattr(f, "kind", ""),
)
def test_patience_ends_in_one_line(fault, message):
    with LoopbackServer(RULES, faults=[fault] * 9) as server:
        with pytest.raises(ModelError, match=message + r".*; gave up after 3 attempts in 0 s") as e:
            ask(server, PING)
        assert server.count == 3
        assert "\n" not in str(e.value)
        assert server.url in str(e.value)


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 405, 413, 422, 301])
def test_what_does_not_pass_is_not_tried_again(status):
    with LoopbackServer(RULES, faults=[Fault(kind="status", status=status)]) as server:
        with pytest.raises(ModelError, match=f"answered {status}") as caught:
            ask(server, PING)
        assert server.count == 1
        assert isinstance(caught.value, EndpointError) == (status not in (400, 413, 422))


def test_a_web_page_is_not_tried_again():
    with LoopbackServer(RULES, faults=[Fault(kind="html")]) as server:
        with pytest.raises(EndpointError, match=r"a web page, not JSON.*does the URL end in"):
            ask(server, PING)
        assert server.count == 1


def test_retry_after_is_obeyed(monkeypatch):
    slept = []
    sleep = asyncio.sleep

    async def note(seconds):
        slept.append(seconds)
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", note)
    with LoopbackServer(RULES, faults=[Fault(kind="rate_limit", seconds=7)]) as server:
        ask(server, PING)
    assert [7 <= s < 7.01 for s in slept] == [True]
    faults = [Fault(kind="rate_limit", seconds=7200)]
    with LoopbackServer(RULES, faults=faults) as server:
        with pytest.raises(ModelError, match=r"after one attempt .* \(it asks for 7200 s more"):
            ask(server, PING)
        assert server.count == 1


@pytest.mark.parametrize(
    ("header", "low", "high"),
    [
        ("3", 3, 3),
        ("0.5", 0.5, 0.5),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0, 0),
        ("soon", 0, 0),
        ("-4", 0, 0),
        ("nan", 0, 0),
        ("", 0, 0),
    ],
)
def test_forms_of_retry_after(header, low, high):
    assert low <= retry_after({"Retry-After": header}) <= high


def test_retry_after_may_be_a_date():
    date = email.utils.formatdate(time.time() + 1000, usegmt=True)
    assert 900 < retry_after({"Retry-After": date}) <= 1000


def test_a_slow_answer_that_comes_is_not_cut():
    """Twice as long as `idle` in all, in eight pieces."""
    with LoopbackServer(RULES, faults=[Fault(kind="slow", seconds=0.7)]) as server:
        assert ask(server, PING)[0][0].text == "pong"
        assert server.count == 1


def test_an_endpoint_that_ends_while_it_is_used():
    async def work():
        with LoopbackServer(RULES) as server:
            async with HttpModel(server.url, "loopback", patience=QUICK) as model:
                await model.generate(PING)
                server.__exit__(None, None, None)
                with pytest.raises(EndpointError, match=r"cannot connect.*gave up after 3"):
                    await model.generate(PING)
                server.__enter__()

    asyncio.run(work())


def test_connections_are_kept_and_limited():
    requests = [GenerationRequest(prompt=f"ping {i}") for i in range(40)]

    async def work(url):
        async with HttpModel(url, "loopback", concurrency=4) as model:
            return await asyncio.gather(*(model.generate(r) for r in requests))

    with LoopbackServer(RULES) as server:
        assert len(asyncio.run(work(server.url))) == 40
        assert server.connections <= 4


def test_no_message_holds_the_key(monkeypatch):
    key = "sk-not-a-real-key"
    monkeypatch.setenv("OPENAI_API_KEY", f"{key}\n")
    model = [Rule(pattern="ping", replies=(key,))]
    with LoopbackServer(model, api_key=key) as server:
        assert ask(server, PING)[0][0].text == key
    with LoopbackServer(model, api_key="another") as server:
        with pytest.raises(EndpointError, match="set OPENAI_API_KEY to a valid key") as caught:
            ask(server, PING)
        assert key not in str(caught.value)
    repeated = [Rule(pattern=".", replies=(key + "ping " * 90,))]
    with LoopbackServer(repeated, faults=[Fault(kind="truncated")] * 3) as server:
        with pytest.raises(ModelError, match=r"not JSON: .*\*\*\*ping") as caught:
            ask(server, PING)
        assert key not in str(caught.value)


def test_addresses():
    with pytest.raises(InputError, match="a password in an endpoint's address"):
        open_model("http://user:secret@host/v1#model")
    with pytest.raises(EndpointError, match="is it running"):
        ask(None, PING, base="http://127.0.0.1:1/v1")
    with pytest.raises(EndpointError, match="not a URL"):
        ask(None, PING, base="http://")


def test_a_newer_name_for_the_limit():
    """The first request is refused with the advice; the next ones follow it at once."""
    turn = Message(role="user", content="ping")
    chat = [GenerationRequest(messages=(turn,), seed=seed) for seed in (1, 2)]
    with LoopbackServer(RULES, limit="max_completion_tokens") as server:
        ask(server, *chat)
        names = [[k for k in r.body if "tokens" in k] for r in server.requests]
    assert names == [["max_tokens"], ["max_completion_tokens"], ["max_completion_tokens"]]


PAIRS = [
    ScoreRequest(context="The cat", continuation=" sat"),
    ScoreRequest(context="The cat ", continuation="sat"),
    ScoreRequest(context="é", continuation="é😀"),
    ScoreRequest(context="x", continuation="eee"),
]


@pytest.mark.parametrize("echo", ["full", "one_token"])
def test_scores_by_echo(echo):
    model = UnigramModel()
    with LoopbackServer(model, echo=echo) as server:
        scores = score(server, *PAIRS)
        again = score(server, *PAIRS)
    assert scores == again
    truth = asyncio.run(model.score(PAIRS))
    space = model.logprob(ord(" "))
    assert scores[0] == truth[0]
    assert scores[1].byte_lengths == (0, 1, 1, 1)  # the space is the continuation's, as locally
    assert scores[1].token_logprobs == (space, *truth[1].token_logprobs)
    assert scores[2:] == truth[2:]
    assert [s.is_greedy for s in scores] == [False, False, False, False]


def test_log_probabilities_of_an_answer_come_with_a_conversation():
    model = UnigramModel({"m": 3.0, "M": 1.0})
    asked = GenerationRequest(
        messages=(Message(role="user", content="?"),), max_tokens=2, logprobs=2
    )
    with LoopbackServer(model) as server:
        [[got]] = ask(server, asked)
    [known] = asyncio.run(model.generate(asked))
    assert got.text == known.text
    assert [(t.text, t.logprob, t.top) for t in got.logprobs] == [
        (t.text, t.logprob, t.top) for t in known.logprobs
    ]
    assert {t.id for t in got.logprobs} == {-1}
    with (
        LoopbackServer([Rule(pattern="", replies=("yes",))]) as server,
        pytest.raises(CapabilityError, match="gives no log-probabilities of its answers"),
    ):
        ask(server, asked)


def test_an_endpoint_keeps_the_contract_of_models():
    with LoopbackServer(UnigramModel({"a": 9.0, "b": 1.0}, context_length=999)) as server:
        uri = f"{server.url}#loopback"
        asyncio.run(check_model(lambda: open_model(uri, needs="score"), scoring=False))
        assert score(server, ScoreRequest(context="b", continuation="aaa"))[0].is_greedy


@pytest.mark.parametrize(
    ("model", "echo", "message"),
    [
        (UnigramModel(), "silent", "gives no log-probabilities of a prompt"),
        (UnigramModel(), "ignored", "does not repeat the prompt"),
        (RULES, "full", "answered 400: .*it gives no log-probabilities of a prompt"),
    ],
)
def test_an_endpoint_without_log_probabilities_says_so(model, echo, message):
    with LoopbackServer(model, echo=echo) as server:
        with pytest.raises(CapabilityError, match=message) as caught:
            score(server, ScoreRequest(context="ping", continuation=" a longer answer"))
        assert "\n" not in str(caught.value)


def test_a_text_without_context_must_fit_in_one_window():
    text = ScoreRequest(context="", continuation="a text", window=4)
    with LoopbackServer(UnigramModel()) as server:
        with pytest.raises(CapabilityError, match="6 tokens does not fit in one window of 4"):
            score(server, text)
        with pytest.raises(CapabilityError, match="no log-probability of a text's first token"):
            score(server, ScoreRequest(context="", continuation="a text"))
    refusal = Fault(kind="status", status=400)
    with LoopbackServer(UnigramModel(), faults=[refusal]) as server:
        with pytest.raises(CapabilityError, match="cut it into shorter ones"):
            score(server, ScoreRequest(context="", continuation="a text"))
        assert server.count == 1


def echoed(tokens, logprobs, tops=None):
    tops = [{t: v} if v is not None else None for t, v in zip(tokens, logprobs, strict=True)]
    logprobs = {"tokens": tokens, "token_logprobs": logprobs, "top_logprobs": tops}
    return {"choices": [{"text": "", "logprobs": logprobs}]}


def test_tokens_around_the_prompt_and_across_its_seam():
    request = ScoreRequest(context="a b", continuation="c d")
    answer = echoed(["<s>", "a", " bc", " d", "!"], [None, -1.0, -2.0, -3.0, -4.0])
    assert read_echo(answer, request, "here") == Score(
        token_logprobs=(-2.0, -3.0), byte_lengths=(1, 2), is_greedy=True
    )
    text = ScoreRequest(context="", continuation="abc d")
    answer = echoed(["<s>", "abc", " d"], [None, -1.0, 1e-9])
    assert read_echo(answer, text, "here").token_logprobs == (-1.0, 0.0)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({}, "in a form that is not the protocol's"),
        (echoed(["a", " b", "c"], [None, -1.0, "x"]), "gave 'x' for a log-probability"),
        (echoed(["a", " b", "c"], [None, -1.0, float("-inf")]), "gave -inf"),
        (echoed(["a", " ?", "c"], [None, -1.0, -1.0]), "its tokens do not add up to the text"),
    ],
)
def test_contradictions_in_an_echo(answer, message):
    with pytest.raises(ModelError, match=message):
        read_echo(answer, ScoreRequest(context="a b", continuation="c"), "here")


def test_every_fault_and_the_store_no_answer_is_asked_for_twice(tmp_path):
    """Random faults, two runs: what the server answered in full was asked for once."""
    dice = random.Random(3)
    kinds = ["rate_limit", "server_error", "dropped", "half_closed", "truncated", None, None, None]
    faults = [Fault(kind=k) if (k := dice.choice(kinds)) else None for _ in range(200)]
    prompts = [GenerationRequest(prompt=f"ping {i}", n=2) for i in range(20)]
    patient = Patience(attempts=30, pause=0.001, longest_pause=0.01)

    async def run(url, store, count):
        async with recorded(HttpModel(url, "loopback", patience=patient), store) as model:
            return await asyncio.gather(*(model.generate(r) for r in prompts[:count]))

    with LoopbackServer(RULES, faults=faults) as server:
        for count in (10, 20):
            with CallStore(tmp_path / "calls.sqlite") as store:
                answers = asyncio.run(run(server.url, store, count))
        bodies = [json.dumps(r.body, sort_keys=True) for r in server.requests]
        answered = Counter(
            body
            for number, body in enumerate(bodies)
            if number >= len(faults) or faults[number] is None
        )
    assert len(answers) == 20
    assert len(answered) == 40
    assert set(answered.values()) == {1}
    with CallStore(tmp_path / "calls.sqlite", read_only=True) as store:
        (totals,) = store.totals()
    assert (totals.calls, totals.attempts) == (40, len(bodies))
