"""MBPP (Austin et al. 2021): a sentence, a reference, and single asserts; whole and sanitized."""

from __future__ import annotations

from collections.abc import Mapping

from xgen_core import CodecError
from xgen_eval.execution.formats.fields import text, texts
from xgen_eval.execution.formats.source import Source
from xgen_eval.execution.problem import Problem

__all__ = ["mbpp_problem"]


def mbpp_problem(row: Mapping[str, object]) -> Problem:
    """The problem of one row of `mbpp.jsonl` or `sanitized-mbpp.json`.

    What is under test are the names in the asserts that the reference defines, a built-in name
    included (126 redefines `sum`). Modules that an assert uses without importing them, because the
    reference did (596, `sys`), are imported for the test.

    Raises:
        CodecError: a field is missing or of another type, or reference or asserts do not compile.
    """
    number = row.get("task_id")
    if not isinstance(number, int) or isinstance(number, bool):
        raise CodecError(f"task_id: expected an integer, got {number!r:.80}")
    reference, tests = text(row, "code"), texts(row, "test_list")
    if "test_imports" in row:  # sanitized
        prompt, setup = text(row, "prompt"), "\n".join(texts(row, "test_imports"))
    else:
        prompt, setup = text(row, "text"), text(row, "test_setup_code")
    source = Source.of(reference, "\n".join(tests), setup)
    if not source.called:
        raise CodecError("test_list: no assert uses a name that the code defines")
    return Problem(
        id=str(number),
        prompt=prompt,
        entry_points=source.called,
        tests=tests,
        setup="\n".join([*source.imports, setup]),
        reference=reference,
        trusted=True,
        weak=source.weak,
    )
