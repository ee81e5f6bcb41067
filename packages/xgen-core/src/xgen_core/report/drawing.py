"""A `Plot` as inline SVG, once for each theme, drawn by vl-convert without a browser or network.

vl-convert runs Vega-Lite inside the process. It is given only clean text, because one control
character in a label ends the whole process, and its SVG is rebuilt from a list of known elements
and attributes with ids of its own, because two of its drawings on one page share theirs.
"""

from __future__ import annotations

import copy
import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from typing import Any, cast

from xgen_core.errors import FormatError, MissingExtraError
from xgen_core.records import Scalar
from xgen_core.report.sections import Plot
from xgen_core.report.visible import visible

__all__ = ["THEMES", "draw", "plot_rows"]

_LONGEST_LABEL = 60
_WIDTH, _WIDEST, _NARROWEST = 620, 730, 260
_SVG = "{http://www.w3.org/2000/svg}"
_ELEMENTS = re.compile(
    "svg|g|path|rect|line|circle|ellipse|polygon|polyline|text|tspan|defs|clipPath|"
    "linearGradient|radialGradient|stop|symbol|use|title"
)
_ATTRIBUTES = re.compile(
    "id|d|transform|x|y|x1|y1|x2|y2|cx|cy|r|rx|ry|fx|fy|dx|dy|width|height|viewBox|points|offset|"
    "fill(-opacity|-rule)?|stroke(-width|-opacity|-dasharray|-dashoffset|-linecap|-linejoin|"
    "-miterlimit)?|opacity|display|text-anchor|dominant-baseline|font-(size|weight|style)|"
    "clip-path|stop-(color|opacity)|gradientUnits|gradientTransform|spreadMethod"
)


def _theme(ink: str, faint: str, grid: str, colours: Sequence[str]) -> dict[str, object]:
    axis = {
        "labelColor": faint,
        "titleColor": ink,
        "gridColor": grid,
        "domainColor": grid,
        "tickColor": grid,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "titlePadding": 10,
        "labelLimit": 0,
        "domain": False,
    }
    return {
        "background": None,
        "font": "Arial, Liberation Sans, sans-serif",
        "view": {"stroke": None},
        "axis": axis,
        "axisX": {"grid": False, "domain": True},
        "axisXQuantitative": {"labelOverlap": "greedy", "labelSeparation": 14, "tickCount": 8},
        "axisY": {"ticks": False, "labelPadding": 6, "tickCount": 6},
        "legend": {
            "orient": "top",
            "labelColor": ink,
            "titleColor": faint,
            "labelFontSize": 12,
            "titleFontSize": 12,
            "titleFontWeight": "normal",
            "labelLimit": 0,
            "symbolStrokeWidth": 3,
            "columns": 4,
        },
        "header": {"labelColor": ink, "titleColor": ink, "labelLimit": 0},
        "title": {"color": ink, "anchor": "start", "limit": 0},
        "line": {"strokeWidth": 1.75},
        "point": {"size": 28, "filled": True},
        "bar": {"cornerRadiusEnd": 2},
        "rule": {"color": ink},
        "text": {"color": faint, "fontSize": 11, "limit": 0},
        "mark": {"color": colours[0]},
        "range": {"category": list(colours)},
    }


THEMES: Mapping[str, dict[str, object]] = {
    "light": _theme(
        "#22262b",
        "#59626c",
        "#dfe2e5",
        ["#2766ab", "#c2571a", "#2f7d5b", "#8250a8", "#a87b12", "#b83a67", "#4b7f93", "#6a6f75"],
    ),
    "dark": _theme(
        "#e4e6e8",
        "#a3abb3",
        "#363c43",
        ["#74aef0", "#f0935a", "#6cc09a", "#c096e4", "#dcb455", "#ee84a8", "#86c1d4", "#a9afb6"],
    ),
}
"""Vega configurations by theme; categories differ in lightness as well as in hue."""


def draw(plot: Plot, *, name: str, where: str) -> dict[str, str]:
    """Draw a plot in every theme.

    Args:
        plot: what to draw.
        name: begins every id in the drawing; unique on the page.
        where: the file it came from, for error messages.

    Returns:
        Theme → `<svg>` text: transparent, safe to put into HTML, valid XML.

    Raises:
        MissingExtraError: vl-convert is not installed.
        FormatError: the specification refers to something outside itself, or is not Vega-Lite.
    """
    spec = cast("dict[str, Any]", _clean(copy.deepcopy(dict(plot.spec)), where))
    if not {"hconcat", "vconcat", "concat", "facet", "repeat"} & spec.keys():
        spec.setdefault("width", _WIDTH)
        spec.setdefault("height", 260)
    drawings: dict[str, str] = {}
    for theme, config in THEMES.items():
        svg = _convert(spec, config, plot, where)
        if "width" not in plot.spec and spec.get("width") == _WIDTH:
            too_wide = _total_width(svg) - _WIDEST
            if too_wide > 0:  # long labels: take their room from the plot, not from the letters
                spec["width"] = max(_WIDTH - too_wide, _NARROWEST)
                svg = _convert(spec, config, plot, where)
        drawings[theme] = _rebuild(svg, f"{name}-{theme}", plot.description)
    return drawings


def _convert(spec: dict[str, Any], config: dict[str, object], plot: Plot, where: str) -> str:
    try:
        import vl_convert
    except ImportError:
        raise MissingExtraError("a plot on the report page", "xgen-core[report]") from None
    try:
        return vl_convert.vegalite_to_svg(
            spec, config=cast("dict[str, Any]", config), allowed_base_urls=[]
        )
    except ValueError as error:
        reason = " ".join(str(error).split("\n    at ", 1)[0].split())
        reason = reason.removeprefix("Vega-Lite to SVG conversion failed: ")
        raise FormatError(
            f"{where}: the plot {plot.description!r:.80} cannot be drawn: {reason:.300}"
        ) from error


def _total_width(svg: str) -> int:
    match = re.search(r'<svg[^>]* width="(\d+)', svg)
    return int(match.group(1)) if match else 0


def _clean(value: object, where: str, *, data: bool = False) -> object:
    """The specification with visible, short texts, and without anything that fetches or links."""
    if isinstance(value, str):
        text = visible(value)
        return text if len(text) <= _LONGEST_LABEL or not data else text[: _LONGEST_LABEL - 1] + "…"
    if isinstance(value, Mapping):
        cleaned: dict[str, object] = {}
        for key, item in cast("Mapping[str, object]", value).items():
            if not data and key in ("url", "href"):
                raise FormatError(f"{where}: a plot must hold its data itself, but names a {key}")
            cleaned[visible(key)] = _clean(item, where, data=data or key in ("values", "datasets"))
        return cleaned
    if isinstance(value, (list, tuple)):
        return [_clean(item, where, data=data) for item in cast("Sequence[object]", value)]
    return value


def _rebuild(svg: str, prefix: str, description: str) -> str:
    """Only known elements and attributes, ids with a prefix, and a role for screen readers."""
    source = ET.fromstring(svg)  # noqa: S314 - made by vl-convert from cleaned text a moment ago
    names: dict[str, str] = {}
    for element in source.iter():
        if "id" in element.attrib:
            names.setdefault(element.attrib["id"], f"{prefix}-{len(names)}")
    root = _copy(source, names)
    root.set("role", "img")
    root.set("aria-label", visible(description))
    root.set("class", prefix.rsplit("-", 1)[-1])
    return ET.tostring(root, encoding="unicode")


def _copy(element: ET.Element, names: Mapping[str, str]) -> ET.Element:
    made = ET.Element(element.tag.removeprefix(_SVG))
    for key, value in element.attrib.items():
        if key == "id":
            made.set("id", names[value])
        elif _ATTRIBUTES.fullmatch(key):
            reference = re.fullmatch(r"url\(['\"]?#(.*?)['\"]?\)", value)
            if reference is not None:
                made.set(key, f"url(#{names.get(reference.group(1), '')})")
            elif "url(" not in value:
                made.set(key, value)
    made.text, made.tail = element.text, element.tail
    for child in element:
        if _ELEMENTS.fullmatch(child.tag.removeprefix(_SVG)):
            made.append(_copy(child, names))
    return made


def plot_rows(plot: Plot) -> tuple[list[str], list[list[Scalar]]]:
    """The inline data of a plot as a table: column titles (from the encodings) and rows."""
    titles: dict[str, str] = {}
    _collect_titles(plot.spec, titles)
    data = plot.spec.get("data")
    values = cast("Mapping[str, object]", data).get("values") if isinstance(data, Mapping) else None
    if not isinstance(values, (list, tuple)):
        return [], []
    rows = [
        cast("Mapping[str, object]", row)
        for row in cast("Sequence[object]", values)
        if isinstance(row, Mapping)
    ]
    fields = list(dict.fromkeys(key for row in rows for key in row))
    cells = [[_scalar(row.get(field)) for field in fields] for row in rows]
    return [titles.get(field, field) for field in fields], cells


def _scalar(value: object) -> Scalar:
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def _collect_titles(node: object, titles: dict[str, str]) -> None:
    if isinstance(node, Mapping):
        mapping = cast("Mapping[str, object]", node)
        field, title = mapping.get("field"), mapping.get("title")
        if isinstance(field, str) and isinstance(title, str) and title:
            titles.setdefault(field, title)
        for key, item in mapping.items():
            if key not in ("values", "datasets"):
                _collect_titles(item, titles)
    elif isinstance(node, (list, tuple)):
        for item in cast("Sequence[object]", node):
            _collect_titles(item, titles)
