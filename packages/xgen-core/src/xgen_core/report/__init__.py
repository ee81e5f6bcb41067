"""The report page: typed sections in, one self-contained HTML file out.

A room builds `Section`s (plots by `line_plot`, `bar_plot` and `heat_map`) and stores them with
`Run.write_section`; `render_page` (the `xgen report` command) shows them. Only the last needs the
`[report]` extra.
"""

from xgen_core.report.heat_map import heat_map
from xgen_core.report.page import read_sections, render_page
from xgen_core.report.plots import bar_plot, line_plot
from xgen_core.report.sections import Block, Diff, Item, Items, Plot, Section, Table, Text

__all__ = [
    "Block",
    "Diff",
    "Item",
    "Items",
    "Plot",
    "Section",
    "Table",
    "Text",
    "bar_plot",
    "heat_map",
    "line_plot",
    "read_sections",
    "render_page",
]
