"""Generation tasks: many requests to one model at once, and what a failed one means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from xgen_core import Completion, GenerationRequest, Model, ModelError
from xgen_core.concurrency import Failure, gather
from xgen_core.progress import Progress
from xgen_core.records import Scalar
from xgen_eval.inputs import Inputs

__all__ = ["Answered", "Ask", "ask_all", "prompt_text"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One item that is answered by generation.

    Attributes:
        id: unique in the task, and the same for every model.
        request: what the model is asked.
        references: right answers, or what the grader compares with.
        attributes, cluster: as in `xgen_eval.grading.Graded`.
    """

    id: str
    request: GenerationRequest
    references: tuple[str, ...] = ()
    attributes: Mapping[str, Scalar] = field(default_factory=dict[str, Scalar])
    cluster: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An item with what the model gave: `completions`, or the reason why there are none."""

    ask: Ask
    completions: tuple[Completion, ...] = ()
    error: str = ""

    @property
    def text(self) -> str:
        """The first answer; empty where the request failed."""
        return self.completions[0].text if self.completions else ""


async def ask_all(
    model: Model, asks: Sequence[Ask], inputs: Inputs, progress: Progress
) -> list[Answered]:
    """Answers of all items in order, at most `inputs.concurrency` in flight.

    A request that fails does not stop the others; what they answered is kept.

    Raises:
        ModelError: after all were tried, if more failed than `inputs.allow_failures`; says how many
            and why.
    """
    progress.total, progress.unit = len(asks), "answers"

    async def answer(ask: Ask) -> Answered:
        return Answered(ask=ask, completions=tuple(await model.generate(ask.request)))

    # The model's own turns bound what is in flight; the others wait for the disk (see `recorded`).
    results = await gather(asks, answer, concurrency=2 * inputs.concurrency, progress=progress)
    answered = [
        Answered(ask=ask, error=result.reason) if isinstance(result, Failure) else result
        for ask, result in zip(asks, results, strict=True)
    ]
    failed = [a for a in answered if a.error]
    if len(failed) > inputs.allow_failures:
        raise ModelError(
            f"{len(failed)} of {len(asks)} requests failed, the first ({failed[0].ask.id}): "
            f"{failed[0].error}. The others are kept: run again to ask these anew, or count them "
            "as wrong with --allow-failures"
        )
    return answered


def prompt_text(request: GenerationRequest) -> str:
    """The prompt as people read it; a conversation with its roles."""
    if request.prompt is not None:
        return request.prompt
    return "\n\n".join(f"[{m.role}]\n{m.content}" for m in request.messages)
