import dataclasses

import pytest

from xgen_core import (
    ChatTemplate,
    Document,
    Example,
    GenerationRequest,
    Message,
    Score,
    ScoreRequest,
    Segment,
)
from xgen_core.report import Table

CHAT = ChatTemplate(
    name="demo",
    header="<|begin|>",
    prefixes={"user": "### Human: ", "assistant": "###"},
    suffixes={"user": "\n", "assistant": "<|endoftext|>"},
    generation_prompt="###",
)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Document(id="", text="", source="s"), "non-empty id and source"),
        (lambda: Example(id="e", messages=()), "'e' has no messages"),
        (GenerationRequest, "exactly one of prompt and messages"),
        (
            lambda: GenerationRequest(prompt="a", messages=(Message(role="user", content="b"),)),
            "exactly one of prompt and messages",
        ),
        (lambda: GenerationRequest(prompt="", max_tokens=0), "at least 1"),
        (lambda: GenerationRequest(prompt="", n=0), "at least 1"),
        (lambda: GenerationRequest(prompt="", temperature=-1), "must not be negative, got -1"),
        (lambda: GenerationRequest(prompt="", top_p=0), "top_p lies in"),
        (lambda: GenerationRequest(prompt="", stop=("",)), "empty stop string"),
        (lambda: ScoreRequest(context="a", continuation=""), "continuation is empty"),
        (lambda: ScoreRequest(context="", continuation="a", window=1), "at least 2 tokens, got 1"),
        (
            lambda: ScoreRequest(context="", continuation="a", window=4, stride=5),
            "stride must lie in 1..window, got 5",
        ),
        (
            lambda: Score(token_logprobs=(-1.0,), byte_lengths=(), is_greedy=True),
            "differ in length",
        ),
        (lambda: Table(columns=("a",), rows=((1, 2),)), "has not 1 cells"),
    ],
)
def test_values_that_contradict_themselves_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_records_are_frozen():
    segment = Segment(text="a", trained=True)
    with pytest.raises(dataclasses.FrozenInstanceError):
        segment.text = "b"
    assert dataclasses.replace(segment, text="b") == Segment(text="b", trained=True)


def test_a_conversation_renders_to_segments():
    turns = (
        Message(role="user", content="Hi <|endoftext|>"),
        Message(role="assistant", content="Hello.", trained=True),
    )
    segments = CHAT.render(turns, generate=True)
    joined = "<|begin|>### Human: Hi <|endoftext|>\n###Hello.<|endoftext|>###"
    assert "".join(s.text for s in segments) == joined
    trained = [s.text for s in segments if s.trained]
    assert trained == ["Hello.", "<|endoftext|>"]
    assert [s.special for s in segments if "Hi <|endoftext|>" in s.text] == [False]
    assert all(s.text for s in segments)


def test_a_role_without_a_form_is_refused():
    with pytest.raises(ValueError, match="'demo' has no form for role 'tool'"):
        CHAT.render((Message(role="tool", content="x"),))


def test_a_score_sums_its_tokens():
    score = Score(token_logprobs=(-1.0, -0.5), byte_lengths=(1, 2), is_greedy=False)
    assert score.logprob == -1.5
