import json

import pytest

from xgen_core import InputError
from xgen_core.files import read_json
from xgen_eval.tasks.summarization import Summarization


@pytest.fixture
def pairs(tmp_path):
    path = tmp_path / "pairs.jsonl"
    rows = [
        {"document": f"Cats sleep. {'They purr. ' * n}", "summary": "Cats sleep and purr."}
        for n in (10, 10, 200, 800)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_summaries_are_scored_by_length(pairs, doubles, run_task, tmp_path):
    task = Summarization(path=pairs)
    right = doubles.Writer(lambda prompt: " A cat sleeping, purring.\n")
    record, rows = run_task(right, task, tmp_path / "run")
    # stems: a cat sleep pur against cat sleep and purr
    assert record.metrics["rouge1"].value == 2 * 2 / 8
    assert record.metrics["rouge1"].n == 4
    assert record.metrics["rougeL/16-31"].n == 2
    assert [r["attr.bucket"] for r in rows] == ["16-31", "16-31", "512-1023", "2048-4095"]
    assert rows[0]["prompt"] == (
        f"Summarize the following text.\n\nCats sleep. {'They purr. ' * 10}\n\nSummary:"
    )
    plot = read_json(tmp_path / "run/sections/20-summarization-0.json")["blocks"][1]["spec"]
    assert [p["x"] for p in plot["data"]["values"]][::4] == ["16-31", "512-1023", "2048-4095"]
    record, _ = run_task(doubles.Writer(lambda prompt: "Dogs"), task, tmp_path / "wrong")
    assert record.metrics["rougeLsum"].value == 0


def test_long_documents_are_cut_and_say_so(pairs, doubles, run_task, tmp_path):
    task = Summarization(
        path=pairs, max_document_tokens=100, tokenizer="xgen", prompt="{document}|"
    )
    _, rows = run_task(doubles.Writer(lambda prompt: "x"), task, tmp_path / "run")
    assert [r["attr.cut"] for r in rows] == [False, False, True, True]
    assert rows[2]["prompt"] == rows[3]["prompt"]
    assert 250 < len(rows[2]["prompt"]) < 500
    assert rows[3]["attr.tokens"] > 2000


def test_wrong_files_and_settings_are_named(doubles, run_task, tmp_path):
    path = tmp_path / "pairs.jsonl"
    path.write_text('{"document": "d", "summary": "s"}\n{"document": "d"}\n')
    with pytest.raises(InputError, match=r"pairs.jsonl:2: .*summary"):
        run_task(doubles.Writer(str), Summarization(path=path), tmp_path / "run")
    with pytest.raises(InputError, match=r"give --set summarization\.path=FILE"):
        run_task(doubles.Writer(str), Summarization(), tmp_path / "none")
    with pytest.raises(ValueError, match=r"one \{document\}"):
        Summarization(prompt="Summarize")
