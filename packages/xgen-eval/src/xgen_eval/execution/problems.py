"""Reading files of programming problems."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Literal, cast, get_args

from xgen_core import CodecError, InputError
from xgen_core.files import read_json, read_jsonl
from xgen_eval.execution.formats.humaneval import humaneval_problem
from xgen_eval.execution.formats.mbpp import mbpp_problem
from xgen_eval.execution.problem import Problem

__all__ = ["FORMATS", "Format", "read_problems"]

Format = Literal["humaneval", "mbpp", "problems"]
FORMATS: tuple[Format, ...] = get_args(Format)

_PARSERS: Mapping[Format, Callable[[Mapping[str, object]], Problem]] = {
    "humaneval": humaneval_problem,
    "mbpp": mbpp_problem,
    "problems": Problem.from_json,
}


def read_problems(path: Path | str, format: Format | None = None) -> tuple[Problem, ...]:
    """Read problems from JSONL (`.gz` too) or from a JSON list.

    Args:
        path: the file.
        format: `"humaneval"`, `"mbpp"` (whole or sanitized) or `"problems"` (`Problem` records);
            None tells by the fields of the first row.

    Raises:
        InputError: no such file, no problems, two of one id, or a row that does not fit; names the
            line or the entry.
    """
    parse = None if format is None else _PARSERS[format]
    found: dict[str, Problem] = {}
    for where, row in _rows(Path(path)):
        try:
            if not isinstance(row, dict):
                raise CodecError(f"expected an object, got {row!r:.80}")
            fields = cast("dict[str, object]", row)
            parse = parse or _PARSERS[_format(fields)]
            problem = parse(fields)
        except (CodecError, ValueError) as error:
            raise InputError(f"{where}: {error}") from error
        if problem.id in found:
            raise InputError(f"{where}: a second problem {problem.id!r}")
        found[problem.id] = problem
    if not found:
        raise InputError(f"{path}: no problems in it")
    return tuple(found.values())


def _rows(path: Path) -> Iterator[tuple[str, object]]:
    if path.suffix == ".json":
        rows = read_json(path)
        if not isinstance(rows, list):
            raise InputError(f"{path}: expected a list of problems")
        for number, row in enumerate(cast("list[object]", rows), 1):
            yield f"{path}: entry {number}", row
        return
    for number, row in enumerate(read_jsonl(path), 1):
        yield f"{path}: row {number}", row


def _format(row: Mapping[str, object]) -> Format:
    """Which format a row is of, by the fields that only it has."""
    if "entry_points" in row:
        return "problems"
    if "entry_point" in row:
        return "humaneval"
    if "test_list" in row:
        return "mbpp"
    raise CodecError(
        f"neither HumanEval, MBPP nor a problem of ours: its fields are {', '.join(sorted(row))}"
    )
