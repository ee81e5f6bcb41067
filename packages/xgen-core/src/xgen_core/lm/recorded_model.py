"""`recorded(model, store)`: a model that is asked nothing twice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Self, cast

from xgen_core.concurrency import gather
from xgen_core.errors import ModelError, XgenError
from xgen_core.lm.budget import Budget, Usage, worst_case
from xgen_core.lm.calls import CallStore, NewCall
from xgen_core.lm.recorded_call import Answer, Request, call_key, canonical, single_requests
from xgen_core.lm.trace import CURRENT, CallTrace
from xgen_core.protocols import Model, ScoringModel
from xgen_core.records import Completion, GenerationRequest, ModelInfo, Score, ScoreRequest

__all__ = ["RecordedModel", "RecordedScoringModel", "recorded"]

_Ask = Callable[[Model, Request], Awaitable[Answer]]
_ON_THIS_MACHINE = 512
"""Calls at one time to a model that shares its passes among them, whatever is said of endpoints."""


def recorded(
    model: Model, store: CallStore, *, budget: Budget | None = None, concurrency: int = 64
) -> Model:
    """Put a store before a model; what is asked through it is asked once.

    Args:
        model: who answers what the store does not know. Entering and leaving the result enters and
            leaves it.
        store: open, for as long as the result is used.
        budget: for what is asked of `model`.
        concurrency: calls to an endpoint at one time; more wait for their turn. To keep so many in
            flight, have more items in work: some are always waiting for the disk.

    Returns:
        A `ScoringModel` where `model` is one.
    """
    if isinstance(model, ScoringModel):
        return RecordedScoringModel(model, store, budget=budget, concurrency=concurrency)
    return RecordedModel(model, store, budget=budget, concurrency=concurrency)


class RecordedModel:
    """A model behind a store; see `recorded`.

    Equal requests at the same time are one call. A request of which some samples are known asks for
    the others only. Where one of several calls fails, those in flight are waited for, and kept.
    """

    def __init__(
        self,
        model: Model,
        store: CallStore,
        *,
        budget: Budget | None = None,
        concurrency: int = 64,
    ) -> None:
        if concurrency < 1:
            raise ValueError(f"concurrency must be at least 1, got {concurrency}")
        self._model = model
        self._store = store
        self._budget = budget
        self._most = concurrency if model.info.tokenizer is None else _ON_THIS_MACHINE
        self._turns = asyncio.Semaphore(self._most)

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

    async def _answers(self, requests: Sequence[Request], ask: _Ask) -> list[Answer]:
        if len(requests) == 1:
            return [await self._answer(requests[0], ask)]
        failed: list[XgenError] = []

        async def one(request: Request) -> Answer:
            if failed:
                raise failed[0]
            try:
                return await self._answer(request, ask)
            except XgenError as error:
                failed.append(error)
                raise

        answers = await gather(requests, one, concurrency=2 * self._most)
        if failed:
            raise failed[0]
        return cast("list[Answer]", answers)

    async def _answer(self, request: Request, ask: _Ask) -> Answer:
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
            answer = await self._called(key, request, line, ask)
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

    async def _called(self, key: bytes, request: Request, line: str, ask: _Ask) -> Answer:
        """Ask the model, and return when the answer is on disk."""
        trace = CallTrace()
        begun = time.monotonic()
        async with self._turns:
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

    async def _paid(self, budget: Budget, request: Request, ask: _Ask, trace: CallTrace) -> Answer:
        worst = worst_case(request)
        await budget.reserve(worst)
        used = Usage(calls=1)  # a call that failed
        try:
            answer = await self._traced(request, ask, trace)
            used = _used(worst, trace, answer)
            return answer
        finally:
            budget.settle(worst, used)

    async def _traced(self, request: Request, ask: _Ask, trace: CallTrace) -> Answer:
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
