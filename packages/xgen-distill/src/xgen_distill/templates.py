r'''What a student reads, in training and at inference, by one function each.

    """                                   """  (what comes first when it refines)
    Return the larger of two numbers.     Rectify the program …
    """                                   TASK, PROGRAM, ERROR
                                          """
    def larger(a, b):                     def larger(a, b):

Both end with the function's header, so what a student writes is a body, nothing else.
'''

from __future__ import annotations

from dataclasses import dataclass

from xgen_core.records import Record
from xgen_distill.task import Task

__all__ = ["Template"]

_RECTIFY = "Rectify the program below, which was written for the task and fails one of its tests."


@dataclass(frozen=True, slots=True, kw_only=True)
class Template(Record):
    """How tasks are put to a student. A change here is another template, by another fingerprint.

    Attributes:
        examples: how many of the shown tests stand in a prompt, as `>>> f(1)` and its value.
    """

    examples: int = 0

    def attempt(self, task: Task) -> str:
        """The prompt of a first attempt."""
        return f'"""\n{self._described(task)}\n"""\n\n{task.header}'

    def refinement(self, task: Task, program: str, feedback: str) -> str:
        """The prompt of a refinement.

        Args:
            task: what is to be solved.
            program: the attempt, as it was run.
            feedback: what its first failing test said, see `Feedback.text`.
        """
        return (
            f'{_RECTIFY}\n\nTASK:\n"""\n{self._described(task)}\n"""\n\n'
            f"PROGRAM:\n{program.strip()}\n\nERROR:\n{feedback.strip()}\n\n{self.attempt(task)}"
        )

    def _described(self, task: Task) -> str:
        lines = [task.instruction.strip()]
        for test in [test for test in task.shown if test.call][: self.examples]:
            lines += [f">>> {test.call}", test.expected]
        return "\n".join(lines)


def solution(task: Task, completion: str) -> str:
    """The program that a completion makes: the header, and the body that was written."""
    return f"{task.header}{completion}"
