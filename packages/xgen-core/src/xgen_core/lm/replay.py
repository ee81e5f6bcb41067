"""`replay:CALLS.jsonl`: recorded answers, read-only: the same requests give the same completions.

Each line is `{"model": IDENTITY, "request": …, "sample": i, "completion": …}`, where `request` is a
`GenerationRequest` with `n` 1 and the seed of the first sample. Samples are keyed by their number,
so a file with five samples answers any request for up to five.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from xgen_core.errors import InputError, ModelError
from xgen_core.files import read_jsonl
from xgen_core.lm.always_open import AlwaysOpen
from xgen_core.lm.scripted import prompt_text
from xgen_core.recipe import fingerprint
from xgen_core.records import Completion, GenerationRequest, ModelInfo, Record

__all__ = ["RecordedCall", "ReplayModel", "open_replay"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedCall(Record):
    """One answered sample of one request."""

    model: str
    request: GenerationRequest
    sample: int
    completion: Completion


def request_key(request: GenerationRequest) -> str:
    """What a recorded call is found by: everything but the number of samples."""
    return fingerprint(dataclasses.replace(request, n=1))


class ReplayModel(AlwaysOpen):
    """A model that repeats what another one answered, and refuses what it never was asked."""

    def __init__(self, calls: list[RecordedCall], where: str) -> None:
        self._where = where
        self._answers = {(request_key(c.request), c.sample): c.completion for c in calls}
        identities = sorted({c.model for c in calls})
        if len(identities) > 1:
            raise InputError(f"{where}: calls of several models: {', '.join(identities)}")
        self._info = ModelInfo(identity=identities[0])

    @property
    def info(self) -> ModelInfo:
        """The recorded model's identity, so that results are filed under it."""
        return self._info

    async def generate(self, request: GenerationRequest) -> list[Completion]:
        """The recorded completions.

        Raises:
            ModelError: this request (or that many samples of it) was never recorded.
        """
        key = request_key(request)
        found: list[Completion] = []
        for sample in range(request.n):
            answer = self._answers.get((key, sample))
            if answer is None:
                raise ModelError(
                    f"{self._where} has no sample {sample} for the prompt that ends in "
                    f"{prompt_text(request)[-80:]!r}; record it with the real model first"
                )
            found.append(answer)
        return found


def open_replay(path: str) -> ReplayModel:
    """Open a file of recorded calls.

    Raises:
        InputError: no such file, a damaged line, no calls, or calls of several models.
    """
    if not Path(path).is_file():
        raise InputError(f"replay:{path}: no such file (it takes a JSONL file of recorded calls)")
    calls = list(read_jsonl(path, RecordedCall.from_json))
    if not calls:
        raise InputError(f"{path}: no calls in it")
    return ReplayModel(calls, path)
