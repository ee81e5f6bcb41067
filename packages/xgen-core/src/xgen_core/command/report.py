"""`xgen report`: render run directories as one page."""

from __future__ import annotations

from pathlib import Path

from xgen_core.errors import InputError
from xgen_core.files import write_text
from xgen_core.report import render_page
from xgen_core.run import Run

__all__ = ["render"]


def render(directories: tuple[str, ...], output: str | None) -> str:
    """Write the page of these runs, whole or not at all, and return its path.

    Args:
        directories: run directories, in the order in which they are shown.
        output: the page's file; `report.html` in the first directory by default.

    Raises:
        InputError: a directory is not a run, or has nothing to show.
        FormatError: a run or one of its sections is damaged.
        MissingExtraError: the `[report]` extra is not installed.
    """
    runs = [Run.open(directory) for directory in directories]
    for run in runs:
        if not any((run.directory / "sections").glob("*.json")):
            raise InputError(
                f"{run.directory}: this {run.kind} run has no report sections yet; "
                "let it go on, or leave it out"
            )
    target = Path(output) if output else runs[0].directory / "report.html"
    names = [run.directory.resolve().name for run in runs]
    write_text(target, render_page(runs, ", ".join(names)))
    return str(target)
