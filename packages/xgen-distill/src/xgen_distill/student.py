"""The student tries: a prompt that ends with the function's header, and the body it writes."""

from __future__ import annotations

from dataclasses import dataclass

from xgen_core import Model
from xgen_core.lm.asker import Asker
from xgen_distill.attempt import Attempt
from xgen_distill.configuration import Configuration, Sampling
from xgen_distill.program import find_definition
from xgen_distill.task import Task
from xgen_distill.teacher.reading import Reading, read_reply
from xgen_distill.templates import Template, solution
from xgen_eval.execution.truncation import truncate_body

__all__ = ["Student", "read_attempt"]

_STOP = ("\ndef ", "\nclass ", "\n#", "\nif ")
"""Where a body is over. `truncate_body` cuts there anyway; an endpoint takes four of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Student:
    """A model that tries tasks.

    Attributes:
        model: entered.
        template: of its prompts.
        sampling: of its answers.
        seed: of its requests; sample `i` has `seed + i`.
        chat: send prompts as a user's message.
    """

    model: Model
    template: Template
    sampling: Sampling
    seed: int = 0
    chat: bool = False

    @classmethod
    def of(cls, configuration: Configuration, model: Model) -> Student:
        """The one that a configuration describes."""
        return cls(
            model=model,
            template=configuration.template,
            sampling=configuration.attempts,
            seed=configuration.seed,
            chat=configuration.student_chat,
        )

    async def attempt(self, task: Task, *, round: int = 1, sample: int = 0) -> Attempt:
        """One attempt, not run yet.

        Raises:
            ModelError: the model did not answer.
        """
        return await self._written("attempt", task, self.template.attempt(task), round, sample)

    async def refine(
        self, task: Task, program: str, feedback: str, *, round: int = 1, sample: int = 0
    ) -> Attempt:
        """Its own program rectified, as it was trained to do; not run yet.

        Args:
            task: what is to be solved.
            program: the attempt, as it was run.
            feedback: what its first failing test said, see `Feedback.text`.
            round: as of the attempt.
            sample: likewise.

        Raises:
            ModelError: the model did not answer.
        """
        prompt = self.template.refinement(task, program, feedback)
        return await self._written("refinement", task, prompt, round, sample)

    async def _written(
        self, stage: str, task: Task, prompt: str, round: int, sample: int
    ) -> Attempt:
        (completion,) = await Asker(self.model, seed=self.seed, chat=self.chat).ask(
            stage,
            prompt,
            max_tokens=self.sampling.max_tokens,
            temperature=self.sampling.temperature,
            top_p=self.sampling.top_p if self.sampling.temperature else 1.0,
            first=sample,
            stop=() if self.chat else _STOP,
        )
        reading = read_attempt(task, completion.text)
        return Attempt(
            task=task.id,
            round=round,
            sample=sample,
            completion=completion.text,
            program=reading.program,
            reason=reading.reason,
            prompt_tokens=completion.prompt_tokens,
            completion_tokens=completion.completion_tokens,
        )


def read_attempt(task: Task, completion: str) -> Reading:
    """The program that a completion makes of the header: one function, nothing behind it.

    A body ends before the next line that begins in the first column. A completion that writes the
    whole function again, as models that chat do, is read as a teacher's reply is. What does not
    compile is a program all the same: its error is what the student is told.

    Returns:
        The program, or why there is none: `"empty"`, `"no function"`, or as `read_reply`.
    """
    text = completion.partition("<|endoftext|>")[0].lstrip("\n")
    if not text.strip():
        return Reading(reason="empty")
    if not text[0].isspace():
        return _whole_or_stripped(task, text)
    body = truncate_body(text.partition("\n```")[0])
    program = solution(task, f"{body.rstrip()}\n")
    definition = find_definition(program, task.entry_point)
    if definition is None:
        return Reading(program=program)
    return Reading(program=f"{definition.header}{definition.body}")


def _whole_or_stripped(task: Task, text: str) -> Reading:
    """A completion that does not begin as a body does."""
    if "def " in text or "```" in text:
        whole = read_reply(text, task)
        if whole.program or f"def {task.entry_point}" in text:
            return whole
    body = truncate_body(f"    {text}")  # an endpoint may strip what it answers
    definition = find_definition(solution(task, f"{body.rstrip()}\n"), task.entry_point)
    if definition is None:
        return Reading(reason="no function")
    return Reading(program=f"{definition.header}{definition.body}")
