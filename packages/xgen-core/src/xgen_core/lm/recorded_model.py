"""`recorded(model, store)`: a model that is asked nothing twice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Self, cast

from xgen_core.concurrency import together
from xgen_core.errors import ModelError
from xgen_core.lm.budget import Budget, Usage, worst_case
from xgen_core.lm.calls import CallStore, NewCall
from xgen_core.lm.recorded_call import Answer, Request, call_key, canonical, single_requests
from xgen_core.lm.trace import CURRENT, CallTrace
from xgen_core.protocols import Model, ScoringModel
from xgen_core.records import Completion, GenerationRequest, ModelInfo, Score, ScoreRequest

__all__ = ["RecordedModel", "RecordedScoringModel", "recorded"]

_SCORES_AT_ONCE = 512
"""Score requests in flight; a local model shares its passes among so many, an endpoint's own limit
is lower."""


def recorded(model: Model, store: CallStore, *, budget: Budget | None = None) -> Model:
    """Put a store before a model; what is asked through it is asked once.

    Args:
        model: who answers what the store does not know. Entering and leaving the result enters and
            leaves it.
        store: open, for as long as the result is used.
        budget: for what is asked of `model`.

    Returns:
        A `ScoringModel` where `model` is one.
    """
    if isinstance(model, ScoringModel):
        return RecordedScoringModel(model, store, budget)
    return RecordedModel(model, store, budget)


class RecordedModel:
    """A model behind a store; see `recorded`.

    Equal requests at the same time are one call. A request of which some samples are known asks for
    the others only.
    """

    def __init__(self, model: Model, store: CallStore, budget: Budget | None = None) -> None:
        self._model = model
        self._store = store
        self._budget = budget

    @property
    def info(self) -> ModelInfo:
        """The model's own."""
        return self._model.info

    async def __aenter__(self) -> Self:
        await self._model.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._model.__aexit__(kind, error, trace)

    async def generate(self, request: GenerationRequest) -> list[Completion]:
        """The completions, from the store as far as it has them.

        Raises:
            BudgetError: the next request could cost more than is left.
            ModelError: the model did not answer.
        """
        answers = await self._answers(single_requests(request), _generate)
        return cast("list[Completion]", answers)

    async def _answers(
        self, requests: Sequence[Request], ask: Callable[[Model, Request], Awaitable[Answer]]
    ) -> list[Answer]:
        if len(requests) == 1:
            return [await self._answer(requests[0], ask)]
        turns = asyncio.Semaphore(_SCORES_AT_ONCE)

        async def one(request: Request) -> Answer:
            async with turns:
                return await self._answer(request, ask)

        return await together([one(request) for request in requests])

    async def _answer(
        self, request: Request, ask: Callable[[Model, Request], Awaitable[Answer]]
    ) -> Answer:
        line = canonical(request)
        key = call_key(self._model.info, line)
        in_flight = self._store.in_flight
        while key in in_flight:
            other = in_flight[key]
            await asyncio.wait([other])
            if not other.cancelled():
                return other.result()
        known = self._store.find(key)
        if known is not None:
            return known
        mine: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        in_flight[key] = mine
        try:
            answer = await self._ask(key, request, line, ask)
        except asyncio.CancelledError:
            mine.cancel()
            raise
        except Exception as error:
            mine.set_exception(error)
            mine.exception()  # it was looked at: nobody else may be waiting
            raise
        else:
            mine.set_result(answer)
            return answer
        finally:
            del in_flight[key]

    async def _ask(
        self,
        key: bytes,
        request: Request,
        line: str,
        ask: Callable[[Model, Request], Awaitable[Answer]],
    ) -> Answer:
        """Ask the model, and return when the answer is on disk."""
        trace = CallTrace()
        begun = time.monotonic()
        if self._budget is None:
            answer = await self._traced(request, ask, trace)
        else:
            answer = await self._paid(self._budget, request, ask, trace)
        call = NewCall(
            key=key,
            info=self._model.info,
            request=line,
            answer=answer,
            line=_line(answer),
            prompt_tokens=trace.prompt_tokens,
            completion_tokens=trace.completion_tokens,
            attempts=max(trace.attempts, 1),
            seconds=time.monotonic() - begun,
        )
        await self._store.add([call])
        return answer

    async def _paid(
        self,
        budget: Budget,
        request: Request,
        ask: Callable[[Model, Request], Awaitable[Answer]],
        trace: CallTrace,
    ) -> Answer:
        worst = worst_case(request)
        await budget.reserve(worst)
        used = Usage(calls=1)  # a call that failed
        try:
            answer = await self._traced(request, ask, trace)
            used = _used(worst, trace, answer)
            return answer
        finally:
            budget.settle(worst, used)

    async def _traced(
        self,
        request: Request,
        ask: Callable[[Model, Request], Awaitable[Answer]],
        trace: CallTrace,
    ) -> Answer:
        token = CURRENT.set(trace)
        try:
            answer = await ask(self._model, request)
        finally:
            CURRENT.reset(token)
        if isinstance(answer, Completion):  # a model on this machine tells here alone
            trace.prompt_tokens = trace.prompt_tokens or answer.prompt_tokens
            trace.completion_tokens = trace.completion_tokens or answer.completion_tokens
        return answer


class RecordedScoringModel(RecordedModel):
    """Likewise, for a model that scores."""

    async def score(self, requests: Sequence[ScoreRequest]) -> Sequence[Score]:
        """One score for each request, in order; only those that the store lacks are asked for.

        Raises:
            BudgetError: the next request could cost more than is left.
            ModelError: the model did not answer.
        """
        return cast("list[Score]", await self._answers(requests, _score))


async def _generate(model: Model, request: Request) -> Answer:
    (answer,) = await model.generate(cast(GenerationRequest, request))
    return answer


async def _score(model: Model, request: Request) -> Answer:
    (answer,) = await cast(ScoringModel, model).score([cast(ScoreRequest, request)])
    return answer


def _line(answer: Answer) -> str:
    try:
        return canonical(answer)
    except ValueError:
        raise ModelError(
            "the model gave a log-probability that is not finite: are its weights damaged?"
        ) from None


def _used(worst: Usage, trace: CallTrace, answer: Answer) -> Usage:
    """What a call used: as reported, and at its worst where nothing was."""
    silent = isinstance(answer, Completion) and answer.text and not trace.completion_tokens
    return Usage(
        calls=1,
        prompt_tokens=trace.prompt_tokens or worst.prompt_tokens,
        completion_tokens=worst.completion_tokens if silent else trace.completion_tokens,
    )
