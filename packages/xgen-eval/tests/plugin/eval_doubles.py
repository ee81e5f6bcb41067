"""Models and a task as another package would provide them; every expected number is by hand."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from xgen_core import (
    Completion,
    GenerationRequest,
    ModelInfo,
    Score,
    ScoreRequest,
    TokenLogprob,
)
from xgen_core.testing import ByteTokenizer
from xgen_eval import Metric, TaskResult


class ByteModel:
    """Tokens are bytes; `nats(byte, position, left)` is the loss of one.

    `left` counts the tokens of the window before it, as the rolling contract of `ScoreRequest` has
    it: windows begin at multiples of the stride, each token is scored in the first that holds it.
    """

    def __init__(
        self,
        nats: Callable[[int, int, int], float],
        *,
        identity: str = "double",
        context_length: int | None = 64,
    ) -> None:
        self.nats = nats
        self.info = ModelInfo(identity=identity, context_length=context_length)
        self.calls = 0

    async def __aenter__(self):
        return self

    async def __aexit__(self, kind, error, trace):
        return None

    async def generate(self, request):
        raise AssertionError("not asked for in these tests")

    async def score(self, requests: Sequence[ScoreRequest]) -> list[Score]:
        self.calls += 1
        return [self._score(r) for r in requests]

    def _score(self, request: ScoreRequest) -> Score:
        data = request.continuation.encode()
        window = request.window or self.info.context_length or len(data)
        stride = request.stride or window
        logprobs = []
        for i, byte in enumerate(data):
            if request.context:
                left = len(request.context.encode()) + i
            else:
                start = 0 if i < window else math.ceil((i - window + 1) / stride) * stride
                left = i - start
            logprobs.append(-self.nats(byte, i, left))
        return Score(token_logprobs=tuple(logprobs), byte_lengths=(1,) * len(data), is_greedy=False)


class KnowsText(ByteModel):
    """Gives 0.1 nats a byte to a continuation that follows its context in the text, else 2."""

    def __init__(self, text: str, likes: bool = True) -> None:
        super().__init__(lambda byte, position, left: 2.0)
        self.text = text
        self.likes = likes

    def _score(self, request: ScoreRequest) -> Score:
        known = request.context + request.continuation in self.text
        cost = 0.1 if known == self.likes else 2.0
        size = len(request.continuation.encode())
        greedy = known == self.likes
        return Score(token_logprobs=(-cost,) * size, byte_lengths=(1,) * size, is_greedy=greedy)


class Recorded(ByteModel):
    """Knows the log-probabilities of what lm-eval asked, and fails at anything else."""

    def __init__(self, known: dict[tuple[str, str], float]) -> None:
        super().__init__(lambda byte, position, left: 0.0)
        self.known = known

    def _score(self, request: ScoreRequest) -> Score:
        value = self.known[request.context, request.continuation]
        size = len(request.continuation.encode())
        return Score(token_logprobs=(value,), byte_lengths=(size,), is_greedy=False)


def unigram(byte: int, position: int, left: int) -> float:
    """`a` has probability 1/2, `b` 1/4, every other byte 1/1024."""
    return {97: 1.0, 98: 2.0}.get(byte, 10.0) * math.log(2)


def open_unigram(rest: str) -> ByteModel:
    return ByteModel(unigram, identity=f"unigram:{rest}")


class Letters(ByteModel):
    """A judge that answers `m` with the given probability, `M` with half of the rest."""

    def __init__(self, first: float) -> None:
        super().__init__(unigram, identity=f"letters:{first:g}")
        self.first = first

    async def generate(self, request) -> list[Completion]:
        top = {"m": math.log(self.first), "M": math.log((1 - self.first) / 2)}
        assert request.logprobs == 5
        token = TokenLogprob(id=0, text="M", logprob=top["M"], top=top)
        said = Completion(text="M", finish_reason="length", logprobs=(token,))
        return [said] * request.n


def open_letters(rest: str) -> Letters:
    return Letters(float(rest))


def open_bytes(rest: str) -> ByteTokenizer:
    return ByteTokenizer()


@dataclass(frozen=True, slots=True, kw_only=True)
class CountDocuments:
    """A task of another package."""

    factor: int = 1

    name = "count_documents"
    variant = "v1"
    needs = "generate"
    summary = "how many documents there are"

    def files(self, inputs) -> tuple[Path, ...]:
        return inputs.require(self.name)

    async def run(self, model, inputs, progress) -> TaskResult:
        n = len(inputs.documents())
        return TaskResult(
            name=self.name,
            variant=self.variant,
            metrics={"documents": Metric(value=float(n * self.factor), n=n)},
            items=tuple({"id": d.id} for d in inputs.documents()),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Unnamed:
    """Not a task: it lacks all that one has."""


class Writer:
    """A model that writes what a function makes of the prompt (and of the sample's number)."""

    def __init__(self, write: Callable[[str], str], *, identity: str = "writer") -> None:
        self.write = write
        self.info = ModelInfo(identity=identity)
        self.requests: list[GenerationRequest] = []

    async def __aenter__(self):
        return self

    async def __aexit__(self, kind, error, trace):
        return None

    async def generate(self, request: GenerationRequest) -> list[Completion]:
        self.requests.append(request)
        prompt = request.prompt
        if prompt is None:
            prompt = request.messages[-1].content
        text = self.write(prompt)
        return [Completion(text=text, finish_reason="stop") for _ in range(request.n)]
