import gzip
import json

import pytest

from xgen_core import InputError
from xgen_core.files import read_json
from xgen_eval.datasets import DataDirectory
from xgen_eval.tasks.arc import ArcChallenge

ARC = ArcChallenge.dataset
HUB_ROW = {
    "id": "Mercury_1",
    "question": "What is warm?",
    "choices": {"text": ["ice", "fire"], "label": ["A", "B"]},
    "answerKey": "B",
}


@pytest.fixture
def data(tmp_path):
    return DataDirectory(tmp_path / "data")


def write(path, rows):
    text = "".join(json.dumps(row) + "\n" for row in rows)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def test_one_form_whatever_it_came_from(data, tmp_path):
    assert data.add(ARC, "test", [write(tmp_path / "hub.jsonl.gz", [HUB_ROW])]) == 1
    (row,) = data.read(ARC, "test")
    assert (row.question, row.choices, row.gold) == ("What is warm?", ("ice", "fire"), 1)
    laid_out = {"query": "Question: What is warm?", "choices": ["ice", "fire"], "gold": 1}
    data.add(ARC, "validation", [write(tmp_path / "other.jsonl", [laid_out])])
    (other,) = data.read(ARC, "validation")
    assert (other.question, other.choices, other.gold) == (row.question, row.choices, row.gold)
    (first, second) = data.entries()
    assert first[:3] == ("arc_challenge", "test", 1)
    assert len(first[3]) == 64
    assert first[3] != second[3]  # the ids differ
    source = read_json(tmp_path / "data/arc_challenge.test.json")["source"]
    assert source["files"][0]["name"] == "hub.jsonl.gz"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({**HUB_ROW, "answerKey": "C"}, "2: not a row of arc_challenge: answerKey: 'C'"),
        ({"query": "Q", "choices": ["a", "b"], "gold": 2}, "answer 2 is out of range"),
        ({"id": "x", "choices": HUB_ROW["choices"], "answerKey": "A"}, "question: this field is"),
        (["a"], "expected an object"),
        (HUB_ROW, "two rows have the id 'Mercury_1'"),
    ],
)
def test_a_bad_row_is_named_and_nothing_is_stored(data, tmp_path, row, message):
    path = write(tmp_path / "rows.jsonl", [HUB_ROW, row])
    with pytest.raises(InputError, match=message):
        data.add(ARC, "test", [path])
    with pytest.raises(InputError, match="xgen eval data add arc_challenge FILE, or: xgen eval"):
        data.file(ARC, "test")


def test_what_is_missing_says_how_to_get_it(data, tmp_path):
    with pytest.raises(InputError, match="--split train FILE"):
        data.file(ARC, "train")
    with pytest.raises(InputError, match="no split 'dev'"):
        data.add(ARC, "dev", [tmp_path / "x.jsonl"])
    with pytest.raises(InputError, match="no such file"):
        data.add(ARC, "test", [tmp_path / "x.jsonl"])
    (tmp_path / "x.xml").write_text("<a/>")
    with pytest.raises(InputError, match=r"or \.lst"):
        data.add(ARC, "test", [tmp_path / "x.xml"])


def test_the_command_adds_and_lists(xgen, tmp_path):
    path = write(tmp_path / "rows.jsonl", [HUB_ROW])
    where = ["--data", tmp_path / "data"]
    assert xgen("eval", "data", "add", "arc_challenge", path, *where)[1].startswith(
        "arc_challenge test: 1 rows"
    )
    code, out, _ = xgen("eval", "data", "list", *where)
    assert code == 0
    assert "test 1 " in out
    code, _, err = xgen("eval", "data", "add", "arc_chalenge", path, *where)
    assert code == 1
    assert "did you mean 'arc_challenge'?" in err


def test_shots_stand_before_the_question(data, doubles, run_task, tmp_path):
    second = {**HUB_ROW, "id": "Mercury_2", "question": "What is cold?"}
    data.add(ARC, "test", [write(tmp_path / "test.jsonl", [HUB_ROW, second])])
    data.add(ARC, "train", [write(tmp_path / "train.jsonl", [second])])
    expected = (
        "Question: What is cold?\nAnswer: fire\n\nQuestion: What is warm?\nAnswer: fire\n"
        "Question: What is cold?\nAnswer: fire"
    )
    model = doubles.KnowsText(expected)
    record, rows = run_task(model, ArcChallenge(shots=1), tmp_path / "run", data=data.path)
    # the second question comes after its own example: a text that the model does not know
    assert record.metrics["acc"].value == 1 / 2
    assert rows[0]["shots"] == "Mercury_2"
    assert rows[0]["acc"] == 1
    assert [f.name for f in record.files] == [
        "arc_challenge.test.jsonl",
        "arc_challenge.train.jsonl",
    ]
