import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xgen_core import (
    ChatTemplate,
    Check,
    Completion,
    Document,
    Example,
    GenerationRequest,
    Message,
    ModelInfo,
    Preference,
    Score,
    ScoreRequest,
    Segment,
)
from xgen_core.codec import CodecError, decode, encode
from xgen_core.lm import RecordedCall
from xgen_core.lm.scripted import Rule
from xgen_core.report import Diff, Item, Items, Plot, Section, Table, Text

text = st.text(max_size=20)
name = st.text(min_size=1, max_size=8)
numbers = st.floats(allow_nan=False, allow_infinity=False)
scalar = st.none() | st.booleans() | st.integers() | numbers | text
metadata = st.dictionaries(text, scalar, max_size=3)
messages = st.lists(
    st.builds(
        Message,
        role=st.sampled_from(["system", "user", "assistant", "tool"]),
        content=text,
        trained=st.booleans(),
    ),
    min_size=1,
    max_size=3,
).map(tuple)
requests = st.builds(
    GenerationRequest,
    prompt=text,
    max_tokens=st.integers(1, 10**6),
    temperature=st.floats(0, 2),
    top_p=st.floats(0.01, 1),
    top_k=st.integers(0, 100),
    n=st.integers(1, 9),
    seed=st.integers(0, 2**40),
    stop=st.lists(name, max_size=2).map(tuple),
)
completions = st.builds(
    Completion,
    text=text,
    finish_reason=st.sampled_from(["stop", "length"]),
    prompt_tokens=st.integers(0, 99),
    completion_tokens=st.integers(0, 99),
)
scores = st.lists(st.tuples(st.floats(-1e3, 0), st.integers(1, 9)), max_size=4).map(
    lambda pairs: Score(
        token_logprobs=tuple(p for p, _ in pairs),
        byte_lengths=tuple(n for _, n in pairs),
        is_greedy=len(pairs) % 2 == 0,
    )
)
tables = st.integers(1, 3).flatmap(
    lambda n: st.builds(
        Table,
        columns=st.tuples(*[text] * n),
        rows=st.lists(st.tuples(*[scalar] * n), max_size=3).map(tuple),
        caption=text,
    )
)
blocks = st.one_of(
    tables,
    st.builds(Text, text=text),
    st.builds(Diff, before=text, after=text, caption=text),
    st.builds(
        Items,
        items=st.lists(
            st.builds(Item, title=text, fields=st.dictionaries(text, text, max_size=2)), max_size=2
        ).map(tuple),
        caption=text,
    ),
    st.builds(Plot, spec=st.fixed_dictionaries({"mark": text}), description=text, caption=text),
)
RECORDS = [
    st.builds(Document, id=name, text=text, source=name, metadata=metadata),
    st.builds(Segment, text=text, trained=st.booleans(), special=st.booleans()),
    st.builds(Example, id=text, messages=messages, task=text, metadata=metadata),
    st.builds(Preference, id=text, prompt=messages, chosen=text, rejected=text, metadata=metadata),
    st.builds(
        ChatTemplate,
        name=name,
        prefixes=st.dictionaries(text, text, max_size=2),
        suffixes=st.dictionaries(text, text, max_size=2),
        header=text,
        generation_prompt=text,
        stop=st.lists(text, max_size=2).map(tuple),
    ),
    st.builds(
        ModelInfo,
        identity=text,
        context_length=st.none() | st.integers(1, 10**6),
        tokenizer=st.none() | text,
    ),
    requests,
    messages.map(lambda m: GenerationRequest(messages=m)),
    completions,
    st.builds(ScoreRequest, context=text, continuation=name, window=st.none() | st.integers(2, 9)),
    scores,
    st.builds(Check, name=text, status=st.sampled_from(["ok", "warning", "failure"]), detail=text),
    st.builds(Rule, pattern=st.just("a+"), replies=st.lists(text, min_size=1).map(tuple)),
    st.builds(
        RecordedCall,
        model=text,
        tokenizer=st.none() | text,
        request=requests.map(lambda r: replace(r, n=1)),
        answer=completions,
    ),
    st.builds(
        RecordedCall,
        model=text,
        request=st.builds(ScoreRequest, context=text, continuation=name),
        answer=scores,
    ),
    st.builds(Section, title=text, summary=text, blocks=st.lists(blocks, max_size=3).map(tuple)),
]


@settings(max_examples=120, deadline=None, database=None)
@given(st.one_of(RECORDS))
def test_every_record_survives_json(record):
    line = json.dumps(record.to_json(), ensure_ascii=False, allow_nan=False)
    again = type(record).from_json(json.loads(line))
    assert again == record
    assert repr(again) == repr(record)  # a float stays a float, a bool a bool


@dataclass(frozen=True, kw_only=True)
class Stage:
    steps: int
    rate: float = 0.1

    def __post_init__(self):
        if self.steps < 0:
            raise ValueError(f"steps must not be negative, got {self.steps}")


@dataclass(frozen=True, kw_only=True)
class Plan:
    stages: tuple[Stage, ...]
    path: Path = Path("x")
    shape: tuple[int, int] = (1, 2)
    mode: Literal["fast", "slow"] = "fast"
    weights: Mapping[str, float] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    limit: int | None = None
    on: bool = False


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({}, "Plan lacks the field 'stages'"),
        ({"stages": [{"steps": "long"}]}, "stages.0.steps: expected int, got 'long'"),
        (
            {"stages": [], "weigths": {}},
            "unknown field of Plan 'weigths'; did you mean 'weights'?",
        ),
        (
            {"stages": [{"step": 1}]},
            "stages.0: unknown field of Stage 'step'; did you mean 'steps'?",
        ),
        ({"stages": [{"steps": -1}]}, "stages.0: steps must not be negative, got -1"),
        ({"stages": "abc"}, "stages: expected a list, got 'abc'"),
        ({"stages": 3}, "stages: expected a list, got 3"),
        ({"stages": [], "shape": [1]}, "shape: expected 2 values, got [1]"),
        ({"stages": [], "mode": "slwo"}, "mode: expected one of 'fast', 'slow', got 'slwo'"),
        ({"stages": [], "weights": {"a": "b"}}, "weights.a: expected float, got 'b'"),
        ({"stages": [], "weights": []}, "weights: expected an object, got []"),
        ({"stages": [], "limit": "x"}, "limit: expected int, got 'x'"),
        ({"stages": [], "limit": 1.5}, "limit: expected int, got 1.5"),
        ({"stages": [], "on": 1}, "on: expected bool, got 1"),
        ({"stages": [True]}, "stages.0: expected an object (Stage), got True"),
        ({"stages": [{"steps": True}]}, "stages.0.steps: expected int, got True"),
    ],
)
def test_errors_name_the_place(value, message):
    with pytest.raises(CodecError) as caught:
        decode(Plan, value)
    assert str(caught.value).startswith(message)


def test_values_take_their_declared_types():
    plan = decode(
        Plan,
        {
            "stages": [{"steps": 1e9, "rate": 1}],
            "path": "a/b",
            "shape": [3, 4],
            "weights": {"w": 1},
            "limit": None,
        },
    )
    assert plan.stages == (Stage(steps=10**9, rate=1.0),)
    assert (type(plan.stages[0].steps), type(plan.stages[0].rate)) == (int, float)
    assert (plan.path, plan.shape, plan.weights) == (Path("a/b"), (3, 4), {"w": 1.0})
    assert encode(plan)["path"] == "a/b"


def test_a_damaged_block_is_named_by_its_own_kind():
    table = {"kind": "table", "columns": ["a"], "rows": [[1, 2]]}
    with pytest.raises(CodecError, match=r"^blocks\.0: row .* has not 1 cells$"):
        Section.from_json({"title": "t", "blocks": [table]})
    with pytest.raises(CodecError, match=r"^blocks\.0: expected Text or Table or Plot"):
        Section.from_json({"title": "t", "blocks": [{"kind": "chart"}]})


def test_what_has_no_json_form_is_refused():
    with pytest.raises(TypeError, match="no JSON form for set"):
        encode({"a": {1}})
