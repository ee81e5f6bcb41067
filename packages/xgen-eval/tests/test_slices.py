"""Results by groups of items: estimates, tests, disparity, and the command."""

import dataclasses
import json
import math

import numpy as np
import pytest

from xgen_core import InputError, Run
from xgen_core.report import Plot, Table, read_sections
from xgen_eval.analysis.items import open_runs
from xgen_eval.analysis.slices import slice_items
from xgen_eval.grading import Graded
from xgen_eval.statistics import (
    fisher_exact,
    holm,
    newcombe_interval,
    welch_difference,
    wilson_interval,
)


def grouped(counts, metric="acc", **attributes):
    """Right and wrong items of each group, given as (right, n)."""
    return [
        Graded(
            id=f"{group}-{i}",
            scores={metric: float(i < right)},
            attributes={"subject": group, **attributes},
        )
        for group, (right, n) in counts.items()
        for i in range(n)
    ]


@pytest.fixture
def items(made):
    def make(graded, name="quiz"):
        (run,) = open_runs([made.run("run", {name: graded})])
        return run.items(name)

    return make


def test_groups_with_intervals_and_against_the_rest(items):
    counts = {"art": (18, 20), "law": (9, 20), "physics": (12, 30)}
    sliced = slice_items(items(grouped(counts)), "subject")
    assert [g.name for g in sliced.groups] == ["art", "law", "physics"]
    art = sliced.groups[0]
    assert (art.n, art.units, art.value) == (20, 20, 0.9)
    assert art.interval == wilson_interval(18, 20)
    assert art.difference == pytest.approx(0.9 - 21 / 50)
    assert art.p == fisher_exact((21, 50), (18, 20))
    assert [g.corrected for g in sliced.groups] == holm([g.p for g in sliced.groups])


def test_disparity_holds_for_all_pairs(items):
    counts = {"art": (18, 20), "law": (9, 20), "physics": (12, 30)}
    found = slice_items(items(grouped(counts)), "attr.subject").disparity
    assert (found.largest, found.smallest) == ("art", "physics")
    assert found.difference == pytest.approx(0.5)
    assert found.interval == newcombe_interval((12, 30), (18, 20), 1 - 0.05 / 3)
    assert found.p == pytest.approx(3 * fisher_exact((12, 30), (18, 20)))
    assert found.ratio == pytest.approx(0.4 / 0.9)
    # delta method: variances of the log rates (1 - p) / (n p); every item its own cluster
    spread = math.sqrt((0.1 / 18 + 0.6 / 12) * 50 / 49)
    reach = math.exp(2.3940 * spread)
    assert found.ratio_interval == pytest.approx((0.4444 / reach, 0.4444 * reach), rel=1e-3)
    assert (found.reading, found.four_fifths) == ("groups differ", "")


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ({"f": (900, 1000), "m": (500, 1000)}, "below four fifths"),
        ({"f": (9, 10), "m": (5, 10)}, "below four fifths, but not surely"),
        ({"f": (900, 1000), "m": (890, 1000)}, "at least four fifths"),
        ({"f": (9, 10), "m": (8, 10)}, "at least four fifths, but not surely"),
        ({"f": (90, 100), "m": (0, 100)}, "below four fifths"),
        ({"f": (0, 10), "m": (0, 10)}, "no group has a rate above 0"),
    ],
)
def test_the_four_fifths_of_a_protected_attribute(items, counts, words):
    task = items(grouped(counts))
    assert slice_items(task, "subject", protected=True).disparity.four_fifths == words
    assert slice_items(task, "subject").disparity.four_fifths == ""


def test_equal_groups_are_rarely_called_different(items):
    task = items(grouped({f"g{i}": (1, 2) for i in range(2)}))
    random = np.random.default_rng(17)
    found = 0
    for _ in range(200):
        rows = tuple(
            {"id": f"{g}-{i}", "acc": float(random.random() < 0.6), "attr.subject": f"g{g}"}
            for g in range(6)
            for i in range(40)
        )
        mean = sum(row["acc"] for row in rows) / len(rows)
        metric = dataclasses.replace(task.record.metrics["acc"], value=mean)
        record = dataclasses.replace(task.record, metrics={"acc": metric})
        made = dataclasses.replace(task, record=record, rows=rows)
        found += slice_items(made, "subject").disparity.reading == "groups differ"
    assert found / 200 <= 0.075


def test_scores_by_welch_and_clusters_by_cluster(items):
    values = {"a": [0.1, 0.4, 0.35, 0.8], "b": [0.5, 0.9, 0.7, 0.95, 0.6]}
    graded = [
        Graded(id=f"{g}{i}", scores={"f1": v}, attributes={"kind": g})
        for g, own in values.items()
        for i, v in enumerate(own)
    ]
    found = slice_items(items(graded), "kind").disparity
    expected = welch_difference(values["a"], values["b"])
    assert (found.difference, found.interval) == (expected.value, pytest.approx(expected.interval))


def test_items_of_a_passage_are_one_unit(items):
    graded = [
        Graded(
            id=f"{g}{i}",
            scores={"acc": float((i // 4) % 2)},
            attributes={"kind": g},
            cluster=f"{g}-{i // 4}",
        )
        for g in "ab"
        for i in range(16)
    ]
    group = slice_items(items(graded), "kind").groups[0]
    assert (group.n, group.units) == (16, 4)
    assert group.interval[1] - group.interval[0] > 1


def test_items_without_the_attribute_and_small_groups(items):
    graded = [
        *grouped({"art": (3, 4), "law": (1, 1)}),
        Graded(id="x", scores={"acc": 1.0}),
        Graded(id="y", scores={"acc": 0.0}, attributes={"subject": None}),
    ]
    sliced = slice_items(items(graded), "subject")
    assert sliced.missing == 2
    assert [g.name for g in sliced.groups] == ["law", "art"]
    assert sliced.disparity is None


def test_booleans_and_other_columns_are_attributes_too(items):
    graded = [
        Graded(
            id=f"q{i}",
            scores={"acc": float(i % 3 == 0)},
            details={"gold": i % 2},
            attributes={"long": i % 2 == 0},
        )
        for i in range(12)
    ]
    task = items(graded)
    assert {g.name for g in slice_items(task, "long").groups} == {"yes", "no"}
    assert {g.name for g in slice_items(task, "gold").groups} == {"0", "1"}


def test_what_cannot_be_sliced_is_refused(items):
    task = items(grouped({"art": (3, 4)}))
    with pytest.raises(InputError, match=r"unknown attribute of items 'subjekt'; did you mean"):
        slice_items(task, "subjekt")
    with pytest.raises(InputError, match="unknown metric of items 'f1'"):
        slice_items(task, "subject", "f1")
    many = grouped({f"g{i}": (1, 1) for i in range(201)})
    with pytest.raises(InputError, match="201 values in 201 items"):
        slice_items(items(many, "many"), "subject")


def test_the_command(made, xgen, tmp_path):
    graded = grouped({"art": (18, 20), "law": (9, 20)}, gender="f")
    graded += grouped({"art2": (5, 20), "law2": (4, 20)}, gender="m")
    run = made.run("a", {"quiz": graded, "plain": [Graded(id="1", scores={"acc": 1.0})]})
    page = tmp_path / "page"
    code, out, _ = xgen(
        "eval", "slice", run, "--by", "subject", "--protected", "gender", "-o", page
    )
    assert code == 0
    assert "quiz: acc by subject" in out
    assert "below four fifths" in out
    sections = [section for _, section in read_sections(Run.open(page))]
    assert [s.title for s in sections] == ["quiz: acc by subject", "quiz: acc by gender"]
    assert [type(b) for b in sections[1].blocks] == [Table, Plot, Table]
    assert "protected" in sections[1].summary
    code, out, _ = xgen("eval", "slice", run, "--by", "subject", "--task", "quiz", "--json")
    body = json.loads(out)
    assert (code, len(body["slices"][0]["groups"])) == (0, 4)
    code, _, err = xgen("eval", "slice", run, "--by", "subject", "--task", "plain")
    assert (code, "unknown attribute" in err) == (1, True)
    code, _, err = xgen("eval", "slice", run, "--by", "colour")
    assert (code, "unknown attribute of items 'colour'" in err) == (1, True)
    code, _, err = xgen("eval", "slice", run)
    assert (code, "--by, --protected or --contamination" in err) == (2, True)
