"""`replay:FILE`: recorded answers, read-only: the same requests get the same answers.

FILE is a call store (`calls.sqlite`) or its JSONL export, one `RecordedCall` a line, generations
and scores alike. Where it holds the answers of several models, `replay:FILE#IDENTITY` chooses one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import cast

from xgen_core.errors import InputError, ModelError
from xgen_core.files import read_jsonl
from xgen_core.lm.always_open import AlwaysOpen
from xgen_core.lm.calls import CallStore
from xgen_core.lm.recorded_call import (
    Answer,
    RecordedCall,
    Request,
    call_key,
    canonical,
    single_requests,
)
from xgen_core.lm.scripted import prompt_text
from xgen_core.records import Completion, GenerationRequest, ModelInfo, Score, ScoreRequest

__all__ = ["ReplayModel", "open_replay"]


class ReplayModel(AlwaysOpen):
    """A model that repeats what another one answered, and refuses what that was never asked.

    Args:
        info: of the model that answered.
        find: gives the answer to a key, or None.
        where: the answers come from, for messages.
        store: to be closed in the end.
    """

    def __init__(
        self,
        info: ModelInfo,
        find: Callable[[bytes], Answer | None],
        where: str,
        store: CallStore | None = None,
    ) -> None:
        self._info = info
        self._find = find
        self._where = where
        self._store = store

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._store is not None:
            self._store.close()

    @property
    def info(self) -> ModelInfo:
        """The recorded model's identity, so that results are filed under it."""
        return self._info

    async def generate(self, request: GenerationRequest) -> list[Completion]:
        """The recorded completions.

        Raises:
            ModelError: this request (or that many samples of it) was never recorded.
        """
        found: list[Completion] = []
        for sample, single in enumerate(single_requests(request)):
            answer = self._answer(single)
            if answer is None:
                raise ModelError(
                    f"{self._where} has no sample {sample} for the prompt that ends in "
                    f"{prompt_text(request)[-80:]!r}; record it with the real model first"
                )
            found.append(cast(Completion, answer))
        return found

    async def score(self, requests: Sequence[ScoreRequest]) -> Sequence[Score]:
        """The recorded scores.

        Raises:
            ModelError: one of these requests was never recorded.
        """
        found: list[Score] = []
        for request in requests:
            answer = self._answer(request)
            if answer is None:
                raise ModelError(
                    f"{self._where} has no score of {request.continuation[-80:]!r} after "
                    f"{request.context[-80:]!r}; record it with the real model first"
                )
            found.append(cast(Score, answer))
        return found

    def _answer(self, request: Request) -> Answer | None:
        return self._find(call_key(self._info, canonical(request)))


def open_replay(name: str) -> ReplayModel:
    """Open a call store, or a JSONL file of recorded calls: `FILE` or `FILE#IDENTITY`.

    Raises:
        InputError: no such file, a damaged line, no calls, or calls of several models and none
            chosen.
        FormatError: a store that is damaged.
    """
    path, _, identity = name.partition("#")
    if not Path(path).is_file():
        raise InputError(
            f"replay:{path}: no such file (it takes a call store or its export as JSONL)"
        )
    with Path(path).open("rb") as handle:
        is_store = handle.read(15) == b"SQLite format 3"
    if is_store:
        store = CallStore(path, read_only=True)
        return ReplayModel(_chosen(store.models(), identity, path), store.find, path, store)
    calls = list(read_jsonl(path, RecordedCall.from_json))
    answers = {call.key: call.answer for call in calls}
    infos = list({(c.model, c.tokenizer, c.dtype): c.info for c in calls}.values())
    return ReplayModel(_chosen(infos, identity, path), answers.get, path)


def _chosen(infos: Sequence[ModelInfo], identity: str, path: str) -> ModelInfo:
    if not infos:
        raise InputError(f"{path}: no calls in it")
    fitting = [info for info in infos if info.identity == identity or not identity]
    names = ", ".join(sorted({info.identity for info in infos}))
    if not fitting:
        raise InputError(f"{path}: no calls of {identity}; there are those of {names}")
    if len(fitting) > 1:
        raise InputError(
            f"{path}: calls of several models: {names}; choose one as replay:{path}#IDENTITY"
        )
    return fitting[0]
