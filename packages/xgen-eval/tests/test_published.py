"""The registry of published numbers, and how a run stands beside them."""

import json
import math

import pytest

from xgen_core import InputError, Run
from xgen_core.report import Table, Text, read_sections
from xgen_eval import Metric, read_results
from xgen_eval.grading import Graded
from xgen_eval.published import (
    find_table,
    published_section,
    published_tables,
    read_table,
    stand,
)
from xgen_eval.published.page import notes, printed_table
from xgen_eval.published.ranks import ranks

SHAPES = {
    "alpaca_eval": (16, 1),
    "humaneval": (8, 1),
    "mmlu_5_shot": (10, 5),
    "mt_bench": (33, 1),
    "zero_shot": (12, 8),
}

OWN = """\
title = "Mine"
source = "a paper"
reference = "Big"
unit = "%"

[[columns]]
name = "Quiz"
task = "quiz"
metric = "acc"
variants = ["v1", "w*"]
shots = 0
n = 400

[rows]
"Big" = [50.0]
"Small" = [20.0]
"""


@pytest.fixture
def own(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text(OWN)
    return path


def test_every_number_has_a_source_a_metric_and_an_error():
    tables = published_tables()
    assert {t.name: (len(t.models), len(t.columns)) for t in tables} == SHAPES
    for table in tables:
        assert len(table.entries) == len(table.models) * len(table.columns)
        assert table.source
        assert table.notes
        for entry in table.entries:
            assert entry.source == table.source
            assert entry.task
            assert entry.metric
            assert entry.variants
            assert entry.n > 1
            assert 0 < entry.stderr < 5
            assert 0 <= entry.value <= {"%": 100, "of 10": 10}[entry.unit]


def test_numbers_of_the_slides():
    mmlu, zero = find_table("mmlu_5_shot"), find_table("zero_shot")
    assert [e.value for e in mmlu.of("XGen-7b")] == [33.8, 30.7, 40.0, 41.5, 36.3]
    assert [e.value for e in zero.of("XGen-7b")] == [32.1, 41.2, 74.2, 64.9, 39.1, 74.3, 75.5, 40.2]
    assert [e.metric for e in zero.of("XGen-7b")] == [
        *("acc", "acc_norm", "acc_norm", "acc", "mc2", "acc", "acc", "acc_norm")
    ]
    assert [round(e.stderr, 2) for e in zero.of("XGen-7b")] == [
        *(0.39, 1.44, 0.44, 1.34, 1.71, 0.76, 1.00, 2.19)
    ]
    assert find_table("humaneval").of("XGen-7b")[0].value == 14.2
    assert find_table("alpaca_eval").of("XGen-7b-inst")[0].value == 68.8
    assert find_table("mt_bench").of("XGen-7b-inst")[0].value == 5.69


def test_groups_of_mmlu_add_up_to_the_average_but_for_the_row_that_says_so():
    table = find_table("mmlu_5_shot")
    wrong = []
    for model in table.models:
        *groups, average = table.of(model)
        assert sum(g.n for g in groups) == average.n == 14042
        mean = sum(g.value * g.n for g in groups) / average.n
        if abs(mean - average.value) > 0.1:
            wrong.append(model)
            assert "does not add up" in average.notes[0]
    assert wrong == ["XGen-7b"]


def test_notes_of_a_column_are_told_once():
    told = notes(find_table("zero_shot"))
    assert sum("mc2 is a mean of shares" in note for note in told) == 1
    assert told[-1] == "LLaMA-7b, TruthfulQA: Printed as 34, without a decimal."
    assert len(find_table("zero_shot").of("LLaMA-7b")[4].notes) == 2


def test_scores_of_humaneval_are_no_counts_of_greedy_answers():
    values = {e.model: e.value for e in find_table("humaneval").entries}
    for model in ("XGen-7b", "MPT-7b", "OpenLLaMA-7b-v2", "LLaMA-2-7b"):
        solved = values[model] / 100 * 164
        assert abs(solved - round(solved)) > 0.01


def test_order_inside_a_table_is_mostly_chance():
    by_column = {r.column: r for r in ranks(find_table("zero_shot"))}
    assert (by_column["OpenBookQA"].close, by_column["OpenBookQA"].neighbours) == (11, 11)
    assert by_column["HellaSwag"].above == ("Falcon-7b", "LLaMA-7b", "MPT-7b")
    assert by_column["BoolQ"].alike == ("LLaMA-7b", "MPT-7b", "Falcon-7b")
    # XGen 36.3 ± 0.41, LLaMA 35.1 ± 0.40 of MMLU: 1.2 is beyond 2 · 0.57
    overall = ranks(find_table("mmlu_5_shot"))[-1]
    assert "LLaMA-7b" in overall.below
    assert overall.above == ()


def test_a_run_beside_a_table_by_hand(made, kit, own):
    # ours 240 of 400 right, published 50 ± 2.5: difference 10, stderr of ours 2.4525
    results = read_results(made.run("a", {"quiz": kit.right_wrong("111" * 80 + "0" * 160)}))
    (standing,) = stand(read_table(own), results)
    ours = 100 * math.sqrt(0.6 * 0.4 / 399)
    assert (standing.state, standing.ours, standing.n) == ("comparable", pytest.approx(60), 400)
    assert standing.stderr == pytest.approx(ours)
    assert standing.difference == pytest.approx(10)
    assert standing.difference_stderr == pytest.approx(math.hypot(2.5, ours))
    assert standing.p == standing.corrected == pytest.approx(0.00428, abs=1e-4)
    assert standing.reading == "above Big"
    (other,) = stand(read_table(own), results, "Small")
    assert (other.published.value, other.reading) == (20, "above Small")


def test_near_numbers_show_no_difference(made, kit, own):
    results = read_results(made.run("a", {"quiz": kit.right_wrong("1" * 52 + "0" * 48)}))
    assert stand(read_table(own), results)[0].reading == "no difference shown"


def test_all_right_is_no_certainty(made, kit, own):
    results = read_results(made.run("a", {"quiz": kit.right_wrong("1111")}))
    (standing,) = stand(read_table(own), results)
    assert standing.stderr > 10


def test_other_variants_and_shots_are_shown_but_not_judged(made, kit, own):
    quiz = {"quiz": kit.right_wrong("10")}
    results = read_results(made.run("a", quiz, variant="v2"))
    (standing,) = stand(read_table(own), results)
    assert (standing.state, standing.ours, standing.p) == ("not comparable", 50, None)
    assert standing.reason == "variant v2, published is v1 or w*"
    (standing,) = stand(read_table(own), read_results(made.run("b", quiz, shots=5)))
    assert standing.reason == "5 shots, published with 0"
    (standing,) = stand(read_table(own), read_results(made.run("c", quiz, variant="wide")))
    assert standing.state == "comparable"


def test_cells_that_were_not_run_say_so(made, kit):
    items = [
        Graded(id=f"q{i}", scores={"acc": 1.0, "acc_norm": float(i < 40)}, attributes={})
        for i in range(100)
    ]
    run = made.run("a", {"arc_challenge": items}, variant="question-answer-v1")
    results = read_results(run)
    standings = stand(find_table("zero_shot"), results)
    assert [s.reading for s in standings] == ["not run", "no difference shown"] + ["not run"] * 6
    printed = printed_table(find_table("zero_shot"), standings)
    assert printed.rows[0] == ("this run", None, 40.0, *[None] * 6)
    assert printed.rows[1][:3] == ("XGen-7b", 32.1, 41.2)
    section = published_section(results)
    table = next(b for b in section.blocks if isinstance(b, Table))
    assert [row[-1] for row in table.rows].count("not run") == 7


def test_percentages_and_groups_find_their_numbers(made, kit):
    items = [
        Graded(
            id=f"q{i}", scores={"acc": float(i % 2)}, attributes={"group": ("stem", "other")[i % 2]}
        )
        for i in range(60)
    ]
    run = made.run("a", {"mmlu": items}, variant="original-bare-v1", shots=5, parts=("group",))
    standings = stand(find_table("mmlu_5_shot"), read_results(run))
    assert [s.ours for s in standings] == [None, 0, None, 100, 50]
    rate = {"win_rate": Metric(value=68.8, n=805, stderr=1.6, unit="%")}
    section = published_section(read_results(run))
    texts = [b.text for b in section.blocks if isinstance(b, Text)]
    assert texts[0].startswith("MMLU, five-shot")
    assert "MMLU-wavg: not comparable (5 shots, published with 0)." in texts
    run = made.run("b", {"alpaca_eval": kit.right_wrong("1")}, variant="annotations-v1", extra=rate)
    (standing,) = stand(find_table("alpaca_eval"), read_results(run))
    assert (standing.ours, standing.difference) == (68.8, 0)


def test_greedy_answers_are_not_the_published_pass_at_1(made, kit):
    items = kit.scored([0.5, 0.0, 0.1], metric="pass@1")
    sampled = "completion-v1+sampled-t0.2-p0.95-n20"
    states = {sampled: "comparable", f"{sampled}+chat": "not comparable"}
    states["completion-v1+greedy"] = "not comparable"
    for number, (variant, state) in enumerate(states.items()):
        run = made.run(f"run{number}", {"humaneval": items}, variant=variant)
        (standing,) = stand(find_table("humaneval"), read_results(run))
        assert (standing.state, standing.ours) == (state, pytest.approx(20))


def test_a_run_without_such_a_task_has_no_section(made, kit):
    assert published_section(read_results(made.run("a", {"quiz": kit.right_wrong("1")}))) is None


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[50.0]", "[50.0, 1.0]", "rows.Big: 2 values for 1 columns"),
        ("[50.0]", "[500.0]", "rows.Big: 500.0 % is no percentage"),
        ('"%"', '"of 10"', "needs a stderr"),
        ('reference = "Big"', 'reference = "Huge"', "there is no row 'Huge'"),
        ("n = 400", 'n = "many"', "columns.0.n: expected int"),
        ("n = 400", "m = 400", "unknown field of Column 'm'"),
        ('source = "a paper"', 'source = ""', "needs a source"),
        ("title", "[title", "not TOML"),
    ],
)
def test_bad_tables_are_refused(own, old, new, message):
    own.write_text(OWN.replace(old, new, 1))
    with pytest.raises(InputError, match=message):
        read_table(own)


def test_unknown_tables_and_models_are_refused(made, kit):
    with pytest.raises(InputError, match="did you mean 'zero_shot'"):
        find_table("zeroshot")
    with pytest.raises(InputError, match="no such file"):
        find_table("nowhere.toml")
    results = read_results(made.run("a", {"quiz": kit.right_wrong("1")}))
    with pytest.raises(InputError, match="unknown model 'XGen-7B'; did you mean 'XGen-7b'"):
        stand(find_table("zero_shot"), results, "XGen-7B")


def test_the_command(made, kit, own, xgen, tmp_path):
    run = made.run("a", {"quiz": kit.right_wrong("111" * 80 + "0" * 160)})
    code, out, _ = xgen(
        "eval", "compare", run, "--published", own, "--model", "Small", "-o", tmp_path / "page"
    )
    assert code == 0
    assert "above Small" in out
    assert "60.00 ± 2.45" in out
    ((_, section),) = read_sections(Run.open(tmp_path / "page"))
    assert section.title == "a beside own"
    code, out, _ = xgen("eval", "compare", run, "--published", own, "--json")
    assert json.loads(out)["own"][0]["reading"] == "above Big"
    code, _, err = xgen("eval", "compare", run, "--published")
    assert (code, "no published table has one of its tasks" in err) == (1, True)
    code, _, err = xgen("eval", "compare", run, run, "--published")
    assert (code, "takes one run directory" in err) == (2, True)
    code, _, err = xgen("eval", "compare", run, run, "--model", "Big")
    assert (code, "goes with --published" in err) == (2, True)
