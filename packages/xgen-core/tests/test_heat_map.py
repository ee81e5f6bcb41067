import math

import pytest

from xgen_core.report import heat_map
from xgen_core.report.drawing import THEMES, draw

ROWS = [
    {"length": 1024, "depth": "0 %", "acc": 1.0},
    {"length": 2048, "depth": "0 %", "acc": 0.25},
    {"length": 1024, "depth": "50 %", "acc": 0.5},
    {"length": 2048, "depth": "50 %", "acc": math.nan},
]


def test_a_cell_for_each_number_in_the_order_of_the_rows():
    plot = heat_map(rows=ROWS, x="length", y="depth", value="acc", description="d", caption="c")
    cells = plot.spec["data"]["values"]
    assert [(c["x"], c["y"], c["value"]) for c in cells] == [
        ("1024", "0 %", 1.0),
        ("2048", "0 %", 0.25),
        ("1024", "50 %", 0.5),
    ]
    drawings = draw(plot, name="p", where="here")
    assert set(drawings) == set(THEMES)
    for text in ("1024", "50 %", "0.25"):
        assert text in drawings["light"]


def test_a_map_without_numbers_or_with_two_in_a_cell_is_refused():
    with pytest.raises(ValueError, match="no row has a number"):
        heat_map(rows=ROWS[3:], x="length", y="depth", value="acc", description="d")
    with pytest.raises(ValueError, match="two rows"):
        heat_map(rows=[*ROWS, ROWS[0]], x="length", y="depth", value="acc", description="d")
