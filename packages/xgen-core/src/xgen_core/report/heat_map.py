"""A builder of tables of coloured cells: one number for each pair of two categories."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from xgen_core.records import Scalar
from xgen_core.report.sections import Plot

__all__ = ["heat_map"]

_SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
_CELL = 30
"""Height of a cell in pixels."""


def heat_map(
    *,
    rows: Sequence[Mapping[str, Scalar]],
    x: str,
    y: str,
    value: str,
    x_title: str = "",
    y_title: str = "",
    value_title: str = "",
    domain: tuple[float, float] = (0, 1),
    description: str,
    caption: str = "",
) -> Plot:
    """Cells with `value` in colour and in figures, categories in the order of the rows.

    A row without a finite number for `value` leaves its cell empty.

    Args:
        rows: one mapping a cell.
        x: column along the horizontal axis.
        y: column along the vertical axis, the first at the top.
        value: column of numbers.
        x_title: axis title; the column's name by default.
        y_title: likewise.
        value_title: of the colours; the column's name by default.
        domain: the values that the lightest and the darkest colour stand for.
        description: what the plot shows, for those who do not see it.
        caption: the line below it.

    Raises:
        ValueError: no row has a value, or two rows have one cell.
    """
    cells: dict[tuple[str, str], float] = {}
    for row in rows:
        number = row.get(value)
        if isinstance(number, bool) or not isinstance(number, (int, float)):
            continue
        if not math.isfinite(number):
            continue
        cell = (str(row[x]), str(row[y]))
        if cell in cells:
            raise ValueError(f"two rows for the cell {cell}")
        cells[cell] = number
    if not cells:
        raise ValueError(f"no row has a number for {value!r}")
    place: dict[str, object] = {
        "x": _axis("x", x_title or x),
        "y": _axis("y", y_title or y),
    }
    low, high = domain
    colour: dict[str, object] = {
        "field": "value",
        "type": "quantitative",
        "title": value_title or value,
        "scale": {"domain": [low, high], "scheme": "blues", "clamp": True},
        "legend": {"gradientLength": 200},
    }
    dark = f"datum.value > {low + 0.6 * (high - low)}"
    figures: dict[str, object] = {
        "text": {"field": "value", "type": "quantitative", "format": ".2~f"},
        "color": {"condition": {"test": dark, "value": "#ffffff"}, "value": "#22262b"},
    }
    values = [{"x": a, "y": b, "value": number} for (a, b), number in cells.items()]
    spec: dict[str, object] = {
        "$schema": _SCHEMA,
        "data": {"values": values},
        "height": {"step": _CELL},
        "layer": [
            {"mark": {"type": "rect"}, "encoding": {**place, "color": colour}},
            {"mark": {"type": "text"}, "encoding": {**place, **figures}},
        ],
    }
    return Plot(spec=spec, description=description, caption=caption)


def _axis(field: str, title: str) -> dict[str, object]:
    return {
        "field": field,
        "type": "ordinal",
        "sort": None,
        "title": title,
        "axis": {"labelAngle": 0},
    }
