"""How a table's scalars are written: aligned digits, few enough to read, never silently wrong."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from xgen_core.records import Scalar

__all__ = ["Cell", "column_cells", "format_number"]

_FIGURES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell as shown.

    Attributes:
        text: what is written.
        number: whether it is a number, and so aligned right.
        exact: the full value where `text` is rounded, otherwise empty.
    """

    text: str
    number: bool = False
    exact: str = ""


def column_cells(values: Sequence[Scalar]) -> list[Cell]:
    """Write one column; its floats share a number of decimals, so that the points line up."""
    floats = [v for v in values if isinstance(v, float) and math.isfinite(v)]
    decimals = _decimals(floats)
    return [_cell(value, decimals) for value in values]


def format_number(value: float) -> str:
    """One number by itself, as in a recipe: `4096`, `12,000,000`, `0.0003`, `1e-08`."""
    if isinstance(value, int):
        return _group(value)
    return repr(value)


def _cell(value: Scalar, decimals: int) -> Cell:
    if value is None:
        return Cell(text="")
    if isinstance(value, bool):
        return Cell(text="yes" if value else "no")
    if isinstance(value, str):
        return Cell(text=value)
    if isinstance(value, int):
        return Cell(text=_group(value), number=True)
    if not math.isfinite(value):
        return Cell(text=str(value), number=True)
    text = f"{value:,.{decimals}f}" if abs(value) >= 10_000 else f"{value:.{decimals}f}"
    lost = abs(float(text.replace(",", "")) - value) > 0.01 * abs(value)
    if lost or abs(value) >= 1e15:
        text = f"{value:.{_FIGURES - 1}g}"
    shown = float(text.replace(",", ""))
    return Cell(text=text, number=True, exact="" if shown == value else repr(value))


def _group(value: int) -> str:
    """Thousands apart from five digits on: 4096 and 2023 (a year, perhaps) stay whole."""
    return f"{value:,}" if abs(value) >= 10_000 else str(value)


def _decimals(values: Sequence[float]) -> int:
    """Decimals that give the median magnitude four figures, or fewer if none needs them."""
    sizes = sorted(abs(v) for v in values if v != 0)
    if not sizes:
        return 1
    middle = math.floor(math.log10(sizes[len(sizes) // 2]))
    wanted = min(max(_FIGURES - 1 - middle, 0), 6)
    needed = max(_used_decimals(v, wanted) for v in values)
    return max(needed, 1) if wanted > 0 else 0


def _used_decimals(value: float, most: int) -> int:
    text = f"{value:.{most}f}".partition(".")[2]
    return len(text.rstrip("0"))
