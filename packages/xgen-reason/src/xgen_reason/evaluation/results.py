"""Results of a finished run, read from its directory."""

from __future__ import annotations

from pathlib import Path

from xgen_core.codec import decode
from xgen_core.files import read_jsonl
from xgen_reason.result import Result

__all__ = ["read_results"]


def read_results(run: Path) -> list[Result]:
    """Results in the order of the questions; those that failed are left out.

    Args:
        run: a run directory of `xgen reason run`.

    Raises:
        InputError: no such run, or a line that is no result.
    """
    path = run / "items" / "results.jsonl"
    return [result for result in read_jsonl(path, _result) if result is not None]


def _result(value: object) -> Result | None:
    row = decode(dict[str, object], value)
    return None if "error" in row else Result.from_json(row)
