"""How a judge is asked: the settings that all judged tasks share, and what comes back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from xgen_core import Completion, GenerationRequest, InputError, Message, open_model
from xgen_core.progress import Progress
from xgen_eval.answers import Answered, Ask, ask_all
from xgen_eval.inputs import Inputs

__all__ = ["JudgedTask", "Judgment", "judged_by"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgment:
    """What a judge said of one thing.

    Attributes:
        judge: its identity.
        completions: one for each repeat; none where the request failed.
        error: why it gave no answer.
    """

    judge: str
    completions: tuple[Completion, ...] = ()
    error: str = ""

    @property
    def texts(self) -> tuple[str, ...]:
        """Its words, one text for each repeat."""
        return tuple(c.text for c in self.completions)

    def details(self) -> dict[str, str]:
        """Who judged, and in which words, for the row of an item."""
        return {"judge": self.judge, **self.shown()}

    def shown(self) -> dict[str, str]:
        """The words by heading, one heading for each repeat."""
        if len(self.texts) == 1:
            return {"judgment": self.texts[0]}
        return {f"judgment_{i}": text for i, text in enumerate(self.texts, 1)}


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedTask:
    """A task whose answers are graded by a judge.

    Attributes:
        judge: URI of the model that judges: an endpoint, `local:DIR`, `replay:FILE`,
            `scripted:FILE`.
        repeats: how often each thing is judged; sample `i` is asked with `seed + i`.
        judge_temperature: 0 is what the benchmarks use. A judge that is asked several times should
            have more, or its answers can differ only by what the endpoint leaves to chance.
        judge_max_tokens: longest judgment; None for what the benchmark uses.
    """

    judge: str = ""
    repeats: int = 1
    judge_temperature: float = 0.0
    judge_max_tokens: int | None = None

    name: ClassVar[str]
    variant: ClassVar[str]
    summary: ClassVar[str]
    needs: ClassVar[Literal["score", "generate"]] = "generate"

    def __post_init__(self) -> None:
        if self.repeats < 1:
            raise ValueError(f"repeats must be at least 1, got {self.repeats}")
        if self.judge_max_tokens is not None and self.judge_max_tokens < 1:
            raise ValueError(f"judge_max_tokens must be at least 1, got {self.judge_max_tokens}")
        if self.judge_temperature < 0:
            raise ValueError(f"judge_temperature must not be negative: {self.judge_temperature}")

    def judge_files(self) -> tuple[Path, ...]:
        """The file that the judge answers from, if it does.

        Raises:
            InputError: no judge was named.
        """
        if not self.judge:
            raise InputError(
                f"{self.name} needs a judge: a model by URI, such as https://HOST/v1#MODEL, "
                f"local:DIR or replay:FILE (--judge URI, or --set {self.name}.judge=URI)"
            )
        scheme, _, rest = self.judge.partition(":")
        return (Path(rest),) if scheme in ("replay", "scripted") else ()

    @property
    def longest_judgment(self) -> int:
        """Tokens of a judgment where the user set none: FastChat's figure."""
        return 2048

    async def ask_judge(
        self,
        prompts: Mapping[str, tuple[Message, ...]],
        inputs: Inputs,
        *,
        logprobs: int | None = None,
    ) -> dict[str, Judgment]:
        """What the judge says to each prompt, by the prompt's id.

        Raises:
            ModelError: more requests failed than may.
            PluginError, InputError: there is no such judge.
        """
        asks = [
            Ask(id=name, request=self._request(messages, inputs.seed, logprobs))
            for name, messages in prompts.items()
        ]
        async with open_model(self.judge) as judge:
            with Progress(f"{self.name}: judging") as progress:
                answered = await ask_all(judge, asks, inputs, progress)
            return _judgments(judge.info.identity, answered)

    def _request(
        self, messages: tuple[Message, ...], seed: int, logprobs: int | None
    ) -> GenerationRequest:
        return GenerationRequest(
            messages=messages,
            max_tokens=self.judge_max_tokens or self.longest_judgment,
            temperature=self.judge_temperature,
            seed=seed,
            n=self.repeats,
            logprobs=logprobs,
        )


def _judgments(judge: str, answered: Sequence[Answered]) -> dict[str, Judgment]:
    return {
        a.ask.id: Judgment(judge=judge, completions=a.completions, error=a.error) for a in answered
    }


def judged_by(judgments: Mapping[str, Judgment]) -> str:
    """Who judged, for a caption."""
    names = dict.fromkeys(j.judge for j in judgments.values())
    return f"Judge {', '.join(names) or 'none'}"
