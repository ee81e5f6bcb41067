import json

import pytest

from xgen_core import Preference
from xgen_core.files import read_jsonl
from xgen_core.lm.scripted import Rule
from xgen_core.testing import LoopbackServer


def lines(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def judge(tmp_path):
    def make(*rules):
        rows = [{"pattern": p, "replies": list(r)} for p, *r in rules]
        return f"scripted:{lines(tmp_path / 'judge.jsonl', rows)}"

    return make


@pytest.fixture
def questions(tmp_path):
    turns = ["One", "Two"]
    rows = [
        {"question_id": i, "category": "writing", "turns": [f"{t} {i}" for t in turns]}
        for i in (1, 2)
    ]
    return lines(tmp_path / "questions.jsonl", rows)


def test_mt_bench_of_a_model_leaves_its_answers(xgen, judge, questions, tmp_path):
    model = lines(tmp_path / "model.jsonl", [{"pattern": "", "replies": ["yes"]}])
    common = ["--questions", questions, "--judge", judge(("", "[[7]]", "[[9]]"))]
    run = tmp_path / "run"
    arguments = ["eval", "judge", "mt-bench", "-m", f"scripted:{model}", *common, "-o", run]
    code, out, err = xgen(*arguments, "--dry-run")
    assert code == 0, err
    assert "generate: 4 calls" in out
    assert "scripted:" in out
    assert "is asked too: 4 calls" in out
    assert not run.exists()
    code, out, err = xgen(*arguments, "--repeats", 2)
    assert code == 0, err
    assert "mt_bench  score " in out
    assert "8.0000" in out
    written = list(read_jsonl(run / "answers.jsonl"))
    assert written[0]["choices"] == [{"index": 0, "turns": ["yes", "yes"]}]
    again = ["eval", "judge", "mt-bench", run / "answers.jsonl", *common, "--json"]
    code, out, _ = xgen(*again, "-o", tmp_path / "again")
    results = json.loads(out)
    assert results["tasks"]["mt_bench"]["metrics"]["score"]["value"] == 7
    assert results["model"]["identity"].startswith("answers.jsonl:")
    code, out, _ = xgen(*again, "-o", tmp_path / "pairs", "--baseline", run / "answers.jsonl")
    assert json.loads(out)["tasks"]["mt_bench_pairs"]["metrics"]["unparsed"]["value"] == 1


def test_alpaca_leaves_annotations_that_count_the_same(xgen, judge, tmp_path):
    reference = tmp_path / "reference.json"
    rows = [{"instruction": f"Task {i}", "output": f"base {i}"} for i in range(4)]
    reference.write_text(json.dumps(rows))
    outputs = tmp_path / "outputs.json"
    outputs.write_text(json.dumps([{**r, "output": "ours"} for r in rows]))
    ranking = "[{'model': 'model_1', 'rank': 1}, {'model': 'model_2', 'rank': 2}]"
    command = ["eval", "judge", "alpaca"]
    rest = ["--reference", reference, "--judge", judge(("", ranking)), "-o", tmp_path / "run"]
    code, out, err = xgen(*command, outputs, *rest, "--both-orders", "--json")
    assert code == 0, err
    metrics = json.loads(out)["tasks"]["alpaca_eval"]["metrics"]
    assert (metrics["win_rate"]["value"], metrics["win_rate"]["unit"]) == (50, "%")
    assert metrics["prefers_first"]["value"] == 1
    annotations = tmp_path / "run" / "annotations.json"
    again = ["--annotations", annotations, "-o", tmp_path / "again", "--json"]
    code, out, err = xgen(*command, *again)
    assert code == 0, err
    assert json.loads(out)["tasks"]["alpaca_eval"]["metrics"]["win_rate"] == metrics["win_rate"]
    code, _, err = xgen(*command, outputs, *again)
    assert code == 2
    assert "annotations bring their outputs" in err


def test_pairs_become_preferences(xgen, judge, tmp_path):
    rows = [
        {"id": "1", "prompt": "Q", "answer_a": "good", "answer_b": "bad"},
        {"id": "2", "prompt": "Q", "answer_a": "so", "answer_b": "la"},
    ]
    pairs = lines(tmp_path / "pairs.jsonl", rows)
    rules = [(r"Answer A\]\ngood", "[[A]]"), (r"Answer B\]\ngood", "[[B]]"), ("", "[[C]]")]
    run, file = tmp_path / "run", tmp_path / "dpo.jsonl"
    arguments = ["eval", "judge", "pairs", pairs, "--judge", judge(*rules), "-o", run]
    code, out, err = xgen(*arguments, "--preferences", file)
    assert code == 0, err
    assert f"{file}: 1 preferences; left out: 1 tie" in out
    [preference] = read_jsonl(file, Preference.from_json)
    assert (preference.chosen, preference.rejected) == ("good", "bad")
    people = lines(tmp_path / "people.jsonl", [{"id": "1", "verdict": "win"}, {"id": "3"}])
    code, out, _ = xgen("eval", "judge", "agreement", run, people)
    assert code == 0
    assert "same      1.0000" in out
    assert "1 labels have no counterpart" in out
    code, out, _ = xgen("eval", "judge", "agreement", run, run, "--json")
    found = json.loads(out)
    assert found["kappa"] == 1
    assert found["table"] == {"tie / tie": 1, "win / win": 1}


def test_a_live_judge_is_asked_once(xgen, tmp_path):
    answers = lines(tmp_path / "answers.jsonl", [{"prompt": "p", "answer": f"a{i}"} for i in "123"])
    arguments = ["eval", "judge", "rubric", answers, "-o", tmp_path / "run"]
    arguments += ["--rubric", "honesty", "--json"]
    with LoopbackServer([Rule(pattern="", replies=("[[6]]",))]) as server:
        judge = f"{server.url}#loopback"
        code, first, err = xgen(*arguments, "--judge", judge)
        assert code == 0, err
        assert server.count == 3
        code, again, _ = xgen(*arguments, "--judge", judge)
        assert (code, again, server.count) == (0, first, 3)
    assert json.loads(first)["tasks"]["rubric"]["metrics"]["honesty"]["value"] == 6


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["rubric", "-o", "run"], 2, "give either a file of answers or --model"),
        (["rubric", "a.jsonl", "-m", "x:y", "-o", "run"], 2, "give either a file of answers"),
        (["rubric", "a.jsonl", "-o", "run"], 1, "rubric needs a judge"),
        (["rubric", "a.jsonl", "-o", "run", "--judge", "replay:no.jsonl"], 1, "no.jsonl: no such"),
        (["rubric", "a.jsonl", "-o", "run", "--judge", "x"], 2, "a model is named scheme:rest"),
        (["rubric", "a.jsonl", "-o", "run", "--set", "repeat=2"], 2, "did you mean 'repeats'"),
        (
            ["rubric", "none.jsonl", "-o", "run", "--judge", "openai:m"],
            1,
            "no such file of answers",
        ),
        (
            ["pairs", "a.jsonl", "-o", "run", "--judge", "openai:m"],
            1,
            "answer_a: this field is",
        ),
        (["agreement", "a.jsonl", "a.jsonl"], 1, "has a verdict or preference or score"),
    ],
)
def test_mistakes_are_one_line(xgen, tmp_path, monkeypatch, arguments, code, message):
    monkeypatch.chdir(tmp_path)
    lines(tmp_path / "a.jsonl", [{"id": "1", "prompt": "p", "answer": "a"}])
    found, _, err = xgen("eval", "judge", *arguments)
    assert found == code, err
    assert message in err
    assert "Traceback" not in err
