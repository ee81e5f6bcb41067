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

from xgen_core.recipe import fingerprint
from xgen_core.records import Record
from xgen_distill.task import Task

__all__ = ["Template", "solution"]

_RECTIFY = "Rectify the program below, which was written for the task and fails one of its tests."


@dataclass(frozen=True, slots=True, kw_only=True)
class Template(Record):
    """How tasks are put to a student. A change here is another template, by another fingerprint.

    Attributes:
        examples: how many of the shown tests stand in a prompt, as `>>> f(1)` and its value.
        request: the sentence before a refinement.
        longest: characters of an attempt that a prompt shows; the lines beyond are left out, and a
            comment says how many there were. 0 shows all. Students that run on repeat one line
            until they are cut off; 4,000 characters are about half of the 2,048 tokens that PERsD
            trains on.
    """

    examples: int = 0
    request: str = _RECTIFY
    longest: int = 4000

    def __post_init__(self) -> None:
        if self.examples < 0 or self.longest < 0 or not self.request.strip():
            raise ValueError("examples and longest are 0 or more, and a request has words")

    @property
    def fingerprint(self) -> str:
        """Hex sha256: changes with every setting, and with the form of the prompts."""
        task = Task(id="id", instruction="I", entry_point="f", header="def f():\n")
        return fingerprint([self, self.refinement(task, "P", "E")])

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
            f'{self.request}\n\nTASK:\n"""\n{self._described(task)}\n"""\n\n'
            f"PROGRAM:\n{self._shown(program)}\n\nERROR:\n{feedback.strip()}\n\n"
            f"{self.attempt(task)}"
        )

    def shortens(self, program: str) -> bool:
        """Whether an attempt is too long to be shown whole."""
        return 0 < self.longest < len(program.strip())

    def _shown(self, program: str) -> str:
        program = program.strip()
        if not self.shortens(program):
            return program
        lines = program[: self.longest].split("\n")
        kept = lines[:-1] or lines  # whole lines, unless the first is already too long
        left = program.count("\n") + 1 - len(kept)
        return "\n".join([*kept, f"# … {left} more lines" if left else "# …"])

    def _described(self, task: Task) -> str:
        lines = [task.instruction.strip()]
        for test in [test for test in task.shown if test.call][: self.examples]:
            lines += [f">>> {test.call}", test.expected]
        return "\n".join(lines)


def solution(task: Task, completion: str) -> str:
    """The program that a completion makes: the header, and the body that was written."""
    return f"{task.header}{completion}"
