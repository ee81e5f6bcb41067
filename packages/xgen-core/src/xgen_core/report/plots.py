"""Builders of the two plots that runs need: lines over steps, bars over categories.

They return a Vega-Lite `Plot` whose data stand under the neutral names `x`, `y` and `series`, since
Vega-Lite would read a dot or bracket in a column's own name as a path. Widths, fonts and colours
are left to the page.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from xgen_core.records import Scalar
from xgen_core.report.sections import Plot

__all__ = ["MOST_POINTS", "bar_plot", "line_plot"]

MOST_POINTS = 2000
"""Points that one series of a line plot keeps: more than a page has pixels across."""

_SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
_FEW_POINTS = 30
_Point = dict[str, Scalar]


def line_plot(
    *,
    rows: Sequence[Mapping[str, Scalar]],
    x: str,
    y: str,
    series: str | None = None,
    x_title: str = "",
    y_title: str = "",
    log_x: bool = False,
    y_range: tuple[float, float] | None = None,
    rules: Sequence[tuple[float, str]] = (),
    description: str,
    caption: str = "",
) -> Plot:
    """Lines of `y` over `x`, one for each value of `series`.

    A row without a finite number for `y` is left out. A series of more than `MOST_POINTS` keeps the
    lowest and the highest point of each of `MOST_POINTS / 2` equal stretches, so that spikes
    survive, and the caption says so.

    Args:
        rows: one mapping a point.
        x: column of numbers, or of names in the order of the rows.
        y: column of numbers.
        series: column that tells the lines apart.
        x_title: axis title; the column's name by default.
        y_title: likewise.
        log_x: logarithmic x axis; rows where x is not positive are left out, with a note.
        y_range: what the y axis spans, all values within it; None for what they need.
        rules: vertical lines `(x, label)`, for the edges between stages.
        description: what the plot shows, for those who do not see it.
        caption: the line below it.

    Raises:
        ValueError: no row has both values, or `log_x` with names on the x axis.
    """
    points = _points(rows, x, y, series)
    numeric = all(_is_number(p["x"]) for p in points)
    notes = [caption] if caption else []
    if log_x:
        if not numeric:
            raise ValueError(f"log_x needs numbers in column {x!r}")
        positive = [p for p in points if _number(p["x"]) > 0]
        if len(positive) < len(points):
            notes.append(f"{len(points) - len(positive)} points at x ≤ 0 are left out.")
        points = positive
    if not points:
        raise ValueError(f"no row has a value for both {x!r} and {y!r}")
    groups: dict[Scalar, list[_Point]] = {}
    for point in points:
        groups.setdefault(point.get("series"), []).append(point)
    if numeric:
        groups = {k: sorted(g, key=lambda p: _number(p["x"])) for k, g in groups.items()}
    longest = max(len(group) for group in groups.values())
    if longest > MOST_POINTS:
        groups = {k: _thin(group) for k, group in groups.items()}
        notes.append(
            f"Thinned from up to {longest:,} points a line to {MOST_POINTS:,}: "
            "the lowest and highest of each stretch."
        )
    kept = [point for group in groups.values() for point in group]
    x_axis: dict[str, object] = {"field": "x", "title": x_title or x}
    if numeric:
        scale: dict[str, object] = {"type": "log"} if log_x else {"zero": False}
        if longest <= _FEW_POINTS:
            scale["padding"] = 8  # points at the ends are drawn whole
        x_axis |= {"type": "quantitative", "scale": {**scale, "nice": False}}
        if all(isinstance(p["x"], int) for p in kept) and not log_x:
            x_axis["axis"] = {"tickMinStep": 1}
    else:
        x_axis |= {"type": "ordinal", "sort": None}
    encoding: dict[str, object] = {
        "x": x_axis,
        "y": {
            "field": "y",
            "title": y_title or y,
            "type": "quantitative",
            "scale": {"zero": False} if y_range is None else {"domain": list(y_range)},
        },
    }
    if series is not None:
        encoding["color"] = _colour(series)
    mark: dict[str, object] = {"type": "line", "clip": True}
    if longest <= _FEW_POINTS:
        mark["point"] = True
    layers: list[object] = [{"mark": mark, "encoding": encoding}]
    if rules:
        layers += _rules(rules, "x", {"align": "left", "baseline": "top", "dx": 4, "dy": 2})
    return _plot(kept, layers, description, notes)


def bar_plot(
    *,
    rows: Sequence[Mapping[str, Scalar]],
    x: str,
    y: str,
    series: str | None = None,
    x_title: str = "",
    y_title: str = "",
    rules: Sequence[tuple[float, str]] = (),
    description: str,
    caption: str = "",
) -> Plot:
    """Bars from zero, categories in the order of the rows.

    The column of numbers gives the bars' length: `y` numeric makes standing bars; `y` of names and
    `x` numeric lying ones, which leave room for long names.

    Args:
        rows: one mapping a bar.
        x: column along the horizontal axis.
        y: column along the vertical axis; one of the two has numbers.
        series: column that groups bars side by side inside a category.
        x_title: axis title; the column's name by default.
        y_title: likewise; none by default beside lying bars.
        rules: reference lines `(value, label)` across the bars, a published result say.
        description: what the plot shows, for those who do not see it.
        caption: the line below it.

    Raises:
        ValueError: neither column has numbers only, or there is nothing to show.
    """
    lying = not all(_is_number(r.get(y)) for r in rows if r.get(y) is not None)
    value, name = (x, y) if lying else (y, x)
    points = _points(rows, name, value, series)
    if not points:
        raise ValueError(f"no row has a value for {x!r} and a number for {y!r}, or the reverse")
    along, across = ("x", "y") if lying else ("y", "x")
    titles: dict[str, str | None] = {"x": x_title or x, "y": y_title or y}
    if lying:
        titles["y"] = y_title or None  # names that stand beside their bars explain themselves
    category: dict[str, object] = {
        "field": "x",
        "type": "nominal",
        "sort": None,
        "title": titles[across],
    }
    if not lying:
        longest = max(len(str(p["x"])) for p in points)
        kinds = len({p["x"] for p in points})
        category["axis"] = {"labelAngle": 0 if longest * kinds <= 72 else -35}
    encoding: dict[str, object] = {
        across: category,
        along: {"field": "y", "type": "quantitative", "title": titles[along]},
    }
    if series is not None:
        encoding["color"] = _colour(series)
        encoding[f"{across}Offset"] = {"field": "series", "sort": None}
    layers: list[object] = [{"mark": {"type": "bar"}, "encoding": encoding}]
    if rules:
        above = {"align": "center", "baseline": "bottom", "dy": -3}
        layers += _rules(rules, along, above if lying else {**above, "align": "right", "dx": -2})
    plot = _plot(points, layers, description, [caption] if caption else [])
    if lying:
        return Plot(
            spec={**plot.spec, "height": {"step": 22 if series is None else 14}},
            description=plot.description,
            caption=plot.caption,
        )
    return plot


def _plot(
    points: list[_Point], layers: list[object], description: str, notes: Sequence[str]
) -> Plot:
    return Plot(
        spec={"$schema": _SCHEMA, "data": {"values": points}, "layer": layers},
        description=description,
        caption=" ".join(notes),
    )


def _points(
    rows: Sequence[Mapping[str, Scalar]], x: str, y: str, series: str | None
) -> list[_Point]:
    points: list[_Point] = []
    for row in rows:
        a, b = row.get(x), row.get(y)
        if a is None or not _is_number(b) or (isinstance(a, float) and not math.isfinite(a)):
            continue
        point: _Point = {"x": a, "y": b}
        if series is not None:
            point["series"] = "" if row.get(series) is None else str(row[series])
        points.append(point)
    return points


def _is_number(value: Scalar) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _number(value: Scalar) -> float:
    assert isinstance(value, (int, float))
    return value


def _thin(group: list[_Point]) -> list[_Point]:
    """The lowest and the highest point of each of `MOST_POINTS / 2` stretches, in order."""
    if len(group) <= MOST_POINTS:
        return group
    stretches = MOST_POINTS // 2
    kept: list[_Point] = []
    for i in range(stretches):
        begin, end = i * len(group) // stretches, (i + 1) * len(group) // stretches
        values = [_number(p["y"]) for p in group[begin:end]]
        low, high = values.index(min(values)), values.index(max(values))
        kept += [group[begin + k] for k in sorted({low, high})]
    return kept


def _colour(series: str) -> dict[str, object]:
    return {"field": "series", "type": "nominal", "sort": None, "title": series}


def _rules(
    rules: Sequence[tuple[float, str]], channel: str, label: Mapping[str, object]
) -> list[object]:
    """Lines at right angles to `channel`, with data of their own and labels placed by `label`."""
    data = {"values": [{"at": at, "label": text} for at, text in rules]}
    place: dict[str, object] = {"field": "at", "type": "quantitative"}
    end = {"y": {"value": 0}} if channel == "x" else {"x": {"value": "width"}}
    return [
        {
            "data": data,
            "mark": {"type": "rule", "strokeDash": [4, 3]},
            "encoding": {channel: place},
        },
        {
            "data": data,
            "mark": {"type": "text", **label},
            "encoding": {channel: place, **end, "text": {"field": "label", "type": "nominal"}},
        },
    ]
