"""What the model writes: completions of prompts, to be read by a person."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple

from xgen_core import Completion, Document, GenerationRequest, InputError, Model
from xgen_core.progress import Progress
from xgen_core.report import Item, Items, Section
from xgen_eval.inputs import Inputs
from xgen_eval.seeded.draws import shuffled
from xgen_eval.task import Metric, TaskResult

__all__ = ["Samples"]


class _Prompt(NamedTuple):
    id: str
    text: str
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """Completions of given prompts, or of the beginnings of documents drawn with the seed.

    Attributes:
        prompts: what to complete; empty takes beginnings of held-out documents.
        count: how many documents to draw.
        prompt_chars: longest beginning, cut back to white space; at most half the document.
        reference_chars: how much of what really follows is shown beside it.
        max_tokens, temperature, top_p: as in `GenerationRequest`.
    """

    prompts: tuple[str, ...] = ()
    count: int = 8
    prompt_chars: int = 300
    reference_chars: int = 500
    max_tokens: int = 128
    temperature: float = 0.8
    top_p: float = 1.0

    name: ClassVar[str] = "samples"
    variant: ClassVar[str] = "completion-v1"
    needs: ClassVar[Literal["score", "generate"]] = "generate"
    summary: ClassVar[str] = "completions of held-out or given prompts, to read"

    def __post_init__(self) -> None:
        if min(self.count, self.prompt_chars, self.reference_chars) < 1:
            raise ValueError("count, prompt_chars and reference_chars must be at least 1")
        if any(not p for p in self.prompts):
            raise ValueError("a prompt is empty")
        self._request("check", 0)

    def files(self, inputs: Inputs) -> tuple[Path, ...]:
        """The held-out documents, unless there are prompts."""
        return () if self.prompts else inputs.require(self.name)

    async def run(self, model: Model, inputs: Inputs, progress: Progress) -> TaskResult:
        """Complete every prompt; see `xgen_eval.task.Task`."""
        prompts = self._prompts(inputs)[: inputs.limit]
        progress.total, progress.unit = len(prompts), "prompts"

        async def complete(prompt: _Prompt) -> list[Completion]:
            found = await model.generate(self._request(prompt.text, inputs.seed))
            progress.advance()
            return found

        # all at once: a local model takes what waits as one batch
        answered = await asyncio.gather(*(complete(prompt) for prompt in prompts))
        answers = [answer for found in answered for answer in found]
        stopped = sum(a.finish_reason == "stop" for a in answers)
        return TaskResult(
            name=self.name,
            variant=self.variant,
            metrics={"stopped": Metric.proportion(stopped, len(answers))},
            items=tuple(
                {
                    "id": p.id,
                    "prompt": p.text,
                    "completion": a.text,
                    "reference": p.reference,
                    "finish_reason": a.finish_reason,
                }
                for p, a in zip(prompts, answers, strict=True)
            ),
            sections=(
                Section(
                    title="Samples",
                    blocks=(
                        Items(
                            items=tuple(
                                Item(
                                    title=p.id,
                                    fields={
                                        "prompt": p.text,
                                        "completion": a.text,
                                        "reference": p.reference,
                                    },
                                )
                                for p, a in zip(prompts, answers, strict=True)
                            ),
                            caption=f"Temperature {self.temperature:g}, top-p {self.top_p:g}, at "
                            f"most {self.max_tokens} tokens, seed {inputs.seed}. The reference is "
                            "what follows in the document.",
                        ),
                    ),
                ),
            ),
        )

    def _request(self, prompt: str, seed: int) -> GenerationRequest:
        return GenerationRequest(
            prompt=prompt,
            max_tokens=self.max_tokens,
            temperature=self.temperature,
            top_p=self.top_p,
            seed=seed,
        )

    def _prompts(self, inputs: Inputs) -> list[_Prompt]:
        if self.prompts:
            return [_Prompt(f"prompt {i}", text, "") for i, text in enumerate(self.prompts, 1)]
        drawn = shuffled(inputs.documents(), inputs.seed, lambda d: (d.source, d.id))
        prompts = [p for d in drawn if (p := self._cut(d)) is not None][: self.count]
        if not prompts:
            raise InputError("no document is long enough to cut a prompt from; give --prompt TEXT")
        return prompts

    def _cut(self, document: Document) -> _Prompt | None:
        text = document.text
        end = min(self.prompt_chars, len(text) // 2)
        # White space goes with what follows it: tokenizers attach a space to the next word.
        space = max((i for i in range(1, end + 1) if text[i].isspace()), default=0)
        if text[:space].strip():
            end = space
        if not text[:end].strip():
            return None
        return _Prompt(
            f"{document.source}/{document.id}", text[:end], text[end : end + self.reference_chars]
        )
