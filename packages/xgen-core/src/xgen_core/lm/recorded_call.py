"""One answered request to one model, and the key that it is found by."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from xgen_core.codec import JSON, encode
from xgen_core.records import (
    Completion,
    GenerationRequest,
    ModelInfo,
    Record,
    Score,
    ScoreRequest,
)

__all__ = ["Answer", "RecordedCall", "Request", "call_key", "canonical", "single_requests"]

Request = GenerationRequest | ScoreRequest
Answer = Completion | Score


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedCall(Record):
    """One line of a store's export, and of what `replay:` reads.

    Attributes:
        model: identity of the model.
        tokenizer: its fingerprint, or None behind an endpoint.
        dtype: what the model computes in, or None where nobody says.
        request: what was asked; of a generation one sample (`n` is 1), with that sample's seed.
        answer: a `Completion` to a `GenerationRequest`, a `Score` to a `ScoreRequest`.
    """

    model: str
    tokenizer: str | None = None
    dtype: str | None = None
    request: GenerationRequest | ScoreRequest
    answer: Completion | Score

    def __post_init__(self) -> None:
        if isinstance(self.request, GenerationRequest) != isinstance(self.answer, Completion):
            raise ValueError("a generation is answered by a completion, a score request by a score")
        if isinstance(self.request, GenerationRequest) and self.request.n != 1:
            raise ValueError(f"a recorded request asks for one sample, got n={self.request.n}")

    @property
    def info(self) -> ModelInfo:
        """The model as far as a recorded call knows it."""
        return ModelInfo(identity=self.model, tokenizer=self.tokenizer, dtype=self.dtype)

    @property
    def key(self) -> bytes:
        """What the call is found by."""
        return call_key(self.info, canonical(self.request))


def single_requests(request: GenerationRequest) -> Sequence[GenerationRequest]:
    """The samples of a request, each as a request of its own: `n` 1 and seed `seed + i`."""
    if request.n == 1:
        return (request,)
    return [dataclasses.replace(request, n=1, seed=request.seed + i) for i in range(request.n)]


def canonical(value: Request | Answer) -> str:
    """A record as one line of ASCII JSON; equal records, equal lines.

    Raises:
        ValueError: a number that is not finite.
    """
    fields = cast("dict[str, JSON]", encode(value))
    if isinstance(value, GenerationRequest):
        for name in _FLOATS:  # a temperature of 0 and one of 0.0 are one request
            fields[name] = float(cast(float, fields[name]))
    return _ENCODER.encode(fields)


def call_key(info: ModelInfo, request: str) -> bytes:
    """Sha256 over identity, tokenizer and dtype of a model, and a request's canonical line.

    Generations and scores cannot meet: their records have other fields.
    """
    model = json.dumps([info.identity, info.tokenizer, info.dtype])
    return hashlib.sha256(f"{model}\n{request}".encode("ascii")).digest()


_FLOATS = [f.name for f in dataclasses.fields(GenerationRequest) if f.type == "float"]
_ENCODER = json.JSONEncoder(
    ensure_ascii=True, allow_nan=False, sort_keys=True, separators=(",", ":")
)
