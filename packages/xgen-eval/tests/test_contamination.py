"""Findings of overlap: read as xgen-data writes them, joined to rows, and weighed."""

import hashlib
import json

import pytest

from xgen_core import InputError, Run
from xgen_core.report import Items, read_sections
from xgen_eval.analysis.contamination import clean_and_dirty, read_findings
from xgen_eval.analysis.items import open_runs
from xgen_eval.grading import Graded
from xgen_eval.statistics import fisher_exact


def hit(item, share=0.9, benchmark="quiz", **fields):
    """A line as `xgen data decontaminate` writes it."""
    return {
        "document": "d7",
        "source": "web",
        "benchmark": benchmark,
        "item": item,
        "kind": "text",
        "match": "words that were found",
        "position": 12,
        "matches": 5,
        "share": share,
        **fields,
    }


@pytest.fixture
def findings(tmp_path):
    """Write a report of findings; gives its directory."""

    def write(hits, threshold=0.5, sha256="0" * 64, name="quiz"):
        directory = tmp_path / "report"
        directory.mkdir(exist_ok=True)
        (directory / "hits.jsonl").write_text("".join(json.dumps(h) + "\n" for h in hits))
        benchmarks = [{"benchmark": name, "path": "quiz.jsonl", "sha256": sha256}]
        summary = {"ngram": 13, "minimum": 8, "threshold": threshold, "benchmarks": benchmarks}
        (directory / "summary.json").write_text(json.dumps(summary))
        return directory

    return write


@pytest.fixture
def items(made):
    def make(pattern, **settings):
        graded = [
            Graded(id=f"q{i}", scores={"acc": float(c)}, details={"prompt": f"question {i}?"})
            for i, c in enumerate(pattern)
        ]
        (run,) = open_runs([made.run("run", {"quiz": graded}, **settings)])
        return run.items("quiz")

    return make


def test_clean_and_dirty_scores(items, findings):
    task = items("1" * 9 + "0" + "1" * 20 + "0" * 20)
    report = findings([hit(f"q{i}") for i in range(10)] + [hit("q30", share=0.2)])
    (line,) = clean_and_dirty([task], read_findings(report))
    assert (line.items, line.flagged) == (50, 10)
    assert (line.dirty.value, line.clean.value) == (0.9, 0.5)
    assert line.difference == pytest.approx(0.4)
    assert line.interval[0] < 0.4 < line.interval[1]
    assert line.p == line.corrected == fisher_exact((20, 40), (9, 10))
    assert line.reading == "dirty items are higher"


def test_dirty_items_may_be_lower_and_the_interval_turns_with_them(items, findings):
    task = items("0" * 9 + "1" + "1" * 20)
    (line,) = clean_and_dirty([task], read_findings(findings([hit(f"q{i}") for i in range(10)])))
    assert line.difference == pytest.approx(-0.9)
    assert line.interval[0] < -0.9 < line.interval[1] < 0
    assert line.reading == "dirty items are lower"


def test_the_threshold_is_that_of_the_report_unless_given(items, findings):
    task = items("10" * 5)
    report = findings([hit("q1", share=0.3), hit("q2", share=0.6), hit("q2", share=0.8)], 0.2)
    assert sorted(read_findings(report).flagged(task)) == ["q1", "q2"]
    assert read_findings(report).flagged(task)["q2"].share == 0.8
    assert list(read_findings(report, threshold=0.7).flagged(task)) == ["q2"]
    (report / "summary.json").unlink()
    assert list(read_findings(report / "hits.jsonl").flagged(task)) == ["q2"]


def test_rows_are_found_by_number_where_the_file_is_the_same(items, findings):
    sha256 = hashlib.sha256(b"questions").hexdigest()  # what the double's data file holds
    task = items("10101")
    for name in ("quiz", "of-another-name"):
        hits = [hit(item, benchmark=name) for item in ("2", "4", "40")]
        report = findings(hits, sha256=sha256, name=name)
        assert sorted(read_findings(report).flagged(task)) == ["q1", "q3"]


def test_rows_are_found_by_the_checksum_of_a_text(items, findings):
    text = hashlib.sha256(b"question 3?").hexdigest()
    report = findings([{"benchmark": "quiz", "text_sha256": text}])
    assert list(read_findings(report).flagged(items("10101"))) == ["q3"]


def test_findings_that_fit_no_row_are_refused(items, findings):
    report = findings([hit("astronomy:3")])
    with pytest.raises(InputError, match=r"item 'astronomy:3', say\) is a row of quiz \(id 'q0'"):
        read_findings(report).flagged(items("10"))


def test_nothing_flagged_is_an_answer(items, findings):
    (line,) = clean_and_dirty([items("10")], read_findings(findings([hit("q0", share=0.1)])))
    assert (line.flagged, line.dirty, line.reading) == (0, None, "nothing to compare")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "hits.jsonl:1: this line is not JSON"),
        ("[]", "hits.jsonl:1: expected an object"),
        ('{"item": "1"}', "hits.jsonl:1: Finding lacks the field 'benchmark'"),
        ('{"benchmark": "quiz"}', "needs a benchmark, and an item or a text_sha256"),
        ('{"benchmark": "quiz", "item": "1", "share": 2}', "share lies in"),
    ],
)
def test_bad_findings_are_refused_with_their_line(tmp_path, line, message):
    (tmp_path / "hits.jsonl").write_text(line + "\n")
    with pytest.raises(InputError, match=message):
        read_findings(tmp_path)
    with pytest.raises(InputError, match="no such file"):
        read_findings(tmp_path / "nowhere.jsonl")


def test_slice_and_compare_take_findings(made, findings, xgen, tmp_path):
    def graded(pattern):
        return [Graded(id=f"q{i}", scores={"acc": float(c)}) for i, c in enumerate(pattern)]

    a = made.run("a", {"quiz": graded("0" * 10 + "1" * 20 + "0" * 10)})
    b = made.run("b", {"quiz": graded("1" * 10 + "1" * 20 + "0" * 10)})
    report = findings([hit(f"q{i}") for i in range(10)])
    code, out, _ = xgen("eval", "slice", b, "--contamination", report, "-o", tmp_path / "slice")
    assert code == 0
    assert "10 of 40" in out
    ((_, section),) = read_sections(Run.open(tmp_path / "slice"))
    browser = section.blocks[1]
    assert isinstance(browser, Items)
    assert len(browser.items) == 10
    assert browser.items[0].fields["found in"] == "web d7"
    assert browser.items[0].fields["words"] == "words that were found"

    code, out, _ = xgen(
        "eval", "compare", a, b, "--contamination", report, "-o", tmp_path / "compare"
    )
    assert code == 0
    assert "On items that were not flagged" in out
    stored = json.loads((tmp_path / "compare/comparison.json").read_text("utf-8"))
    assert stored["lines"][0]["verdict"] == "b is better"
    assert stored["clean"]["lines"][0]["verdict"] == "no difference shown"
    assert stored["clean"]["lines"][0]["n"] == 30
    sections = dict(read_sections(Run.open(tmp_path / "compare")))
    (changes,) = [s for name, s in sections.items() if "20-quiz" in name]
    assert changes.blocks[0].items[0].title == "q0  acc 0 → 1  (in training data)"

    code, _, err = xgen(
        "eval", "slice", b, "--contamination", findings([hit("q1", benchmark="other")])
    )
    assert (code, "findings of other, but the tasks are quiz" in err) == (1, True)
