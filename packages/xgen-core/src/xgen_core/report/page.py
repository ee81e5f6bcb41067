"""Runs in, one self-contained HTML page out.

The page fetches nothing: style, script and drawings stand in it, and its content security policy
allows that one style and that one script by their hashes. Texts in it come from models and from
the web, so every value is escaped by default and hidden characters are shown. The same runs give
the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any, cast

from xgen_core.codec import CodecError
from xgen_core.errors import FormatError, InputError, MissingExtraError
from xgen_core.files import read_json
from xgen_core.records import Scalar
from xgen_core.report.cells import Cell, column_cells, format_number
from xgen_core.report.comparison import compare
from xgen_core.report.drawing import draw, plot_rows
from xgen_core.report.sections import Diff, Items, Plot, Section, Table
from xgen_core.report.visible import HIDDEN, code_point, visible
from xgen_core.run import Run

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

__all__ = ["MOST_PLOT_ROWS", "read_sections", "render_page"]

MOST_PLOT_ROWS = 400
"""Rows of a plot's data shown below it; the section file holds them all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grid:
    """A table made ready: headings with their alignment, and cells."""

    columns: tuple[tuple[str, bool], ...]
    rows: tuple[tuple[Cell, ...], ...]
    left_out: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """A block with what the template needs beside it."""

    kind: str
    block: object
    prepared: object = None
    drawings: Mapping[str, str] | None = None


def read_sections(run: Run) -> list[tuple[str, Section]]:
    """The stored sections of a run with their file names, in file-name order.

    Raises:
        FormatError: a file is gone, is not JSON, or is not a section; names it.
    """
    found: list[tuple[str, Section]] = []
    for path in sorted((run.directory / "sections").glob("*.json")):
        try:
            found.append((str(path), Section.from_json(read_json(path))))
        except InputError as error:
            raise FormatError(f"damaged report section: {error}") from error
        except CodecError as error:
            raise FormatError(f"damaged report section: {path}: {error}") from error
    return found


def render_page(runs: Sequence[Run], title: str) -> str:
    """One HTML page that shows the sections of `runs`, in order.

    Raises:
        FormatError: a section file is damaged, or a plot in it cannot be drawn.
        MissingExtraError: jinja2 or vl-convert is not installed (`xgen-core[report]`).
    """
    environment = _environment()
    style, script = _asset("style.css"), _asset("page.js")
    numbers = iter(range(1, 1_000_000))
    shown_runs = [
        {
            "name": run.directory.resolve().name,
            "directory": str(run.directory),
            "kind": run.kind,
            "recipe": run.recipe,
            "sections": [
                {
                    "title": section.title,
                    "summary": section.summary,
                    "blocks": [_show(b, where, numbers) for b in section.blocks],
                }
                for where, section in read_sections(run)
            ],
        }
        for run in runs
    ]
    from markupsafe import Markup

    return environment.get_template("page.html").render(
        title=title,
        runs=shown_runs,
        style=Markup(style),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - our own file
        style_hash=_hash(style),
        script_hash=_hash(script),
    )


def _environment() -> Environment:
    try:
        from jinja2 import Environment, FunctionLoader, StrictUndefined
    except ImportError:
        raise MissingExtraError("the report page", "xgen-core[report]") from None
    environment = Environment(
        loader=FunctionLoader(_asset),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    filters = cast("dict[str, Callable[..., object]]", environment.filters)  # pyright: ignore[reportUnknownMemberType]
    filters.update(show=_show_text, kind_of=_kind_of, number=format_number)
    return environment


def _asset(name: str) -> str:
    return (files("xgen_core.report") / "templates" / name).read_text("utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _finalize(value: object) -> object:
    """What every `{{ }}` passes through: nothing hidden reaches the page, in attributes either."""
    if isinstance(value, str) and not hasattr(value, "__html__"):
        return visible(value)
    return value


def _show_text(text: str) -> Markup:
    """Escaped text whose hidden characters are marked; for element content, not attributes."""
    from markupsafe import Markup, escape

    pieces: list[Markup] = []
    reached = 0
    for match in HIDDEN.finditer(text):
        pieces.append(escape(text[reached : match.start()]))
        mark = Markup('<span class="hidden-character">{}</span>')
        pieces.append(mark.format(code_point(match[0])))
        reached = match.end()
    pieces.append(escape(text[reached:]))
    return Markup("").join(pieces)


def _kind_of(value: object) -> str:
    """How the recipe's tree shows a JSON value."""
    if isinstance(value, Mapping):
        return "object" if value else "empty"
    if isinstance(value, (list, tuple)):
        items = cast("Sequence[object]", value)
        if not items:
            return "empty"
        return "list" if any(isinstance(i, (Mapping, list, tuple)) for i in items) else "values"
    if value is None or isinstance(value, bool):
        return "constant"
    return "number" if isinstance(value, (int, float)) else "text"


def _show(block: object, where: str, numbers: Iterator[int]) -> _Shown:
    if isinstance(block, Table):
        return _Shown(kind="table", block=block, prepared=_grid(block.columns, block.rows))
    if isinstance(block, Plot):
        drawings = draw(block, name=f"plot-{next(numbers)}", where=where)
        from markupsafe import Markup

        safe = {k: Markup(v) for k, v in drawings.items()}  # noqa: S704 - rebuilt by draw()
        columns, rows = plot_rows(block)
        grid = _grid(columns, rows[:MOST_PLOT_ROWS], left_out=max(len(rows) - MOST_PLOT_ROWS, 0))
        return _Shown(kind="plot", block=block, prepared=grid, drawings=safe)
    if isinstance(block, Diff):
        return _Shown(kind="diff", block=block, prepared=compare(block.before, block.after))
    if isinstance(block, Items):
        inside = [[_show(b, where, numbers) for b in item.blocks] for item in block.items]
        return _Shown(kind="items", block=block, prepared=inside)
    return _Shown(kind="text", block=block)


def _grid(columns: Sequence[str], rows: Sequence[Sequence[Scalar]], *, left_out: int = 0) -> _Grid:
    ready = [column_cells([row[i] for row in rows]) for i in range(len(columns))]
    headings = tuple(
        (name, bool(cells) and all(c.number or not c.text for c in cells))
        for name, cells in zip(columns, ready, strict=True)
    )
    cells = cast("Any", zip(*ready, strict=True)) if ready else ()
    return _Grid(columns=headings, rows=tuple(tuple(row) for row in cells), left_out=left_out)
