import json
import re

import pytest

from xgen_core import InputError
from xgen_eval.datasets import DataDirectory
from xgen_eval.seeded.overlap import WordIndex
from xgen_eval.tasks.multidoc_qa import MultidocQa, OracleRow, qa_prompt

DATA = MultidocQa.dataset


@pytest.fixture
def data(tmp_path):
    """Twelve questions; the answer to the n-th is `name n`."""
    rows = [
        {
            "question": f"who did thing {i}?",
            "answers": [f"Name{i} Smith"],
            "ctxs": [{"title": f"Thing {i}", "text": f"It was name{i} smith.", "isgold": True}],
        }
        for i in range(12)
    ]
    path = tmp_path / "oracle.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    directory = tmp_path / "data"
    DataDirectory(directory).add(DATA, "test", [path])
    return directory


def reader(documents):
    """Writes what the first `documents` documents say of the thing asked for."""

    def write(prompt):
        thing = re.search(r"thing (\d+)\?", prompt)[1]
        lines = re.findall(r"^Document .*$", prompt, re.MULTILINE)[:documents]
        found = [line for line in lines if f"(Title: Thing {thing})" in line]
        return f" {found[0].partition(') ')[2]}\nmore" if found else " I cannot say.\nName0 Smith"

    return write


def test_the_prompts_are_the_papers():
    documents = [
        OracleRow(id="1", question="", answers=("a",), title="first doc", text="first doc text"),
        OracleRow(id="2", question="", answers=("a",), title="second doc", text="second doc text"),
    ]
    assert qa_prompt("test question", documents) == (
        "Write a high-quality answer for the given question using only the provided search "
        "results (some of which might be irrelevant).\n\n"
        "Document [1](Title: first doc) first doc text\n"
        "Document [2](Title: second doc) second doc text\n\nQuestion: test question\nAnswer:"
    )
    assert qa_prompt("test question", []) == "Question: test question\nAnswer:"


@pytest.mark.parametrize("distractors", ["overlap", "random"])
def test_positions_are_swept_beside_oracle_and_closed_book(
    distractors, doubles, data, run_task, tmp_path
):
    task = MultidocQa(documents=10, distractors=distractors)
    record, rows = run_task(doubles.Writer(reader(10)), task, tmp_path / "all", data=data)
    values = {name: metric.value for name, metric in record.metrics.items()}
    assert (values["best_subspan_em"], values["oracle"], values["closed_book"]) == (1, 1, 0)
    assert record.metrics["best_subspan_em"].n == 12
    assert record.variant == f"liu-2023-v1-synthesised-{distractors}"
    assert [r["attr.position"] for r in rows[2:5]] == [0, 4, 9]
    prompts = {r["id"]: r["prompt"] for r in rows}
    assert "Document [5](Title: Thing 0) It was name0 smith." in prompts["1@4"]
    assert prompts["1@4"].count("\nDocument [") == 10
    assert prompts["1@4"].count("name0 smith") == 1

    record, _ = run_task(doubles.Writer(reader(2)), task, tmp_path / "lost", data=data)
    values = {name: metric.value for name, metric in record.metrics.items()}
    assert values["best_subspan_em/0"] == values["oracle"] == 1
    assert values["best_subspan_em/9"] == values["best_subspan_em/4"] == 0
    assert (values["first_minus/4"], values["ends_minus_middle"]) == (1, 0.5)


def test_words_in_common_rank_texts_rare_ones_first():
    index = WordIndex(["the cat sat", "the dog sat", "a quark sat", "the the the", "nothing"])
    assert index.ranked("The quark, the cat?") == [0, 2, 1, 3]
    assert index.ranked("zebra") == []


def test_too_few_documents_are_refused(doubles, data, run_task, tmp_path):
    with pytest.raises(InputError, match="too few documents without an answer to question 1 "):
        run_task(doubles.Writer(reader(9)), MultidocQa(documents=13), tmp_path / "run", data=data)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"answers": [], "ctxs": []}, "answers: expected a list of texts"),
        ({"answers": ["a"], "ctxs": [{"isgold": False}]}, "expected one document with isgold"),
        ({"answers": ["a"], "ctxs": [{"title": "t"}]}, "text: this field is missing"),
    ],
)
def test_a_row_without_its_document_is_named(row, message, tmp_path):
    path = tmp_path / "oracle.jsonl"
    path.write_text(json.dumps({"question": "q", **row}))
    with pytest.raises(InputError, match=f"oracle.jsonl:1: not a row of nq_oracle: .*{message}"):
        DataDirectory(tmp_path).add(DATA, "test", [path])
