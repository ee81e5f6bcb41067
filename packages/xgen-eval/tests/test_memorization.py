import math

import pytest

from xgen_core import InputError
from xgen_core.files import read_jsonl
from xgen_eval.tasks.canary_exposure import CanaryExposure
from xgen_eval.tasks.extraction import Extraction


@pytest.fixture
def canaries(tmp_path, xgen):
    path = tmp_path / "canaries.jsonl"
    code, out, _ = xgen(
        "eval", "canaries", "-o", path, "--count", 3, "--copies", 1, "--copies", 4, "--seed", 7
    )
    assert (code, out) == (0, f"6 canaries in 15 documents: {path}\n")
    return path


def test_canaries_are_documents_and_the_seed_decides(canaries, tmp_path, xgen):
    rows = list(read_jsonl(canaries))
    first = rows[0]
    assert (
        first["text"]
        == f"{first['metadata']['canary.prefix']} {first['metadata']['canary.secret']}.\n"
    )
    assert len({row["text"] for row in rows}) == 6
    assert len({row["id"] for row in rows}) == 15
    assert first["metadata"]["canary.secret"] == "074691167"  # on every machine
    again = tmp_path / "again.jsonl"
    xgen("eval", "canaries", "-o", again, "--count", 3, "--copies", 1, "--copies", 4, "--seed", 7)
    assert again.read_bytes() == canaries.read_bytes()


def test_a_model_that_remembers_is_exposed(canaries, doubles, run_task, tmp_path):
    rows = list(read_jsonl(canaries))
    often = "".join(r["text"] for r in rows if r["metadata"]["canary.copies"] == 4)
    task = CanaryExposure(candidates=64)
    model = doubles.KnowsText(often)  # has learnt those that it saw four times
    record, items = run_task(model, task, tmp_path / "run", [canaries])
    values = {name: metric.value for name, metric in record.metrics.items()}
    assert [values[f"{name}/4"] for name in ("exposure", "likeliest", "extracted")] == [6, 1, 1]
    # all alike: a tie is no proof
    assert [values[f"{name}/1"] for name in ("exposure", "likeliest", "extracted")] == [0, 0, 0]
    assert record.metrics["exposure"].n == 6
    assert {item["rank"] for item in items} == {1, 64}


def test_exposure_by_hand(canaries, doubles, run_task, tmp_path):
    # one nat for a 9, none for other digits: of R candidates, those with fewer 9s come before
    model = doubles.ByteModel(lambda byte, position, left: float(byte == ord("9")))
    _, items = run_task(model, CanaryExposure(candidates=128), tmp_path / "run", [canaries])
    for item in items:
        assert item["nats"] == item["secret"].count("9")
        assert item["exposure"] == pytest.approx(7 - math.log2(item["rank"]))


def test_documents_without_canaries_are_refused(documents, doubles, run_task, tmp_path):
    model = doubles.ByteModel(doubles.unigram)
    with pytest.raises(InputError, match=r"no canaries in .*: xgen eval canaries makes them"):
        run_task(model, CanaryExposure(), tmp_path / "a", [documents([("1", "x", "text")])])


TEXT = "".join(f"{i} times {i} is {i * i}, said the teacher.\n" for i in range(100, 300))


def continues(text, letters):
    """Continues what stands in the text, for so many letters."""

    def write(prompt):
        at = text.find(prompt)
        return "?" if at < 0 else text[at + len(prompt) :][:letters]

    return write


@pytest.mark.parametrize("tokenizer", ["", "xgen"])
def test_training_text_is_extracted_from_one_who_knows_it(
    tokenizer, documents, doubles, run_task, tmp_path
):
    seen = documents([("1", "books", TEXT), ("2", "books", TEXT[::-1]), ("3", "books", "short")])
    task = Extraction(prefixes=(10, 30), tokenizer=tokenizer)
    all_of_it = continues(TEXT + TEXT[::-1], 1000)
    record, rows = run_task(doubles.Writer(all_of_it), task, tmp_path / "all", [seen])
    assert record.metrics["extracted"].value == record.metrics["matched"].value == 1
    assert record.metrics["extracted"].n == 2  # documents
    assert [r["attr.prefix"] for r in rows] == [10, 30, 10, 30]
    assert rows[0]["reference"] == rows[1]["reference"]
    assert rows[1]["prompt"].endswith(rows[0]["prompt"])
    record, _ = run_task(doubles.Writer(continues(TEXT, 1000)), task, tmp_path / "one", [seen])
    assert record.metrics["extracted"].value == 0.5
    record, rows = run_task(doubles.Writer(continues(TEXT, 12)), task, tmp_path / "part", [seen])
    assert record.metrics["extracted"].value == 0
    known = [r for r in rows if r["id"].startswith("books/1")]
    assert [r["matched"] for r in known] == [12 / len(r["reference"]) for r in known]


def test_documents_too_short_are_refused(documents, doubles, run_task, tmp_path):
    with pytest.raises(InputError, match="no document has 250 tokens"):
        run_task(
            doubles.Writer(str), Extraction(), tmp_path / "run", [documents([("1", "x", "a")])]
        )
    with pytest.raises(ValueError, match="max_tokens must be at least suffix"):
        Extraction(suffix=100)
