"""What a room may put on the report page: typed blocks, stored as JSON in the run directory.

Text in any block may come from a model or from the web, so the page treats all of it as hostile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from xgen_core.records import Record, Scalar

__all__ = ["Block", "Diff", "Item", "Items", "Plot", "Section", "Table", "Text"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Text(Record):
    """A paragraph, shown as written (no markup).

    Attributes:
        summary: what stands in its place until a reader asks for it; empty: it is shown at once.
    """

    kind: Literal["text"] = "text"
    text: str
    summary: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table(Record):
    """Rows of scalars; numbers are aligned right. None is an empty cell."""

    kind: Literal["table"] = "table"
    columns: tuple[str, ...]
    rows: tuple[tuple[Scalar, ...], ...]
    caption: str = ""

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"row {row!r:.80} has not {len(self.columns)} cells")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot(Record):
    """A Vega-Lite specification with its data inline.

    Attributes:
        spec: the specification, without width, theme or remote data.
        description: what the plot shows, for those who do not see it.
    """

    kind: Literal["plot"] = "plot"
    spec: Mapping[str, object]
    description: str
    caption: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diff(Record):
    """Two texts, shown line by line with what changed."""

    kind: Literal["diff"] = "diff"
    before: str
    after: str
    caption: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item(Record):
    """One entry of a browser.

    Attributes:
        title: above it.
        fields: named texts such as prompt, completion and reference.
        blocks: what follows them.
    """

    title: str
    fields: Mapping[str, str]
    blocks: tuple[Text | Table | Diff, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Items(Record):
    """A browser through items, one at a time, searchable."""

    kind: Literal["items"] = "items"
    items: tuple[Item, ...]
    caption: str = ""


Block = Text | Table | Plot | Diff | Items


@dataclass(frozen=True, slots=True, kw_only=True)
class Section(Record):
    """A titled part of the page."""

    title: str
    blocks: tuple[Block, ...]
    summary: str = ""
