import gzip
import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xgen_core import Example, InputError, Message
from xgen_data import Drop
from xgen_data.instruction import (
    FORMS,
    Checks,
    detect_form,
    is_refusal,
    read_examples,
    write_examples,
)


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def turns(example):
    return [(m.role, m.content, m.trained) for m in example.messages]


def read(path, rows, **options):
    return list(read_examples(write(path / "rows.jsonl", rows), **options))


def dropped(path, *rows, **options):
    return [item.reason for item in read(path, rows, **options) if isinstance(item, Drop)]


@pytest.mark.parametrize(
    ("row", "form", "question"),
    [
        ({"instruction": "Add.", "input": "1 2", "output": "3"}, "alpaca", "Add.\n\n1 2"),
        ({"instruction": "Add.", "input": "", "output": "3"}, "alpaca", "Add."),
        ({"instruction": "Add.", "input": "<noinput>", "output": "3"}, "alpaca", "Add."),
        ({"instruction": "Add.", "output": " 3\r\n"}, "evol", "Add."),
        (
            {"instruction": "Add.", "context": "1 2", "response": "3", "category": "closed_qa"},
            "dolly",
            "Add.\n\n1 2",
        ),
        (
            {"conversations": [{"from": "human", "value": "Add."}, {"from": "gpt", "value": "3"}]},
            "sharegpt",
            "Add.",
        ),
        (
            {
                "messages": [
                    {"role": "user", "content": [{"type": "text", "text": "Add."}]},
                    {"role": "assistant", "content": "3"},
                ]
            },
            "messages",
            "Add.",
        ),
    ],
)
def test_one_row_of_each_form(tmp_path, row, form, question):
    assert detect_form(row) == form
    (example,) = read(tmp_path, [row])
    assert turns(example) == [("user", question, False), ("assistant", "3", True)]
    assert example.metadata["instruction.form"] == form
    assert example.metadata["instruction.line"] == 1
    assert example.id.startswith(f"{form}-")


def test_provenance_stays(tmp_path):
    row = {"id": 7, "instruction": "i", "context": "", "response": "r", "category": "open_qa"}
    row |= {"license": "CC BY-SA 3.0", "generator": "people", "score": float("nan"), "more": [1]}
    (example,) = read(tmp_path, [row], licence="unused")
    assert example.task == "dolly/open_qa"
    assert dict(example.metadata) == {
        "instruction.form": "dolly",
        "instruction.file": "rows.jsonl",
        "instruction.line": 1,
        "instruction.id": "7",
        "instruction.licence": "CC BY-SA 3.0",
        "task.type": "open_qa",
        "row.generator": "people",
    }
    del row["license"]
    (example,) = read(tmp_path, [row], licence="MIT")
    assert example.metadata["instruction.licence"] == "MIT"


def test_ids_depend_on_content_alone(tmp_path):
    rows = [{"instruction": f"q{i}", "output": "a"} for i in range(5)]
    ids = {turns(e)[0][1]: e.id for e in read(tmp_path, rows)}
    again = {turns(e)[0][1]: e.id for e in read(tmp_path, [{**rows[3], "x": 1}, *rows[:2]])}
    assert len(set(ids.values())) == 5
    assert again == {name: ids[name] for name in again}


def conversation(*speakers):
    return {
        "conversations": [{"from": s, "value": f"{s} says {i}"} for i, s in enumerate(speakers)]
    }


@pytest.mark.parametrize(
    ("speakers", "reason"),
    [
        (("gpt", "human", "gpt"), "starts with assistant"),
        (("human", "human", "gpt"), "two user turns in a row"),
        (("human", "gpt", "gpt"), "two assistant turns in a row"),
        (("human",), "no answer to learn"),
        (("system", "human"), "no answer to learn"),
        (("human", "system", "gpt"), "system message in the middle"),
        (("human", "narrator"), "unknown role"),
        ((), "no turns"),
        (("human", "tool", "gpt"), "tool turn after a user turn"),
    ],
)
def test_faulty_order(tmp_path, speakers, reason):
    assert dropped(tmp_path, conversation("human", "gpt"), conversation(*speakers)) == [reason]


def test_orders_that_are_fine(tmp_path):
    good = [
        conversation("system", "human", "gpt", "human", "gpt"),
        conversation("human", "gpt", "tool", "tool", "gpt"),
        conversation("human", "gpt", "human"),
    ]
    examples = read(tmp_path, good)
    assert [len(e.messages) for e in examples] == [5, 5, 2]  # an unanswered question is cut
    assert [m.trained for m in examples[0].messages] == [False, False, True, False, True]


def test_bad_content(tmp_path):
    good = {"instruction": "q", "input": "", "output": "a"}
    reasons = dropped(
        tmp_path,
        good,
        {**good, "output": " \n"},
        {**good, "instruction": ""},
        {**good, "output": None},
        {**good, "output": 5},
        {**good, "output": "I'm sorry, but I can't help with that."},
        {**good, "output": "long" * 30},
        checks=Checks(max_characters=100),
    )
    assert reasons == [
        "empty answer",
        "empty input",
        "output is missing",
        "output is not text",
        "refusals only",
        "longer than 100 characters",
    ]


@pytest.mark.parametrize(
    ("answer", "refusal"),
    [
        ("As an AI language model, I do not have personal opinions.", True),
        ("I'm sorry, but as an AI language model I cannot do this.", True),
        ("I’m sorry, I can’t assist with that.", True),
        ("Sorry, but I cannot provide that.", True),
        ("I'm sorry for the confusion. The answer is 5.", False),
        ("I can't help falling in love with you is a song.", False),
        ("As an artist, I do not paint by numbers.", False),
        ("Unfortunately, the train was late.", False),
        ("I cannot stress enough how good it is.", False),
        ("As an AI language model, I cannot see it. But " + "here is what to do. " * 40, False),
    ],
)
def test_refusals(answer, refusal):
    assert is_refusal(answer) is refusal


def test_refusal_in_a_conversation_that_goes_on_stays(tmp_path):
    row = conversation("human", "gpt", "human", "gpt")
    row["conversations"][1]["value"] = "I cannot assist with that."
    assert not dropped(tmp_path, row)
    row["conversations"][3]["value"] = "I am unable to help."
    assert dropped(tmp_path, row) == ["refusals only"]
    assert not dropped(tmp_path, row, checks=Checks(refusals=True))


def test_array_file_and_gzip(tmp_path):
    rows = [{"instruction": f"q{i}", "input": "", "output": "a\n]"} for i in range(3)]
    expected = [e.id for e in read(tmp_path, rows)]
    array = tmp_path / "rows.json"
    array.write_text("\ufeff\n" + json.dumps(rows, indent=2), encoding="utf-8")
    examples = list(read_examples(array))
    assert [e.id for e in examples] == expected
    assert [e.metadata["instruction.line"] for e in examples] == [3, 8, 13]
    zipped = tmp_path / "rows.json.gz"
    zipped.write_bytes(gzip.compress(array.read_bytes()))
    assert [e.id for e in read_examples(zipped)] == expected
    zipped.write_bytes(zipped.read_bytes()[:-9])
    with pytest.raises(InputError, match=r"rows.json.gz: damaged gzip"):
        list(read_examples(zipped))


def test_damaged_lines_are_named(tmp_path):
    path = tmp_path / "rows.jsonl"
    good = b'{"instruction": "q", "output": "a"}\n'
    deep = b'{"instruction": ' + b"[" * 100_000 + b"\n"
    path.write_bytes(
        good + b'{"instruction": "q", "outp\n\n' + b'"text"\n' + b"\xff\n" + deep + good
    )
    items = list(read_examples(path))
    assert [isinstance(item, Example) for item in items] == [True, *[False] * 4, True]
    assert [item.example for item in items[1:5]] == [f"{path}:{n}" for n in (2, 4, 5, 6)]
    assert all(item.damaged for item in items[1:5])


@pytest.mark.parametrize(
    ("text", "line", "read_before"),
    [
        ('[{"instruction": "q", "output": "a"},\n{"instruction": "q2", "outp', 2, 1),
        ('[{"instruction": "q", "output": "a"}\n\n{"instruction": "q2"}]', 3, 1),
        ('[{"instruction": "q", "output": "a"}]\ntrailing', 2, 1),
        ('[{"instruction": "q", "output": "a"},\n5]', 2, 1),
        ('[{"instruction": "q", "output": "a"},\n', 2, 1),
    ],
)
def test_damaged_array(tmp_path, text, line, read_before):
    path = tmp_path / "rows.json"
    path.write_text(text)
    *before, last = read_examples(path)
    assert len(before) == read_before
    assert last.damaged
    assert last.example == f"{path}:{line}"


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        list(read_examples(tmp_path / "missing"))
    with pytest.raises(InputError, match="is a directory"):
        list(read_examples(tmp_path))
    for text in ("", "\n\n", "[]"):
        (tmp_path / "empty").write_text(text)
        with pytest.raises(InputError, match="no rows"):
            list(read_examples(tmp_path / "empty"))
    with pytest.raises(InputError, match=r"rows.jsonl:1: .* has the keys answer, question"):
        read(tmp_path, [{"question": "q", "answer": "a"}])
    (tmp_path / "text").write_text("Not JSON at all\nnor here\n")
    with pytest.raises(InputError, match=r"no row can be read as JSON; first at .*text:1"):
        list(read_examples(tmp_path / "text"))
    with pytest.raises(ValueError, match="did you mean 'alpaca'"):
        read_examples(tmp_path / "text", "alpacas")


def test_form_can_be_forced(tmp_path):
    row = {"instruction": "q", "input": "i", "output": "a"}
    (example,) = read(tmp_path, [row], form="evol")
    assert turns(example)[0][1] == "q"
    assert dropped(tmp_path, row, form="dolly") == ["response is missing"]


def test_round_trip(tmp_path):
    messages = (
        Message(role="user", content="q"),
        Message(role="assistant", content=" after a prefix", trained=True),
    )
    example = Example(id="mine", task="t", messages=messages, metadata={"a": 1.5})
    assert write_examples(tmp_path / "out.jsonl", [example]) == 1
    assert list(read_examples(tmp_path / "out.jsonl")) == [example]


def message(identity, parent, role="assistant", **more):
    text = f"text of {identity}"
    return {"message_id": identity, "parent_id": parent, "role": role, "text": text, **more}


TREE = [
    message("a1", "root", rank=1),
    message("root", None, "prompter", lang="en", message_tree_id="t"),
    message("a0", "root", rank=0),
    message("p", "a0", "prompter"),
    message("b1", "p", rank=1),
    message("b0", "p", rank=0),
    message("left", "b0", "prompter"),
    message("unranked", "root"),
]


def path_ids(example):
    return [m.content.removeprefix("text of ") for m in example.messages]


def test_best_path_of_a_tree(tmp_path):
    (example,) = read(tmp_path, TREE)
    assert path_ids(example) == ["root", "a0", "p", "b0"]
    assert example.metadata["instruction.tree"] == "t"
    assert example.metadata["instruction.language"] == "en"
    assert example.metadata["instruction.id"] == "b0"
    assert [e.id for e in read(tmp_path, TREE[::-1])] == [example.id]


def test_paths_in_order_and_shared_answers_trained_once(tmp_path):
    examples = read(tmp_path, TREE, paths=9)
    assert [path_ids(e)[1:] for e in examples] == [
        ["a0", "p", "b0"],
        ["a0", "p", "b1"],
        ["a1"],
        ["unranked"],
    ]
    trained = [m.content for e in examples for m in e.messages if m.trained]
    assert len(trained) == len(set(trained)) == 5
    assert [m.trained for m in examples[1].messages] == [False, False, False, True]


def test_nested_trees_are_the_same_trees(tmp_path):
    def nest(node):
        replies = [nest(m) for m in TREE if m["parent_id"] == node["message_id"]]
        return {k: v for k, v in node.items() if k != "parent_id"} | {"replies": replies}

    flat = read(tmp_path, TREE, paths=9)
    nested = read(tmp_path, [{"message_tree_id": "t", "prompt": nest(TREE[1])}], paths=9)
    assert [e.messages for e in nested] == [e.messages for e in flat]
    assert [e.id for e in nested] == [e.id for e in flat]


def test_damaged_trees(tmp_path):
    rows = [
        message("r1", None, "prompter"),
        message("x", "r1", deleted=True),
        message("y", "x", "prompter"),  # its parent is gone
        message("c1", "c2"),
        message("c2", "c1"),  # a circle
        message("r2", None, "prompter"),
        message("ok", "r2"),
        message("ok", "r2"),
        message("bad", "r2", review_result=False),
        message("who", "r2", "narrator"),
        {**message("z", "r2"), "text": None},
    ]
    items = read(tmp_path, rows, paths=9)
    assert [path_ids(e) for e in items if isinstance(e, Example)] == [["r2", "ok"]]
    assert sorted(d.reason for d in items if isinstance(d, Drop)) == [
        "message deleted",
        "message failed its review",
        "message id seen before",
        "message without id or text",
        "no way to a first prompt",
        "no way to a first prompt",
        "no way to a first prompt",
        "tree without an answer",
        "unknown role",
    ]


QUESTION = {"role": "user", "content": "q", "trained": False}
ANSWER = {"role": "assistant", "content": "a", "trained": True}


@pytest.mark.parametrize(
    ("changes", "fine"),
    [
        ({}, True),
        ({"messages": [{"role": "user", "content": "q"}, {**ANSWER}]}, True),  # defaults left out
        ({"messages": []}, False),
        ({"messages": [{**ANSWER, "role": "narrator"}]}, False),
        ({"messages": [{**ANSWER, "trained": 1}]}, False),
        ({"messages": [{**ANSWER, "content": None}]}, False),
        ({"metadata": {"nested": [1]}}, False),
        ({"id": 5}, False),
        ({"more": 5}, False),
    ],
)
def test_own_records_are_checked(tmp_path, changes, fine):
    row = {
        "id": "e",
        "task": "",
        "metadata": {"a": None, "b": True},
        "messages": [QUESTION, ANSWER],
    }
    (item,) = read(tmp_path, [row | changes])
    if fine:
        assert item == Example.from_json(row)
    else:
        assert (item.reason, item.damaged) == ("not an example record", True)


TURN = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "system", "x"]), "content": st.text(max_size=3)},
    optional={"trained": st.booleans(), "from": st.just("human"), "value": st.just("v")},
)
VALUES = st.one_of(
    st.text(max_size=5),
    st.sampled_from(["gpt", "human", "assistant", "prompter", "\ud800", "A"]),
    st.none() | st.booleans() | st.integers() | st.floats(),
    st.lists(TURN | st.text(max_size=2), max_size=4),
    st.dictionaries(st.sampled_from(["text", "role", "replies", "a"]), st.floats() | st.none()),
)
ROWS = st.sampled_from(sorted(FORMS)).flatmap(
    lambda form: st.tuples(
        st.just(form),
        st.lists(
            st.fixed_dictionaries(
                {}, optional=dict.fromkeys(sorted(FORMS[form] | {"weight", "input"}), VALUES)
            ),
            min_size=1,
            max_size=5,
        ),
    )
)


@settings(max_examples=150)
@given(ROWS)
def test_no_row_breaks_the_reader(case):
    form, rows = case
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "rows.jsonl")
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        items = list(read_examples(path, form))
        assert all(isinstance(item, Example | Drop) for item in items)
        examples = [item for item in items if isinstance(item, Example)]
        if examples:  # and what it reads it can write and read again
            write_examples(path, examples)
            again = list(read_examples(path, checks=Checks(refusals=True)))
            assert again == examples
