"""Dots with their intervals: figures beside each other, and differences beside zero."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xgen_core.report import Plot

__all__ = ["Dot", "interval_plot"]

_SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
_ROW, _STEP = 24, 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """One dot.

    Attributes:
        label: the line that it stands on.
        value: where.
        interval: how far its bar reaches; None for no bar.
        series: tells dots of one line apart by colour.
    """

    label: str
    value: float
    interval: tuple[float, float] | None = None
    series: str = ""


def interval_plot(
    dots: Sequence[Dot],
    *,
    title: str,
    series: str = "",
    zero: str = "",
    description: str,
    caption: str = "",
) -> Plot:
    """Dots on lines from top to bottom in the given order, each with a bar for its interval.

    Args:
        dots: at least one.
        title: of the axis.
        series: what the colours tell apart, where dots name a series; may be empty.
        zero: label of a line at 0, for differences; empty for none.
        description: what the plot shows, for those who do not see it.
        caption: the line below it.

    Raises:
        ValueError: no dots.
    """
    if not dots:
        raise ValueError("nothing to plot")
    coloured = any(dot.series for dot in dots)
    values: list[dict[str, object]] = []
    for dot in dots:
        low, high = dot.interval or (dot.value, dot.value)
        row: dict[str, object] = {"label": dot.label}
        if coloured:
            row["series"] = dot.series
        values.append(row | {"value": dot.value, "from": low, "to": high})
    y: dict[str, object] = {"field": "label", "type": "nominal", "sort": None, "title": None}
    y["axis"] = {"grid": True, "labelLimit": 0}
    shared: dict[str, object] = {"y": y}
    if coloured:
        title_of = {"title": series or None}
        shared["color"] = {"field": "series", "type": "nominal", "sort": None, **title_of}
        shared["yOffset"] = {"field": "series", "sort": None}
    place = {
        "type": "quantitative",
        "scale": {"zero": bool(zero), "nice": True},
        "axis": {"tickCount": 6},
    }
    layers: list[object] = [
        {
            "mark": {"type": "rule", "strokeWidth": 1.5},
            "encoding": {
                **shared,
                "x": {"field": "from", **place, "title": title},
                "x2": {"field": "to"},
            },
        },
        {
            "mark": {"type": "point", "filled": True, "size": 50, "opacity": 1},
            "encoding": {**shared, "x": {"field": "value", **place, "title": title}},
        },
    ]
    if zero:
        layers.insert(
            0,
            {
                "data": {"values": [{"at": 0}]},
                "mark": {"type": "rule", "strokeDash": [4, 3]},
                "encoding": {"x": {"field": "at", "type": "quantitative"}},
            },
        )
        caption = f"The dashed line is {zero}. {caption}".strip()
    kinds = len({dot.series for dot in dots})
    return Plot(
        spec={
            "$schema": _SCHEMA,
            "data": {"values": values},
            "layer": layers,
            "height": {"step": _ROW if kinds == 1 else _STEP},
        },
        description=description,
        caption=caption,
    )
