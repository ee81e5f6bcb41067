"""`xgen eval compare`: what it pairs, what it says, and what it refuses."""

import json

import numpy as np
import pytest

from xgen_core import FormatError, InputError, Run
from xgen_core.report import Items, read_sections
from xgen_eval.analysis.comparison import compare_runs, says
from xgen_eval.analysis.items import open_runs
from xgen_eval.grading import Graded
from xgen_eval.statistics import mcnemar, paired_bootstrap
from xgen_eval.tasks.bits_per_byte import BitsPerByte


def compare(*directories, **options):
    return compare_runs(open_runs(directories), **options)


def test_right_and_wrong_items_by_mcnemar(made, kit):
    a = made.run("a", {"quiz": kit.right_wrong("1" * 40 + "0" * 20 + "1" * 4 + "0" * 36)})
    b = made.run("b", {"quiz": kit.right_wrong("1" * 40 + "1" * 20 + "0" * 4 + "0" * 36)})
    (line,) = compare(a, b).lines
    assert (line.first, line.second, line.won, line.lost) == (0.44, pytest.approx(0.6), 20, 4)
    assert (line.test, line.n, line.units) == ("McNemar", 100, 100)
    assert line.p == line.corrected == mcnemar(20, 4).exact
    assert line.verdict == "b is better"
    assert line.interval[0] > 0
    (back,) = compare(b, a).lines
    assert (back.difference, back.verdict) == (-line.difference, "b is better")


def test_equal_runs_show_no_difference(made, kit):
    items = {"quiz": kit.right_wrong("10110"), "text": kit.scored([0.1, 0.5, 0.9])}
    comparison = compare(made.run("a", items), made.run("b", items))
    assert [(x.difference, x.p, x.verdict) for x in comparison.lines] == [
        (0, 1, "no difference shown")
    ] * 2


def test_graded_scores_and_clusters_by_bootstrap(made, kit):
    random = np.random.default_rng(0)
    first = random.uniform(size=40)
    second = first + random.normal(0.1, 0.2, 40)
    passages = [f"p{i // 4}" for i in range(40)]
    a = made.run("a", {"free": kit.scored(first), "read": kit.scored(first, clusters=passages)})
    b = made.run("b", {"free": kit.scored(second), "read": kit.scored(second, clusters=passages)})
    free, read = compare(a, b).lines
    expected = paired_bootstrap(second - first)
    assert (free.difference, free.stderr, free.p) == pytest.approx(
        (expected.value, expected.stderr, expected.p)
    )
    assert (free.test, free.units, read.units, read.n) == ("bootstrap", 40, 10, 40)
    assert read.p == pytest.approx(paired_bootstrap(second - first, passages).p)


def test_items_of_a_passage_are_not_independent_for_mcnemar(made, kit):
    def items(pattern):
        return [
            Graded(id=f"q{i}", scores={"acc": float(c)}, cluster=f"p{i // 5}")
            for i, c in enumerate(pattern)
        ]

    a = made.run("a", {"quiz": items("00000" * 4 + "11111")})
    b = made.run("b", {"quiz": items("11111" * 4 + "11111")})
    (line,) = compare(a, b).lines
    assert (line.test, line.units, line.won) == ("bootstrap", 5, 20)
    assert line.p > mcnemar(20, 0).exact


def test_holm_over_all_lines_decides_the_verdict(made, kit):
    wins = {f"task{i}": kit.right_wrong("0" * 7 + "1" * 20) for i in range(4)}
    more = {f"task{i}": kit.right_wrong("1" * 7 + "1" * 20) for i in range(4)}
    a, b = made.run("a", wins), made.run("b", more)
    lines = compare(a, b).lines
    assert lines[0].p == pytest.approx(2 / 128)
    assert lines[0].corrected == pytest.approx(8 / 128)
    assert {x.verdict for x in lines} == {"no difference shown"}
    (alone,) = compare(a, b, tasks=["task2"]).lines
    assert (alone.task, alone.verdict) == ("task2", "b is better")


def test_three_runs_are_each_against_the_first(made, kit):
    patterns = {"a": "01", "b": "11", "c": "00"}
    runs = [made.run(name, {"quiz": kit.right_wrong(p)}) for name, p in patterns.items()]
    comparison = compare(*runs)
    assert [(x.run, x.difference) for x in comparison.lines] == [("b", 0.5), ("c", -0.5)]
    assert comparison.models == {"a": "model-a", "b": "model-b", "c": "model-c"}


def test_runs_of_one_name_are_told_apart(made, kit, tmp_path):
    quiz = {"quiz": kit.right_wrong("01")}
    runs = [made.run("x/eval", quiz), made.run("y/eval", quiz)]
    assert [run.name for run in open_runs([*runs, runs[0]])] == ["x/eval", "y/eval", "x/eval (2)"]
    assert list(compare(*runs).models) == ["x/eval", "y/eval"]


def test_what_differs_is_said_in_one_line(made, kit):
    quiz = {"quiz": kit.right_wrong("0110")}
    a = made.run("a", quiz)
    with pytest.raises(InputError, match=r"quiz: variant 'v1' in a, 'v2' in b"):
        compare(a, made.run("b", quiz, variant="v2"))
    with pytest.raises(InputError, match=r"quiz: other data \(sha256\): questions.jsonl .* in a, "):
        compare(a, made.run("c", quiz, data="others"))
    with pytest.raises(InputError, match="quiz: only in a; other: only in d"):
        compare(a, made.run("d", {"other": kit.right_wrong("01")}))
    with pytest.raises(InputError, match="unknown task 'quizz'; did you mean 'quiz'"):
        compare(a, a, tasks=["quizz"])
    with pytest.raises(InputError, match="no metric named f1"):
        compare(a, a, metrics=["f1"])
    with pytest.raises(InputError, match="no such file"):
        compare(a, made.directory / "nowhere")


def test_scores_of_two_judges_are_not_compared(made):
    def judged(judge):
        return {"quiz": [Graded(id="q", scores={"acc": 1.0}, details={"judge": judge})]}

    a = made.run("a", judged("strict-judge"))
    with pytest.raises(InputError, match="quiz: judged by strict-judge in a, by kind-judge in b"):
        compare(a, made.run("b", judged("kind-judge")))
    assert compare(a, made.run("c", judged("strict-judge"))).lines


def test_settings_seeds_and_missing_items_are_noted(made, kit):
    a = made.run("a", {"quiz": kit.right_wrong("01101")})
    b = made.run("b", {"quiz": kit.right_wrong("0111")}, shots=5, seed=3)
    comparison = compare(a, b)
    assert comparison.lines[0].n == 4
    assert comparison.lines[0].first == 0.5
    assert list(comparison.notes) == [
        "quiz: compared on 4 shared items; a has 5, b 4",
        "quiz: shots is 0 in a, 5 in b",
        "seeds: 0 in a, 3 in b",
    ]


def test_rows_that_were_changed_are_refused(made, kit):
    a = made.run("a", {"quiz": kit.right_wrong("01")})
    rows = a / "items/quiz.jsonl"
    rows.write_text(rows.read_text().replace("0.0", "1.0"))
    with pytest.raises(FormatError, match=r"quiz\.jsonl: not what results\.json was made from"):
        compare(a, a)
    rows.unlink()
    with pytest.raises(FormatError, match="gone"):
        compare(a, a)


def test_rows_that_share_an_id_are_not_paired(made, kit):
    twice = [Graded(id="same", scores={"acc": 1.0})] * 2
    a = made.run("a", {"windows": twice, "quiz": kit.right_wrong("01")})
    comparison = compare(a, a)
    assert [line.task for line in comparison.lines] == ["quiz"]
    assert comparison.notes == ("windows: 2 rows share 1 ids, and cannot be paired",)


def test_metrics_that_are_no_mean_over_items_are_left_out(made, kit):
    from xgen_eval import Metric

    extra = {"chance": Metric(value=0.25, n=4)}
    a = made.run("a", {"quiz": kit.right_wrong("0110")}, extra=extra)
    assert [line.metric for line in compare(a, a).lines] == ["acc"]
    b = made.run("b", {"none": [Graded(id="1", scores={"other": 1.0})]})
    results = b / "results.json"
    results.write_text(results.read_text().replace('"other"', '"gone"'))
    with pytest.raises(InputError, match="none: no metric is a mean over items in both runs"):
        compare(b, b)


def test_what_is_said_of_the_measuring_is_compared_when_asked_for(made, kit):
    items = [
        Graded(id=f"q{i}", scores={"score": float(i), "unparsed": float(i == 2), "length": 3.0 * i})
        for i in range(5)
    ]
    a = made.run("a", {"talk": items})
    assert [line.metric for line in compare(a, a).lines] == ["score"]
    assert [line.metric for line in compare(a, a, metrics=["length"]).lines] == ["length"]


def test_bits_per_byte_are_weighted_by_bytes(doubles, documents, run_task, tmp_path):
    rows = [(f"{d}", "x", "ab" * (5 + 7 * d) + "c" * d) for d in range(8)]
    held_out = documents(rows)
    records = []
    for name, cost in (("a", 3.0), ("b", 2.0)):
        model = doubles.ByteModel(lambda byte, i, left, c=cost: c + byte % 3, identity=name)
        task = BitsPerByte(window=64)
        record, _ = run_task(model, task, tmp_path / name, [held_out])
        records.append(record.metrics["bits_per_byte"].value)
    (line,) = compare(tmp_path / "a", tmp_path / "b").lines
    assert (line.first, line.second) == pytest.approx(tuple(records))
    assert (line.unit, line.verdict) == ("bits/byte", "b is better")


def test_verdicts_know_which_way_is_better():
    names = ("a", "b")
    assert says("acc", "", 0.1, 0.01, names) == "b is better"
    assert says("acc/humanities", "", -0.1, 0.01, names) == "a is better"
    assert says("pass@1", "", 0.1, 0.01, names) == "b is better"
    assert says("loss", "nats/token", 0.1, 0.01, names) == "a is better"
    assert says("toxicity_probability", "", 0.1, 0.01, names) == "a is better"
    assert says("refused", "", 0.1, 0.01, names) == "b is higher"
    assert says("acc", "", 0.1, 0.06, names) == "no difference shown"
    assert says("acc", "", 0.1, None, names) == "too few units to tell"


def test_the_command_prints_writes_and_renders(made, kit, xgen, tmp_path):
    def items(pattern, text):
        return [
            Graded(
                id=f"q{i}",
                scores={"acc": float(c)},
                details={"prompt": f"question {i}", "answer": f"{text} {c}", "code": text * 30},
                attributes={"subject": "art"},
            )
            for i, c in enumerate(pattern)
        ]

    a = made.run("a", {"quiz": items("0" * 9 + "111", "first")})
    b = made.run("b", {"quiz": items("1" * 9 + "110", "second")})
    code, out, _ = xgen("eval", "compare", a, b, "-o", tmp_path / "page")
    assert code == 0
    header, row = out.splitlines()[:2]
    assert header.split()[:4] == ["task", "metric", "a", "b"]
    assert row.split()[:5] == ["quiz", "acc", "0.25", "0.9167", "0.6667"]
    assert row.endswith("b is better")
    sections = dict(read_sections(Run.open(tmp_path / "page")))
    names = [path.rpartition("/")[2] for path in sections]
    assert names == ["10-comparison.json", "20-quiz-1.json"]
    (browser,) = list(sections.values())[1].blocks
    assert isinstance(browser, Items)
    assert len(browser.items) == 10
    assert browser.items[0].title == "q0  acc 0 → 1"
    fields = browser.items[-1].fields
    assert fields["prompt"] == "question 11"
    assert fields["answer"] == "first 1 → second 0"
    assert (fields["code, a"], fields["code, b"]) == ("first" * 30, "second" * 30)
    assert "9 items are higher in b, 1 in a, 2 equal" in browser.caption
    code, out, _ = xgen("eval", "compare", a, b, "--json")
    assert json.loads(out)["lines"][0]["won"] == 9
    stored = json.loads((tmp_path / "page/comparison.json").read_text("utf-8"))
    assert stored["format"] == "xgen-comparison"
    assert stored["lines"] == json.loads(out)["lines"]
    code, _, err = xgen("eval", "compare", a)
    assert (code, "two run directories" in err) == (2, True)
