"""What benchmarks answered by generation share: prompts, greedy answers, a grade for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from xgen_core import GenerationRequest, InputError, Message, Model
from xgen_core.progress import Progress
from xgen_core.records import Scalar
from xgen_core.report import Block
from xgen_eval.answers import Answered, Ask, ask_all, prompt_text
from xgen_eval.grading import Graded, graded_result
from xgen_eval.inputs import Inputs
from xgen_eval.task import Metric, TaskResult

__all__ = ["GenerationBenchmark"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationBenchmark:
    """A benchmark whose items are prompts, each graded by what the model writes.

    A subclass is a frozen dataclass that makes the items (`asks`) and grades an answer (`grade`,
    or `grader` where that takes a file).

    Attributes:
        max_tokens: longest answer.
        chat: send the prompt as a user's message, for models that know conversations only.
    """

    max_tokens: int = 256
    chat: bool = False

    name: ClassVar[str]
    procedure: ClassVar[str]
    summary: ClassVar[str]
    title: ClassVar[str]
    caption: ClassVar[str]
    parts: ClassVar[tuple[str, ...]] = ()
    needs: ClassVar[Literal["score", "generate"]] = "generate"

    def __post_init__(self) -> None:
        if self.max_tokens < 1:
            raise ValueError(f"max_tokens must be at least 1, got {self.max_tokens}")

    @property
    def variant(self) -> str:
        """Names the procedure, and whatever else the numbers hang on."""
        return self.procedure

    def files(self, inputs: Inputs) -> tuple[Path, ...]:
        """None: the items are made from the seed."""
        return ()

    async def run(self, model: Model, inputs: Inputs, progress: Progress) -> TaskResult:
        """Ask for every answer and grade it; see `xgen_eval.task.Task`."""
        grade = self.grader()
        asks = self.asks(inputs)
        if not asks:
            raise InputError(f"{self.name} has no items")
        answered = await ask_all(model, asks, inputs, progress)
        items = [_graded(a, grade(a)) for a in answered]
        return graded_result(
            self.name,
            self.variant,
            items,
            parts=self.parts,
            extra=self.overall(items),
            title=self.title,
            caption=self.caption,
            blocks=self.blocks(items),
        )

    def asks(self, inputs: Inputs) -> list[Ask]:
        """The items as they are asked; the same inputs give the same items.

        Raises:
            InputError: what they are made from is missing or damaged.
        """
        raise NotImplementedError

    def grader(self) -> Callable[[Answered], Mapping[str, float]]:
        """What gives the scores of an answer; made once, before anything is asked.

        Raises:
            InputError: a file that it grades by is missing or damaged.
        """
        return self.grade

    def grade(self, answered: Answered) -> Mapping[str, float]:
        """Scores of one answer; the text is empty where the request failed."""
        raise NotImplementedError

    def overall(self, items: Sequence[Graded]) -> dict[str, Metric]:
        """Metrics that are not means over items."""
        return {}

    def blocks(self, items: Sequence[Graded]) -> Sequence[Block]:
        """Plots of the page's section."""
        return ()

    def request(self, prompt: str, *, stop: tuple[str, ...] = ()) -> GenerationRequest:
        """A greedy request of this task."""
        if self.chat:
            messages = (Message(role="user", content=prompt),)
            return GenerationRequest(messages=messages, max_tokens=self.max_tokens, stop=stop)
        return GenerationRequest(prompt=prompt, max_tokens=self.max_tokens, stop=stop)


def _graded(answered: Answered, scores: Mapping[str, float]) -> Graded:
    ask = answered.ask
    details: dict[str, Scalar] = {"prompt": prompt_text(ask.request)}
    if len(answered.completions) > 1:
        details |= {f"answer_{i}": c.text for i, c in enumerate(answered.completions)}
    elif answered.completions:
        details["answer"] = answered.text
        details["finish_reason"] = answered.completions[0].finish_reason
    if ask.references:
        details["reference"] = "\n".join(ask.references)
    return Graded(
        id=ask.id,
        scores=scores,
        details=details,
        attributes=ask.attributes,
        cluster=ask.cluster,
        error=answered.error,
    )
