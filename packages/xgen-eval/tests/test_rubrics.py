import json

import pytest

from xgen_core import InputError, ModelError, Preference
from xgen_core.lm.scripted import Rule, ScriptedModel
from xgen_eval.judges.given import GivenAnswers
from xgen_eval.judges.prompted import preferences
from xgen_eval.judges.rubrics import read_rubric
from xgen_eval.tasks.rubric import Rubrics
from xgen_eval.tasks.rubric_pairs import RubricPairs


def lines(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def judge(tmp_path):
    def make(*rules):
        rows = [{"pattern": p, "replies": list(r)} for p, *r in rules]
        return f"scripted:{lines(tmp_path / 'judge.jsonl', rows)}"

    return make


CHAT = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Name a fruit."},
    {"role": "assistant", "content": "Apple."},
    {"role": "user", "content": "Another."},
]


def test_answers_are_rated_by_each_rubric(judge, run_task, tmp_path):
    answers = lines(
        tmp_path / "answers.jsonl",
        [
            {"id": "p", "prompt": "Name a fruit.", "answer": "Pear."},
            {"id": "s", "prompt": CHAT, "answer": "Stone."},
            {"id": "x", "instruction": "Name a fruit.", "output": "Xigua."},
        ],
    )
    task = Rubrics(
        answers=answers,
        judge=judge(
            ("quality: helpfulness.*Pear", "Good. [[8]]"),
            ("quality: helpfulness.*Apple.*Another.*Stone", "No fruit. [[2]]"),
            ("quality: honesty.*Stone", "[[1]]"),
            ("quality: harmlessness", "[[10]]"),
            ("Xigua", "I cannot say."),
            ("", "[[42]]"),
        ),
    )
    record, rows = run_task(GivenAnswers(answers), task, tmp_path / "run")
    assert record.metrics["helpfulness"].value == 5
    assert record.metrics["harmlessness"].value == 10
    assert (record.metrics["honesty"].value, record.metrics["honesty"].n) == (1, 1)
    # of nine judgments two say nothing and one rates out of the scale
    assert record.metrics["unparsed"].value == pytest.approx(3 / 9)
    assert rows[1]["prompt"].startswith("[system]\nBe brief.")
    assert json.loads(rows[1]["messages"]) == CHAT
    assert rows[0]["helpfulness_judgment"] == "Good. [[8]]"


def test_a_model_answers_and_is_rated(judge, run_task, tmp_path):
    prompts = lines(tmp_path / "prompts.jsonl", [{"prompt": "One"}, {"prompt": "Two"}])
    model = ScriptedModel([Rule(pattern="One", replies=(" first ",))])
    task = Rubrics(prompts=prompts, rubrics=("honesty",), judge=judge(("", "[[7]]")))
    record, rows = run_task(model, task, tmp_path / "run", allow_failures=1)
    assert record.metrics["honesty"].value == 7
    assert record.metrics["failed"].value == 0.5
    assert rows[0]["answer"] == "first"
    assert "no rule matches" in rows[1]["error"]


def test_a_judge_that_fails_is_counted_too(judge, run_task, tmp_path):
    rows = [{"id": i, "prompt": "Q", "answer_a": f"a{i}", "answer_b": f"b{i}"} for i in (1, 2)]
    pairs = lines(tmp_path / "pairs.jsonl", rows)
    settings = {"answers": pairs, "judge": judge(("a1.*b1", "[[A]]"), ("[ab]2", "[[C]]"))}
    with pytest.raises(ModelError, match=r"1 of 4 requests failed, the first \(1#2\): no rule"):
        run_task(GivenAnswers(pairs), RubricPairs(**settings), tmp_path / "run")
    given = GivenAnswers(pairs)
    task = RubricPairs(**settings)
    record, rows = run_task(given, task, tmp_path / "run2", allow_failures=1)
    assert record.metrics["failed"].value == 0.5
    assert (record.metrics["tie_rate"].value, record.metrics["tie_rate"].n) == (1, 1)
    assert "no rule matches" in rows[0]["error"]
    assert preferences(rows).left_out == {"failed": 1, "tie": 1}


def test_a_file_of_answers_is_not_another_models(judge, run_task, tmp_path):
    answers = lines(tmp_path / "answers.jsonl", [{"prompt": "p", "answer": "a"}])
    task = Rubrics(answers=answers, judge=judge(("", "[[7]]")))
    with pytest.raises(InputError, match="answers that scripted did not write"):
        run_task(ScriptedModel([]), task, tmp_path / "run")


def test_a_rubric_of_ones_own(judge, run_task, tmp_path):
    file = tmp_path / "rubrics.toml"
    text = 'criterion = "Few words."\nlow = "long"\nhigh = "short"\nlowest = 0\nhighest = 3\n'
    file.write_text(f"[brevity]\n{text}[warmth]\n{text}", encoding="utf-8")
    rubric = read_rubric(f"{file}:brevity")
    system, _ = rubric.single((), "x")
    assert "from 0 (long) to 3 (short)" in system.content
    with pytest.raises(InputError, match=r"holds 2 rubrics \(brevity, warmth\): choose by"):
        read_rubric(f"{file}")
    with pytest.raises(InputError, match="unknown rubric 'breviti'; did you mean 'brevity'"):
        read_rubric(f"{file}:breviti")
    with pytest.raises(InputError, match="unknown rubric 'kindness'"):
        read_rubric("kindness")
    answers = lines(tmp_path / "answers.jsonl", [{"prompt": "p", "answer": "a"}])
    settings = {"answers": answers, "rubrics": (f"{file}:brevity",)}
    task = Rubrics(judge=judge(("", "[[0]]", "[[3]]")), repeats=2, **settings)
    record, _ = run_task(GivenAnswers(answers), task, tmp_path / "run")
    assert record.metrics["brevity"].value == 1.5
    assert record.metrics["brevity_range"].value == 3
    names = {f.name for f in record.files}
    assert names == {"answers.jsonl", "rubrics.toml", "judge.jsonl"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("brevity = 1", "brevity: expected a table"),
        ("[brevity]\nlow = ''\nhigh = ''", "Rubric lacks the field 'criterion'"),
        ("[b]\ncriterion = 'x'\nlow = ''\nhigh = ''\nlowest = 5\nhighest = 5", "got 5 to 5"),
        ("[b", "not TOML"),
    ],
)
def test_rubrics_are_checked(tmp_path, text, message):
    file = tmp_path / "rubrics.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_rubric(f"{file}:b")


def test_a_pair_is_won_in_both_orders_or_not_at_all(judge, run_task, tmp_path):
    pairs = lines(
        tmp_path / "pairs.jsonl",
        [
            {"id": "win", "prompt": "Q", "answer_a": "good 1", "answer_b": "bad 1"},
            {"id": "loss", "prompt": CHAT, "answer_a": "bad 2", "answer_b": "good 2"},
            {"id": "order", "prompt": "Q", "answer_a": "one 3", "answer_b": "two 3"},
            {"id": "tie", "prompt": "Q", "answer_a": "one 4", "answer_b": "two 4"},
            {"id": "lost", "prompt": "Q", "answer_a": "one 5", "answer_b": "two 5"},
            {"id": "empty", "prompt": "Q", "answer_a": "good 6", "answer_b": ""},
        ],
    )
    task = RubricPairs(
        answers=pairs,
        judge=judge(
            (r"Answer A\]\ngood", "A quotes [[B]], but [[A]]"),
            (r"Answer B\]\ngood", "[[B]]"),
            ("(one|two) 3", "[[A]]"),
            ("(one|two) 4", "[[C]]"),
            (r"Answer A\]\none 5", "[[A]]"),
            ("", "Both are fine."),
        ),
    )
    record, rows = run_task(GivenAnswers(pairs), task, tmp_path / "run")
    verdicts = {r["id"]: r["verdict"] for r in rows}
    assert verdicts == {
        "win": "win",
        "loss": "loss",
        "order": "tie",
        "tie": "tie",
        "lost": None,
        "empty": "win",
    }
    metrics = record.metrics
    assert (metrics["win_rate"].value, metrics["win_rate"].n) == (0.4, 5)
    assert metrics["loss_rate"].value == 0.2
    assert metrics["tie_rate"].value == 0.4
    assert metrics["win_rate_adjusted"].value == pytest.approx(0.6)
    assert metrics["unparsed"].value == pytest.approx(1 / 12)
    # the order decided one of five; of nine winners the first shown was named 3 + 2 + 1 times
    assert metrics["consistent"].value == 0.8
    assert metrics["prefers_first"].value == pytest.approx(6 / 9)
    found = preferences(rows)
    assert [p.id for p in found.kept] == ["win", "loss"]
    assert found.left_out == {"empty answer": 1, "tie": 2, "unparsed": 1}
    lost = found.kept[1]
    assert (lost.chosen, lost.rejected) == ("good 2", "bad 2")
    assert [m.role for m in lost.prompt] == ["system", "user", "assistant", "user"]
    assert lost.metadata["judge.rubric"] == "helpfulness"
    assert [p.metadata["judge.share"] for p in found.kept] == [1, 1]
    assert Preference.from_json(lost.to_json()) == lost


def test_two_files_are_joined_by_id(judge, run_task, tmp_path):
    a = lines(tmp_path / "a.jsonl", [{"id": i, "prompt": "Q", "answer": f"a{i}"} for i in (1, 2)])
    b = lines(tmp_path / "b.jsonl", [{"id": i, "prompt": "Q", "answer": f"b{i}"} for i in (2, 1)])
    task = RubricPairs(answers=a, baseline=b, judge=judge(("", "[[C]]")), repeats=2)
    record, rows = run_task(GivenAnswers(a), task, tmp_path / "run")
    assert [(r["answer_a"], r["answer_b"]) for r in rows] == [("a2", "b2"), ("a1", "b1")]
    assert record.metrics["tie_rate"].value == 1
    assert "kappa" not in record.metrics  # all the same: chance agrees as well
    lines(b, [{"id": 3, "prompt": "Q", "answer": "b3"}])
    with pytest.raises(InputError, match="no line with the id '3'"):
        run_task(GivenAnswers(a), task, tmp_path / "run2")
    lines(b, [{"id": 1, "prompt": "R", "answer": "b3"}])
    with pytest.raises(InputError, match="two prompts have the id '1'"):
        run_task(GivenAnswers(a), task, tmp_path / "run3")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"prompt": "p"}, "answer_a: this field is missing .there are: prompt."),
        ({"answer_a": "a", "answer_b": "b"}, "prompt or instruction: this field is missing"),
        ({"prompt": 3, "answer_a": "a", "answer_b": "b"}, "prompt: expected a list, got 3"),
        ({"prompt": CHAT[:3], "answer_a": "a", "answer_b": "b"}, "does not end with a question"),
        ({"prompt": "p", "answer_a": "a", "answer_b": None}, "answer_b: expected str"),
    ],
)
def test_pairs_are_checked(judge, run_task, tmp_path, row, message):
    pairs = lines(tmp_path / "pairs.jsonl", [row])
    task = RubricPairs(answers=pairs, judge=judge(("", "[[C]]")))
    with pytest.raises(InputError, match=message):
        run_task(GivenAnswers(pairs), task, tmp_path / "run")
