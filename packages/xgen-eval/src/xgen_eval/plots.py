"""Line plots for the report page, as Vega-Lite specifications."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xgen_core.records import Scalar
from xgen_core.report import Plot

__all__ = ["line_plot"]


def line_plot(
    *,
    rows: Sequence[Mapping[str, Scalar]],
    x: str,
    y: str,
    series: str | None = None,
    x_title: str = "",
    y_title: str = "",
    log_x: bool = False,
    description: str,
    caption: str = "",
) -> Plot:
    """Lines with points through `rows`, one line for each value of `series`.

    Args:
        rows: the data.
        x: the horizontal field.
        y: the vertical field.
        series: the field that tells lines apart.
        x_title: the axis title, by default the field's name.
        y_title: the same for the vertical axis.
        log_x: a logarithmic (base 2) horizontal axis.
        description: what the plot shows, for those who do not see it.
        caption: what stands below.
    """
    scale = {"type": "log", "base": 2} if log_x else {"zero": False}
    encoding: dict[str, object] = {
        "x": {"field": x, "type": "quantitative", "title": x_title or x, "scale": scale},
        "y": {
            "field": y,
            "type": "quantitative",
            "title": y_title or y,
            "scale": {"zero": False},
        },
    }
    if series is not None:
        encoding["color"] = {"field": series, "type": "nominal"}
    return Plot(
        spec={
            "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
            "data": {"values": [dict(row) for row in rows]},
            "mark": {"type": "line", "point": True},
            "encoding": encoding,
        },
        description=description,
        caption=caption,
    )
