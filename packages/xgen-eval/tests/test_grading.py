"""What a list of graded items becomes: rows, metrics with their uncertainty, a browser."""

import pytest

from xgen_eval import clustered_mean, wilson_interval
from xgen_eval.grading import Graded, graded_result, metrics_of, part_metrics
from xgen_eval.statistics import t_interval


def items(values, clusters=(), **more):
    pairs = zip(values, clusters or [""] * len(values), strict=True)
    return [
        Graded(id=f"{i}", scores={"acc": v}, cluster=c, **more) for i, (v, c) in enumerate(pairs)
    ]


def test_right_or_wrong_is_a_proportion():
    metric = metrics_of(items([1.0, 0.0, 1.0, 1.0]))["acc"]
    assert (metric.value, metric.n) == (0.75, 4)
    assert metric.interval == wilson_interval(3, 4)
    assert metric.stderr == pytest.approx((0.75 * 0.25 / 3) ** 0.5)


def test_other_scores_get_students_interval():
    metric = metrics_of(items([0.5, 3.25, 1.0]))["acc"]
    estimate = clustered_mean([0.5, 3.25, 1.0], range(3))
    assert (metric.value, metric.stderr) == (estimate.value, estimate.stderr)
    assert metric.interval == t_interval(estimate)


def test_a_mean_of_fractions_lies_between_0_and_1():
    values = [0.1, 0.2, 0.3, 0.9]
    low, high = metrics_of(items(values))["acc"].interval
    student = t_interval(clustered_mean(values, range(4)))
    assert student[0] < 0 == low
    assert high == student[1] < 1


def test_items_that_share_a_passage_are_one_unit():
    metric = metrics_of(items([1.0, 1.0, 0.0, 0.0], ["a", "a", "b", "b"]))["acc"]
    estimate = clustered_mean([1.0, 1.0, 0.0, 0.0], ["a", "a", "b", "b"])
    assert (metric.value, metric.stderr, metric.n) == (0.5, estimate.stderr, 2)


def test_clusters_of_one_item_are_no_clusters():
    alone = metrics_of(items([1.0, 0.0, 1.0], ["a", "b", "c"]))["acc"]
    assert alone == metrics_of(items([1.0, 0.0, 1.0]))["acc"]


def test_all_right_is_not_certainty():
    metric = metrics_of(items([1.0] * 6, ["a", "a", "b", "b", "c", "c"]))["acc"]
    assert metric.value == 1
    assert metric.interval == wilson_interval(3, 3)


def test_parts_by_attribute():
    graded = [
        *items([1.0, 0.0], attributes={"group": "stem"}),
        *items([1.0], attributes={"group": "other"}),
        *items([0.0]),
    ]
    parts = part_metrics(graded, "group")
    assert {name: m.value for name, m in parts.items()} == {"acc/stem": 0.5, "acc/other": 1.0}


def test_rows_and_failures():
    graded = [
        Graded(
            id="a",
            scores={"acc": 1.0},
            details={"answer": "4"},
            attributes={"digits": 1},
            cluster="c",
        ),
        Graded(id="b", scores={"acc": 0.0}, error="the endpoint answered 500"),
    ]
    result = graded_result("t", "v1", graded, title="T", caption="C")
    assert result.items == (
        {"id": "a", "acc": 1.0, "cluster": "c", "attr.digits": 1, "answer": "4"},
        {"id": "b", "acc": 0.0, "error": "the endpoint answered 500"},
    )
    assert result.metrics["failed"].value == 0.5
    table, browser = result.sections[0].blocks
    assert "unit" not in table.columns  # nothing has one
    assert browser.items[1].fields["error"] == "the endpoint answered 500"


def test_long_texts_are_cut_on_the_page_only():
    graded = [Graded(id="a", scores={"acc": 1.0}, details={"prompt": "x" * 10_000})]
    result = graded_result("t", "v1", graded, title="T", caption="C")
    shown = result.sections[0].blocks[1].items[0].fields["prompt"]
    assert len(shown) < 4100
    assert "6,000 characters left out" in shown
    assert len(str(result.items[0]["prompt"])) == 10_000
