import asyncio
import json
from dataclasses import replace

import pytest

from xgen_core import (
    GenerationRequest,
    InputError,
    Message,
    ModelError,
    open_model,
)
from xgen_core.files import write_jsonl
from xgen_core.lm import RecordedCall


def ask(uri, request):
    async def run():
        async with open_model(uri) as model:
            return await model.generate(request)

    return asyncio.run(run())


@pytest.fixture
def rules(tmp_path):
    path = tmp_path / "rules.jsonl"
    write_jsonl(
        path,
        [
            {"pattern": r"capital of (?P<land>\w+)", "replies": [r"Of \g<land>: A", "B", "C"]},
            {"pattern": "count", "replies": ["one two three four END five"]},
        ],
    )
    return f"scripted:{path}"


def test_scripted_answers_by_the_first_rule_and_cycles_by_seed(rules):
    prompt = "What is the capital of France?"
    texts = [c.text for c in ask(rules, GenerationRequest(prompt=prompt, n=4))]
    assert texts == ["Of France: A", "B", "C", "Of France: A"]
    texts = [c.text for c in ask(rules, GenerationRequest(prompt=prompt, n=2, seed=1))]
    assert texts == ["B", "C"]


def test_scripted_obeys_limits_and_stop_strings(rules):
    chat = (Message(role="system", content="please"), Message(role="user", content="count"))
    (cut,) = ask(rules, GenerationRequest(messages=chat, max_tokens=2))
    assert (cut.text, cut.finish_reason, cut.completion_tokens) == ("one two", "length", 2)
    (stopped,) = ask(rules, GenerationRequest(messages=chat, stop=(" END", "three")))
    assert (stopped.text, stopped.finish_reason) == ("one two ", "stop")


def test_scripted_identity_follows_its_rules(rules, tmp_path):
    other = tmp_path / "other.jsonl"
    other.write_text('{"pattern": ".", "replies": ["x"]}\n')
    assert open_model(rules).info.identity != open_model(f"scripted:{other}").info.identity
    assert open_model(rules).info.identity == open_model(rules).info.identity


def test_scripted_refuses_what_no_rule_matches(rules):
    with pytest.raises(ModelError, match="no rule matches the prompt that ends in 'hello'"):
        ask(rules, GenerationRequest(prompt="hello"))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"pattern": "(", "replies": ["a"]}', r":1: rule '\(' is not a regular expression"),
        ('{"pattern": "a", "replies": []}', ":1: rule 'a' has no replies"),
        ('{"pattern": "a", "reply": ["b"]}', ":1: unknown field of Rule 'reply'"),
        ("", "no rules in it"),
    ],
)
def test_damaged_rules_are_refused(tmp_path, line, message):
    path = tmp_path / "rules.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(InputError, match=message):
        open_model(f"scripted:{path}")


def test_replay_repeats_what_was_recorded(rules, tmp_path):
    request = GenerationRequest(prompt="the capital of Chad", n=3)
    identity = open_model(rules).info.identity
    path = tmp_path / "calls.jsonl"
    answers = ask(rules, request)
    single = GenerationRequest(prompt=request.prompt)
    write_jsonl(
        path,
        [
            RecordedCall(model=identity, request=replace(single, seed=i), answer=c).to_json()
            for i, c in enumerate(answers)
        ],
    )
    uri = f"replay:{path}"
    assert ask(uri, request) == answers
    assert ask(uri, single) == answers[:1]
    assert open_model(uri).info.identity == identity
    with pytest.raises(ModelError, match=r"has no sample 3 .*'the capital of Chad'"):
        ask(uri, GenerationRequest(prompt=request.prompt, n=4))
    with pytest.raises(ModelError, match="has no sample 0"):
        ask(uri, GenerationRequest(prompt=request.prompt, temperature=0.5))


def test_replay_refuses_a_mixture_of_models_and_empty_files(tmp_path):
    path = tmp_path / "calls.jsonl"
    path.write_text("")
    with pytest.raises(InputError, match="no calls in it"):
        open_model(f"replay:{path}")
    call = {
        "request": {"prompt": "p"},
        "answer": {"text": "t", "finish_reason": "stop"},
    }
    path.write_text("".join(json.dumps({**call, "model": m}) + "\n" for m in ("a", "b")))
    with pytest.raises(InputError, match="calls of several models: a, b"):
        open_model(f"replay:{path}")
    for scheme in ("replay", "scripted"):
        with pytest.raises(InputError, match=r"missing\.jsonl: no such file"):
            open_model(f"{scheme}:{tmp_path / 'missing.jsonl'}")
