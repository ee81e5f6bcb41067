import re
from collections import Counter

import pytest

from xgen_core import InputError
from xgen_core.files import read_json
from xgen_eval.seeded.lengths import TokenCounter, largest
from xgen_eval.tasks.ruler_niah import RulerNiah
from xgen_eval.tasks.ruler_vt import RulerVt
from xgen_eval.tasks.ruler_words import RulerCwe, RulerFwe

SHORT = {"lengths": (1024, 2048), "count": 2}


def finds(prompt):
    """Every value of the keys that the question names."""
    text, _, question = prompt.partition("\nWhat ")
    keys = re.search(r" for (.+?) mentioned", question)[1].replace("and ", "").split(", ")
    needles = re.findall(r"One of the special magic \w+ for (\S+) is: (\S+)\.", text)
    return ", ".join(value for key, value in needles if key in keys)


def tracks(prompt):
    """Every variable that the value reaches, in the last text."""
    text, _, question = prompt.rpartition("Memorize and track")[2].partition("\nQuestion: ")
    holds = set()
    value = re.search(r"the value (\d+) in", question)[1]
    for variable, source in re.findall(r"VAR (\w+) = (?:VAR )?(\w+)", text):
        if source == value or source in holds:
            holds.add(variable)
    return " ".join(holds)


def counts(prompt):
    """The ten commonest words of the last list."""
    words = re.findall(r"\d+\. (\S+)", prompt.rpartition("Below is a numbered list")[2])
    return ", ".join(word for word, _ in Counter(words).most_common(10))


def frequent(prompt):
    """The three commonest words of the coded text."""
    text = prompt.partition("coded words. ")[2].partition("\nQuestion")[0]
    return " ".join(w for w, _ in Counter(text.split()).most_common(4) if w != "...")


TASKS = [
    (RulerNiah(**SHORT), finds),
    (RulerNiah(kind="multikey", key_kind="uuids", value_kind="uuids", **SHORT), finds),
    (RulerNiah(kind="multikey", haystack="needles", **SHORT), finds),
    (RulerNiah(kind="multivalue", value_kind="words", **SHORT), finds),
    (RulerNiah(kind="multiquery", **SHORT), finds),
    (RulerVt(**SHORT), tracks),
    (RulerVt(chains=3, hops=2, **SHORT), tracks),
    (RulerCwe(**SHORT), counts),
    (RulerFwe(**SHORT), frequent),
]


@pytest.mark.parametrize(("task", "solve"), TASKS)
def test_a_solver_is_right_and_silence_is_wrong(task, solve, doubles, run_task, tmp_path):
    record, rows = run_task(doubles.Writer(solve), task, tmp_path / "right")
    assert record.metrics["string_match_all"].value == 1
    assert record.metrics["string_match_all/1024"].value == 1
    record, again = run_task(doubles.Writer(lambda prompt: ""), task, tmp_path / "wrong")
    assert record.metrics["string_match_all"].value == 0
    assert [r["prompt"] for r in again] == [r["prompt"] for r in rows]
    other = run_task(doubles.Writer(solve), task, tmp_path / "other", seed=1)[1]
    assert other[0]["prompt"] != rows[0]["prompt"]


@pytest.mark.parametrize(("task", "solve"), TASKS)
def test_prompts_fill_their_length(task, solve, doubles, run_task, tmp_path):
    _, rows = run_task(doubles.Writer(solve), task, tmp_path / "run")
    for row in rows:
        spent = len(row["prompt"].encode()) / 4 + task.max_tokens
        assert row["attr.length"] * 0.9 < spent <= row["attr.length"]
        assert row["attr.tokens"] == pytest.approx(spent, abs=1)


def test_a_needle_stands_at_its_depth(doubles, run_task, tmp_path):
    task = RulerNiah(lengths=(2048,), count=1)
    record, rows = run_task(doubles.Writer(finds), task, tmp_path / "run")
    for row in rows:
        lines = row["prompt"].split("\n")[1:-1]
        (at,) = [i for i, line in enumerate(lines) if "special magic" in line]
        assert at / (len(lines) - 1) == pytest.approx(row["attr.depth"] / 100, abs=0.01)
    assert [r["attr.depth"] for r in rows] == [0, 25, 50, 75, 100]
    plots = read_json(tmp_path / "run/sections/20-ruler_niah-0.json")["blocks"]
    cells = plots[2]["spec"]["data"]["values"]
    assert [(c["x"], c["y"], c["value"]) for c in cells][:2] == [
        ("2048", "0", 1),
        ("2048", "25", 1),
    ]
    assert record.variant == "needles-v1-4-bytes-a-token"


def test_documents_may_be_the_haystack(doubles, documents, run_task, tmp_path):
    held_out = documents([("1", "x", "A cat sat. It was fat! Was it? " * 9), ("2", "x", "So. No.")])
    task = RulerNiah(haystack="documents", lengths=(1024,), count=1)
    record, rows = run_task(doubles.Writer(finds), task, tmp_path / "run", [held_out])
    assert record.metrics["string_match_all"].value == 1
    assert "A cat sat. It was fat!" in rows[0]["prompt"]
    with pytest.raises(InputError, match="give --documents"):
        run_task(doubles.Writer(finds), task, tmp_path / "none")


def test_a_tokenizer_counts_if_it_is_named(doubles, run_task, tmp_path):
    task = RulerNiah(lengths=(1024,), count=1, depths=(50,), tokenizer="xgen")
    record, rows = run_task(doubles.Writer(finds), task, tmp_path / "run")
    counter = TokenCounter("xgen")
    assert record.variant == f"needles-v1-{counter.name}"
    assert counter.name.startswith("xgen-")
    spent = counter.count(rows[0]["prompt"]) + 128
    assert 1000 < spent == rows[0]["attr.tokens"] <= 1024


def test_a_limit_keeps_all_lengths_and_depths(doubles, run_task, tmp_path):
    _, rows = run_task(doubles.Writer(finds), RulerNiah(**SHORT), tmp_path / "run", limit=10)
    assert Counter(r["attr.length"] for r in rows) == {1024: 5, 2048: 5}


def test_lengths_too_short_for_a_prompt_are_refused(doubles, run_task, tmp_path):
    with pytest.raises(InputError, match="do not fit into 200 tokens: give longer"):
        run_task(doubles.Writer(finds), RulerNiah(lengths=(200,)), tmp_path / "run")
    for settings in ({"lengths": ()}, {"depths": (101,)}, {"count": 0}):
        with pytest.raises(ValueError):
            RulerNiah(**settings)


@pytest.mark.parametrize("top", [3, 4, 5, 17, 100])
def test_the_largest_size_is_found(top):
    assert largest(lambda size: size <= top, 3) == top
    assert largest(lambda size: size <= top, top + 1) is None


def test_spans_of_tokens_are_whole_characters():
    text = "ein süßes Wort, " * 20
    for counter in (TokenCounter(), TokenCounter("xgen")):
        parts = [counter.span(text, i, i + 7) for i in range(0, counter.count(text), 7)]
        assert all(part in text for part in parts)
        assert text.startswith(parts[0])
        assert sum(map(len, parts)) >= len(text) - 2 * len(parts)
