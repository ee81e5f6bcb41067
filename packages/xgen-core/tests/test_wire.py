"""The OpenAI protocol without a network."""

import asyncio
import json

import pytest

from xgen_core import Completion, GenerationRequest, Message, TokenLogprob
from xgen_core.lm.wire import (
    BadRequest,
    PromptAnswer,
    Reply,
    chat_logprobs,
    legacy_logprobs,
    parse_body,
    parse_request,
    token_text,
)
from xgen_core.testing import UnigramModel

TALK = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
TEXT = {"model": "m", "prompt": "hi"}


def parse(body, **settings):
    return parse_request(body, chat="messages" in body, model="m", **settings)


def test_defaults_are_openais():
    asked = parse(TEXT, seed=5)
    assert asked.prompts == ("hi",)
    assert asked.for_prompt("hi") == GenerationRequest(
        prompt="hi", max_tokens=16, temperature=1.0, seed=5
    )
    assert (asked.chat, asked.generate, asked.echo, asked.stream) == (False, True, False, False)
    talk = parse(TALK, max_tokens=99)
    assert talk.generation.messages == (Message(role="user", content="hi"),)
    assert (talk.generation.max_tokens, talk.generation.logprobs) == (99, None)
    assert parse({**TEXT, "temperature": None, "stop": None, "user": "x"}) == parse(TEXT)


def test_every_setting_arrives():
    settings = {"temperature": 0.5, "top_p": 0.9, "top_k": 7, "n": 2, "seed": 3}
    asked = parse(
        {**TEXT, **settings, "max_tokens": 4, "stop": "x", "repetition_penalty": 1.2, "logprobs": 3}
    )
    assert asked.generation == GenerationRequest(
        prompt="", max_tokens=4, stop=("x",), repetition_penalty=1.2, logprobs=3, **settings
    )
    assert parse({**TEXT, "top_k": -1}).generation.top_k == 0
    assert parse({**TALK, "max_completion_tokens": 3, "max_tokens": 9}).generation.max_tokens == 3
    assert parse({**TALK, "logprobs": True, "top_logprobs": 2}).generation.logprobs == 2
    assert parse({**TALK, "logprobs": False}).generation.logprobs is None


def test_prompts_come_in_four_forms():
    for prompt, expected in [
        (["a", "b"], ("a", "b")),
        ([1, 2], ((1, 2),)),
        ([[1, 2], [3]], ((1, 2), (3,))),
    ]:
        assert parse({**TEXT, "prompt": prompt}).prompts == expected


def test_a_message_may_be_parts_and_its_author_a_developer():
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    asked = parse({**TALK, "messages": [{"role": "developer", "content": parts}]})
    assert asked.generation.messages == (Message(role="system", content="ab"),)


@pytest.mark.parametrize(
    ("body", "param", "message"),
    [
        ({**TEXT, "max_tokens": 0}, "max_tokens", "with echo only"),
        ({**TEXT, "max_tokens": "many"}, "max_tokens", "expected int, got 'many'"),
        ({**TEXT, "prompt": [[1], []]}, "prompt", "no list may be empty"),
        ({**TEXT, "prompt": ["a", 1]}, "prompt", "one string"),
        ({**TEXT, "prompt": "\ud800"}, "prompt", "lone surrogate"),
        ({**TEXT, "temperature": -1}, None, "negative"),
        ({**TEXT, "temperature": float("inf")}, "temperature", "finite"),
        ({**TEXT, "n": 10_000}, "n", "at most 128"),
        ({**TEXT, "n": 128, "prompt": ["a"] * 33}, "prompt", "at most 4096 answers"),
        ({**TEXT, "n": 2, "best_of": 3}, "best_of", "best_of 3"),
        ({**TEXT, "logprobs": 21}, "logprobs", "at most 20"),
        ({**TEXT, "stop": [""]}, None, "empty stop string"),
        ({**TEXT, "stop": 3}, "stop", "list of texts"),
        ({**TEXT, "suffix": "end"}, "suffix", "suffix is not supported"),
        ({**TEXT, "logit_bias": {"1": 2}}, "logit_bias", "not supported"),
        ({**TEXT, "presence_penalty": 0.5}, "presence_penalty", "not supported"),
        ({**TEXT, "stream": "yes"}, "stream", "expected bool"),
        ({**TALK, "tools": [{"type": "function"}]}, "tools", "not supported"),
        ({**TALK, "response_format": {"type": "json_object"}}, "response_format", "supported"),
        ({**TALK, "echo": True}, "echo", "/completions only"),
        ({**TALK, "top_logprobs": 2}, "top_logprobs", "needs logprobs"),
        ({**TALK, "messages": [{"role": "god", "content": "x"}]}, "messages", "role is one of"),
        ({**TALK, "messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
         "messages", "text only"),
    ],
)  # fmt: skip
def test_what_cannot_be_obeyed_is_refused_by_name(body, param, message):
    with pytest.raises(BadRequest, match=message) as caught:
        parse(body)
    assert (caught.value.param, caught.value.status) == (param, 400)


def test_values_that_ask_for_nothing_are_let_through():
    nothing = {"tools": [], "logit_bias": {}, "presence_penalty": 0.0, "suffix": "", "best_of": 1}
    assert parse({**TEXT, **nothing, "response_format": {"type": "text"}}) == parse(TEXT)


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'{"a": NaN}', b"[" * 100_000, b"\xff"])
def test_a_body_is_one_json_object(raw):
    with pytest.raises(BadRequest, match="JSON"):
        parse_body(raw)


def entry(raw, logprob=-1.0, **top):
    return TokenLogprob(id=0, text=token_text(raw), logprob=logprob, top=top)


def test_offsets_count_characters_and_a_hidden_token_has_none():
    raws = [b"<s>", b"a", "é".encode()[:1], "é".encode()[1:], b"bc", b"", b"d"]
    tokens = [(token_text(r), None if i == 0 else entry(r)) for i, r in enumerate(raws)]
    found = legacy_logprobs(tokens, hidden=1)
    assert found["tokens"] == ["<s>", "a", "bytes:\\xc3", "bytes:\\xa9", "bc", "", "d"]
    assert found["text_offset"] == [0, 0, 1, 1, 2, 4, 4]
    assert found["token_logprobs"] == [None] + [-1.0] * 6
    assert found["top_logprobs"][0] is None


def test_both_forms_of_log_probabilities():
    token = entry(b"a", -2.0, b=-0.5)
    assert legacy_logprobs([("a", token)])["top_logprobs"] == [{"b": -0.5, "a": -2.0}]
    (content,) = chat_logprobs([entry("é".encode()[:1], -1.5, z=-0.25)])["content"]
    assert content == {
        "token": "bytes:\\xc3",
        "logprob": -1.5,
        "bytes": [0xC3],
        "top_logprobs": [{"token": "z", "logprob": -0.25, "bytes": [122]}],
    }


def test_chunks_add_up_to_the_whole():
    reply = Reply(id="1", created=2, model="m", chat=True)
    done = Completion(text="ab", finish_reason="stop", prompt_tokens=3, completion_tokens=2)
    answer = PromptAnswer(completions=[done, done], prompt_tokens=3)
    whole = reply.whole(parse({**TALK, "n": 2}), [answer])
    assert whole["id"] == "chatcmpl-1"
    assert [c["index"] for c in whole["choices"]] == [0, 1]
    assert whole["usage"] == {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
    pieces = [reply.chunk(0, "a", first=True), reply.chunk(0, "b")]
    last = reply.chunk(0, "", finish_reason="stop")
    assert [p["choices"][0]["delta"] for p in [*pieces, last]] == [
        {"role": "assistant", "content": "a"},
        {"content": "b"},
        {},
    ]
    assert reply.usage_chunk([answer])["usage"] == whole["usage"]
    json.dumps([whole, *pieces, last], allow_nan=False)


def test_the_unigram_model_gives_what_is_asked_for():
    model = UnigramModel({"a": 3.0, "b": 1.0})
    request = GenerationRequest(prompt="ab", max_tokens=4, logprobs=2, temperature=1.0)

    async def ask():
        heard = []
        ids = model.prompt_ids(request)
        made = await model.complete(ids, request, lambda sample, text: heard.append((sample, text)))
        return made, heard, await model.read(ids, 1), await model.generate(request)

    (completion,), heard, read, generated = asyncio.run(ask())
    assert generated == [completion]
    assert "".join(text for _, text in heard) == completion.text
    assert [e.text for e in completion.logprobs] == list(completion.text)
    assert completion.logprobs[0].top == {c: model.logprob(ord(c)) for c in "ab"}
    assert read[0] is None
    assert read[1] == TokenLogprob(
        id=98, text="b", logprob=model.logprob(98), top={"a": model.logprob(97)}
    )
