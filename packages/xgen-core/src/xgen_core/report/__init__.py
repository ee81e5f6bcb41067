"""The report page: typed sections in, one self-contained HTML file out."""

from xgen_core.report.sections import Block, Diff, Item, Items, Plot, Section, Table, Text

__all__ = ["Block", "Diff", "Item", "Items", "Plot", "Section", "Table", "Text"]
