import json

import pytest

from xgen_core import Document, InputError
from xgen_core.files import read_json
from xgen_eval import wilson_interval
from xgen_eval.tasks.continuation_choice import ContinuationChoice
from xgen_eval.tasks.multiple_choice import MultipleChoice


def corpus(n: int = 12) -> list[Document]:
    """Documents whose lines all differ."""
    return [
        Document(
            id=f"doc{d}",
            source="prose" if d % 2 else "code",
            text="\n".join(
                f"    line {i} of document {d} says {d * 97 + i * 31}" for i in range(14)
            ),
        )
        for d in range(n)
    ]


@pytest.fixture
def corpus_file(documents):
    return documents([(d.id, d.source, d.text) for d in corpus()])


def test_questions_hold_the_true_line_once_and_distractors_of_the_same_source():
    by_id = {f"{d.source}/{d.id}": d for d in corpus()}
    items = ContinuationChoice(count=50).items(corpus(), seed=3)
    assert len(items) == 50
    for item in items:
        where, line = item.id.rsplit(":", 1)
        document, number = by_id[where], int(line) - 1
        lines = document.text.split("\n")
        assert item.contexts == ("\n".join(lines[number - 8 : number]),) * 4
        assert item.continuations[item.gold] == "\n" + lines[number]
        assert len(set(item.continuations)) == 4
        for distractor in item.continuations:
            text = distractor[1:]
            assert text.startswith("    line ")
            assert any(text in d.text for d in corpus() if d.source == document.source)
            assert text not in item.contexts[0]
    assert {item.gold for item in items} == {0, 1, 2, 3}


def test_distractors_have_a_similar_length():
    # Two lines of every length from 20 to 199: the 32 nearest lie within 17 bytes, more at the
    # ends of the range and around lines that are left out.
    texts = [
        "\n".join(f"{d}{(i * 37) % 180:03}" + "x" * ((i * 37) % 180 + 16) for i in range(180))
        for d in "ab"
    ]
    documents = [Document(id=f"{i}", source="x", text=t) for i, t in enumerate(texts)]
    items = ContinuationChoice(count=100, max_context_bytes=2000).items(documents, seed=0)
    assert len(items) == 100
    for item in items:
        true = len(item.choices[item.gold])
        if 45 < true < 175:
            assert max(abs(len(choice) - true) for choice in item.choices) <= 20


def test_documents_count_alike_however_long_they_are():
    texts = {d: f"a statement of document {d} that has the number" for d in range(9)}
    documents = [
        Document(
            id=f"{d}",
            source="x",
            text="\n".join(f"{text} {i:04}" for i in range(3000 if d == 0 else 100)),
        )
        for d, text in texts.items()
    ]
    items = ContinuationChoice(count=40).items(documents, seed=0)
    asked = [item.id.split(":")[0] for item in items]
    assert asked.count("x/0") < 15  # 9 to be expected; by lines it would be 32 of 40
    offered = [c for item in items for i, c in enumerate(item.continuations) if i != item.gold]
    assert sum(texts[0] in c for c in offered) < 60  # of 120


def test_every_choice_has_the_indentation_of_the_true_line():
    documents = [
        Document(
            id=f"{d}",
            source="x",
            text="\n".join(
                " " * ((i * d) % 7) + f"statement {d} {i} ends here \t" for i in range(30)
            ),
        )
        for d in range(1, 9)
    ]
    for item in ContinuationChoice(count=60).items(documents, seed=0):
        where, line = item.id.removeprefix("x/").split(":")
        depth = ((int(line) - 1) * int(where)) % 7
        for text in item.continuations:
            assert text.startswith("\n" + " " * depth + "statement")
            assert text.endswith("here")


def test_the_seed_decides_and_other_documents_do_not():
    task = ContinuationChoice(count=20)
    assert task.items(corpus(), seed=1) == task.items(corpus(), seed=1)
    assert task.items(corpus(), seed=1) != task.items(corpus(), seed=2)
    assert task.items(corpus()[::-1], seed=1) == task.items(corpus(), seed=1)


def test_a_model_that_knows_the_text_is_always_right(doubles, corpus_file, run_task, tmp_path):
    text = "\n\n".join(d.text for d in corpus())
    task = ContinuationChoice(count=40)
    record, items = run_task(doubles.KnowsText(text), task, tmp_path / "good", [corpus_file])
    assert record.metrics["acc"].value == record.metrics["acc_norm"].value == 1
    assert record.metrics["acc"].interval == wilson_interval(40, 40)
    assert record.metrics["chance"].value == 0.25
    assert all(r["chosen"] == r["gold"] for r in items)
    assert items[0]["logprob_0"] < 0
    wrong = doubles.KnowsText(text, likes=False)
    record, _ = run_task(wrong, task, tmp_path / "bad", [corpus_file])
    assert record.metrics["acc"].value == 0


def test_ties_go_to_the_lowest_index(doubles, run_task, tmp_path):
    # Every byte costs the same: the shortest has the largest sum, and per byte all are equal.
    path = tmp_path / "questions.jsonl"
    rows = [
        {"query": "Q:", "choices": ["same", "same", "longer"], "gold": 0},
        {"query": "Q:", "choices": ["longer", "tiny", "wide"], "gold": 1},
        {"query": "Q:", "choices": ["longer", "tiny"], "gold": 0, "subject": "ignored"},
    ]
    path.write_text("".join(json.dumps(r) + "\n" for r in rows))
    model = doubles.ByteModel(lambda byte, i, left: 2.0)
    task = MultipleChoice(path=path, delimiter="")
    record, items = run_task(model, task, tmp_path / "run")
    assert [r["chosen"] for r in items] == [0, 1, 1]
    assert [r["chosen_norm"] for r in items] == [0, 0, 0]
    assert record.metrics["acc"].value == pytest.approx(2 / 3)
    assert record.metrics["acc_norm"].value == pytest.approx(2 / 3)
    assert record.metrics["chance"].value == pytest.approx((1 / 3 + 1 / 3 + 1 / 2) / 3)
    assert (record.files[0].name, record.files[0].bytes) == (path.name, path.stat().st_size)


def test_delimiter_is_scored_but_not_counted(doubles, run_task, tmp_path):
    # Letters cost nothing, a space costs 6: acc_norm divides by the choice's own bytes.
    path = tmp_path / "questions.jsonl"
    path.write_text('{"query": "Q: ", "choices": ["ab", "abc"], "gold": 1}\n')
    model = doubles.ByteModel(lambda byte, i, left: 6.0 if byte == 32 else 0.0)
    _, items = run_task(model, MultipleChoice(path=path), tmp_path / "run")
    assert items[0]["context"] == "Q:"
    assert [items[0]["continuation_0"], items[0]["logprob_0"]] == [" ab", -6]
    assert (items[0]["chosen"], items[0]["chosen_norm"]) == (0, 1)


def test_options_for_the_context(doubles, run_task, tmp_path):
    path = tmp_path / "options.jsonl"
    row = {"context_options": ["Ann so Ann", "Ann so Bo"], "continuation": "left.", "gold": 1}
    path.write_text(json.dumps(row) + "\n")
    model = doubles.KnowsText("Ann so Bo left.")
    record, items = run_task(model, MultipleChoice(path=path), tmp_path / "run")
    assert record.metrics["acc"].value == 1
    assert items[0]["context_1"] == "Ann so Bo"
    page = read_json(tmp_path / "run/sections/20-multiple_choice-0.json")
    fields = page["blocks"][1]["items"][0]["fields"]
    assert fields["1 (right) (acc) (acc_norm) -0.60 nats"] == "Ann so Bo left."


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"query": "Q", "choices": ["a", "b"], "gold": 2}', "gold 2 is out of range"),
        ('{"query": "Q", "choices": ["a", "b"], "gold": -1}', "gold -1 is out of range"),
        ('{"query": "Q", "choices": ["a"], "gold": 0}', "at least 2 choices"),
        ('{"query": "Q", "choices": ["a", ""], "gold": 0}', "empty"),
        ('{"query": " ", "choices": ["a", "b"], "gold": 0}', "empty"),
        ('{"query": "Q", "choices": "ab", "gold": 0}', "choices: expected a list"),
        ('{"query": "Q", "gold": 0}', "lacks the field 'choices'"),
        ("[1]", "expected an object"),
        ("{", "not JSON"),
    ],
)
def test_bad_questions_are_refused_with_file_and_line(doubles, run_task, tmp_path, line, message):
    path = tmp_path / "questions.jsonl"
    path.write_text('{"query": "Q", "choices": ["a", "b"], "gold": 1}\n' + line + "\n")
    model = doubles.ByteModel(doubles.unigram)
    with pytest.raises(InputError, match=r"questions\.jsonl:2: .*" + message):
        run_task(model, MultipleChoice(path=path), tmp_path / "run")


def test_documents_without_lines_are_refused():
    document = Document(id="1", source="x", text="one long line " * 50)
    with pytest.raises(InputError, match="no question can be made"):
        ContinuationChoice().items([document], seed=0)
    alike = Document(id="2", source="x", text="the very same line of text\n" * 20)
    with pytest.raises(InputError, match="no question can be made"):
        ContinuationChoice().items([alike], seed=0)


def test_lines_of_the_context_are_no_distractors():
    # Only lines of the context and the true line exist: nothing is left to choose from.
    text = "\n".join(f"this is line number {i}" for i in range(9))
    with pytest.raises(InputError):
        ContinuationChoice().items([Document(id="1", source="x", text=text)], seed=0)


def test_a_model_that_ignores_the_context_stays_at_chance(doubles, documents, run_task, tmp_path):
    # Documents of two kinds of letters and of two lengths; the model likes one kind better.
    rows = []
    for d in range(20):
        letter, count = ("ab"[d % 2], 150 if d < 4 else 30)
        rows.append((f"{d}", "x", "\n".join(f"{letter * 30} {d:02} {i:03}" for i in range(count))))
    model = doubles.ByteModel(doubles.unigram, context_length=4096)
    task = ContinuationChoice(count=400)
    record, _ = run_task(model, task, tmp_path / "run", [documents(rows)])
    low, high = wilson_interval(100, 400, 0.999)
    assert low < record.metrics["acc"].value < high
