import json
import random

import pytest

from xgen_core.report import Plot, bar_plot, line_plot
from xgen_core.report.plots import MOST_POINTS


def points(plot):
    return plot.spec["data"]["values"]


def rows(count, series=("a",)):
    source = random.Random(0)
    return [{"step": i, "loss": source.random(), "run": s} for s in series for i in range(count)]


def test_a_long_series_is_thinned_and_says_so():
    many = rows(50_000, ("a", "b"))
    many[777]["loss"] = 99.0
    many[778]["loss"] = -99.0
    plot = line_plot(rows=many, x="step", y="loss", series="run", description="d", caption="Loss.")
    kept = points(plot)
    for series in ("a", "b"):
        assert 1000 < sum(p["series"] == series for p in kept) <= MOST_POINTS
    assert {p["y"] for p in kept} >= {99.0, -99.0}  # spikes survive
    assert plot.caption.startswith("Loss. Thinned from up to 50,000 points a line to 2,000")
    for series in ("a", "b"):
        steps = [p["x"] for p in kept if p["series"] == series]
        assert steps == sorted(steps)
    assert len(json.dumps(plot.to_json())) < 300_000


def test_a_short_series_is_kept_whole_and_in_order():
    plot = line_plot(rows=rows(2000)[::-1], x="step", y="loss", description="d")
    assert [p["x"] for p in points(plot)] == list(range(2000))
    assert plot.caption == ""
    assert Plot.from_json(json.loads(json.dumps(plot.to_json()))) == plot


def test_gaps_and_values_that_are_no_numbers_are_left_out():
    plot = line_plot(
        rows=[
            {"x": 0, "y": 1.0},
            {"x": 1, "y": None},
            {"x": 2},
            {"x": None, "y": 1.0},
            {"x": 3, "y": float("nan")},
            {"x": 4, "y": float("inf")},
            {"x": float("nan"), "y": 1},
            {"x": 5, "y": "text"},
            {"x": 6, "y": True},
            {"x": 7, "y": 2},
        ],
        x="x",
        y="y",
        description="d",
    )
    assert points(plot) == [{"x": 0, "y": 1.0}, {"x": 7, "y": 2}]
    json.dumps(plot.to_json(), allow_nan=False)


def test_axes_take_titles_kinds_and_rules():
    plot = line_plot(
        rows=[{"a.b": 1, "c[0]": 2}, {"a.b": 10, "c[0]": 3}],
        x="a.b",
        y="c[0]",
        y_title="loss",
        log_x=True,
        rules=[(5, "stage 2")],
        description="d",
    )
    line, rule, label = plot.spec["layer"]
    x = line["encoding"]["x"]
    assert (x["field"], x["title"], x["type"], x["scale"]) == (
        "x",
        "a.b",
        "quantitative",
        {"type": "log", "padding": 8, "nice": False},
    )
    assert line["encoding"]["y"]["title"] == "loss"
    assert rule["data"]["values"] == [{"at": 5, "label": "stage 2"}]
    assert label["mark"]["type"] == "text"


def test_a_logarithmic_axis_leaves_zero_out_and_says_so():
    table = [{"x": 0, "y": 1}, {"x": 1, "y": 1}, {"x": 10, "y": 2}]
    plot = line_plot(rows=table, x="x", y="y", log_x=True, description="d")
    assert [p["x"] for p in points(plot)] == [1, 10]
    assert plot.caption == "1 points at x ≤ 0 are left out."
    with pytest.raises(ValueError, match="log_x needs numbers in column 'x'"):
        line_plot(rows=[{"x": "a", "y": 1}], x="x", y="y", log_x=True, description="d")


def test_names_on_the_x_axis_keep_their_order():
    table = [{"x": "z", "y": 1}, {"x": "a", "y": 2}]
    plot = line_plot(rows=table, x="x", y="y", description="d")
    assert [p["x"] for p in points(plot)] == ["z", "a"]
    x = plot.spec["layer"][0]["encoding"]["x"]
    assert (x["type"], x["sort"]) == ("ordinal", None)


def test_bars_stand_or_lie_by_where_the_numbers_are():
    table = [{"task": "b", "score": 0.5}, {"task": "a", "score": 1}]
    standing = bar_plot(rows=table, x="task", y="score", description="d").spec["layer"][0]
    assert standing["encoding"]["x"]["type"] == "nominal"
    assert standing["encoding"]["y"]["type"] == "quantitative"
    lying = bar_plot(
        rows=table, x="score", y="task", series="task", rules=[(0.25, "chance")], description="d"
    )
    bars = lying.spec["layer"][0]["encoding"]
    assert bars["x"]["type"] == "quantitative"
    assert bars["y"]["type"] == "nominal"
    assert "yOffset" in bars
    assert lying.spec["layer"][1]["encoding"] == {"x": {"field": "at", "type": "quantitative"}}
    assert [p["x"] for p in points(lying)] == ["b", "a"]


@pytest.mark.parametrize("build", [line_plot, bar_plot])
def test_nothing_to_show_is_refused(build):
    with pytest.raises(ValueError, match="no row has a value"):
        build(rows=[{"x": 1, "y": None}], x="x", y="y", description="d")
    with pytest.raises(ValueError, match="no row has a value"):
        build(rows=[], x="x", y="y", description="d")


def test_the_y_axis_may_span_what_is_possible():
    rows = [{"step": 1, "acc": 0.4}, {"step": 2, "acc": 0.5}]
    plot = line_plot(rows=rows, x="step", y="acc", y_range=(0, 1), description="d")
    encoding = plot.spec["layer"][0]["encoding"]
    assert encoding["y"]["scale"] == {"domain": [0, 1]}
    assert encoding["x"]["axis"] == {"tickMinStep": 1}
