"""HumanEval's JSONL (Chen et al. 2021): a function to complete, and a `check(candidate)`."""

from __future__ import annotations

from collections.abc import Mapping

from xgen_eval.execution.formats.fields import text
from xgen_eval.execution.problem import Problem

__all__ = ["humaneval_problem"]


def humaneval_problem(row: Mapping[str, object]) -> Problem:
    """The problem of one row.

    The prompt runs with the test too, for the helpers that some define (`poly`, `encode_cyclic`);
    the test may call the entry point by name (HumanEval/33 does).

    Raises:
        CodecError: a field is missing or of another type.
    """
    prompt, entry_point = text(row, "prompt"), text(row, "entry_point")
    test = text(row, "test")
    return Problem(
        id=text(row, "task_id"),
        prompt=prompt,
        entry_points=(entry_point,),
        tests=(f"{test}\n\ncheck({entry_point})\n",),
        setup=f"{prompt}\n    pass\n",  # a stub without a docstring would not compile
        completes=True,
        reference=prompt + text(row, "canonical_solution"),
        trusted=True,
    )
