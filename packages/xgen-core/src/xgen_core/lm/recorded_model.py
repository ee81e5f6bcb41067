"""`recorded(model, store)`: a model that is asked nothing twice."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
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

_Ask = Callable[[Model, Sequence[Request]], Awaitable[list[Answer]]]
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """A request with its canonical line and key."""

    key: bytes
    line: str
    request: Request


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
        self._here = model.info.tokenizer is not None
        self._most = _ON_THIS_MACHINE if self._here else concurrency
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
        calls = [self._call(single) for single in single_requests(request)]
        new = self._new_at_the_end(calls) if self._here else len(calls)
        made = await self._own(calls[new:], _generate) if new < len(calls) else []
        return cast("list[Completion]", [*await self._answers(calls[:new], _generate), *made])

    def _call(self, request: Request) -> _Call:
        line = canonical(request)
        return _Call(key=call_key(self._model.info, line), line=line, request=request)

    def _new_at_the_end(self, calls: Sequence[_Call]) -> int:
        """Where the samples begin that nobody has asked for; a model here reads their prompt once.

        An endpoint is asked for each by itself, so that each is kept as soon as it is there.
        """
        begin = len(calls)
        while begin and calls[begin - 1].key not in self._store.in_flight:
            if self._store.find(calls[begin - 1].key) is not None:
                break
            begin -= 1
        return begin

    async def _answers(self, calls: Sequence[_Call], ask: _Ask) -> list[Answer]:
        if len(calls) == 1:
            return [await self._answer(calls[0], ask)]
        failed: list[XgenError] = []

        async def one(call: _Call) -> Answer:
            if failed:
                raise failed[0]
            try:
                return await self._answer(call, ask)
            except XgenError as error:
                failed.append(error)
                raise

        answers = await gather(calls, one, concurrency=2 * self._most)
        if failed:
            raise failed[0]
        return cast("list[Answer]", answers)

    async def _answer(self, call: _Call, ask: _Ask) -> Answer:
        in_flight = self._store.in_flight
        while call.key in in_flight:
            other = in_flight[call.key]
            await asyncio.wait([other])
            if not other.cancelled():
                return other.result()
        known = self._store.find(call.key)
        return known if known is not None else (await self._own([call], ask))[0]

    async def _own(self, calls: Sequence[_Call], ask: _Ask) -> list[Answer]:
        """Make calls, and let whoever wants the same meanwhile wait for them."""
        loop = asyncio.get_running_loop()
        mine: list[asyncio.Future[Answer]] = [loop.create_future() for _ in calls]
        in_flight = self._store.in_flight
        in_flight.update(zip((call.key for call in calls), mine, strict=True))
        try:
            answers = await self._made(calls, ask)
        except asyncio.CancelledError:
            for future in mine:
                future.cancel()
            raise
        except Exception as error:
            for future in mine:
                future.set_exception(error)
                future.exception()  # it was looked at: nobody else may be waiting
            raise
        else:
            for future, answer in zip(mine, answers, strict=True):
                future.set_result(answer)
            return answers
        finally:
            for call in calls:
                del in_flight[call.key]

    async def _made(self, calls: Sequence[_Call], ask: _Ask) -> list[Answer]:
        """Ask the model, and return when the answers are on disk."""
        requests = [call.request for call in calls]
        trace = CallTrace()
        begun = time.monotonic()
        async with self._turns:
            if self._budget is None:
                answers = await self._traced(requests, ask, trace)
            else:
                answers = await self._paid(self._budget, requests, ask, trace)
        seconds = time.monotonic() - begun
        new: list[NewCall] = []
        for call, answer in zip(calls, answers, strict=True):
            usage = _usage(trace, answer)
            made = NewCall(
                key=call.key,
                info=self._model.info,
                request=call.line,
                answer=answer,
                line=_line(answer),
                prompt_tokens=usage.prompt_tokens,
                completion_tokens=usage.completion_tokens,
                attempts=max(trace.attempts, 1),
                seconds=seconds,
            )
            new.append(made)
        await self._store.add(new)
        return answers

    async def _paid(
        self, budget: Budget, requests: Sequence[Request], ask: _Ask, trace: CallTrace
    ) -> list[Answer]:
        worsts = [worst_case(request) for request in requests]
        worst = sum(worsts, Usage())
        await budget.reserve(worst)
        used = Usage(calls=len(requests))  # calls that failed
        try:
            answers = await self._traced(requests, ask, trace)
            pairs = zip(worsts, answers, strict=True)
            used = sum((_used(w, _usage(trace, a), a) for w, a in pairs), Usage())
            return answers
        finally:
            budget.settle(worst, used)

    async def _traced(
        self, requests: Sequence[Request], ask: _Ask, trace: CallTrace
    ) -> list[Answer]:
        token = CURRENT.set(trace)
        try:
            return await ask(self._model, requests)
        finally:
            CURRENT.reset(token)


class RecordedScoringModel(RecordedModel):
    """Likewise, for a model that scores."""

    async def score(self, requests: Sequence[ScoreRequest]) -> Sequence[Score]:
        """One score for each request, in order; only those that the store lacks are asked for.

        Raises:
            BudgetError: the next request could cost more than is left.
            ModelError: the model did not answer.
        """
        calls = [self._call(request) for request in requests]
        return cast("list[Score]", await self._answers(calls, _score))


async def _generate(model: Model, requests: Sequence[Request]) -> list[Answer]:
    """Samples of one request, whose seeds follow each other."""
    first = cast(GenerationRequest, requests[0])
    return [*await model.generate(dataclasses.replace(first, n=len(requests)))]


async def _score(model: Model, requests: Sequence[Request]) -> list[Answer]:
    asked = cast("Sequence[ScoreRequest]", requests)
    return [*await cast(ScoringModel, model).score(asked)]


def _line(answer: Answer) -> str:
    try:
        return canonical(answer)
    except ValueError:
        raise ModelError(
            "the model gave a log-probability that is not finite: are its weights damaged?"
        ) from None


def _usage(trace: CallTrace, answer: Answer) -> Usage:
    """Tokens as the endpoint told, or as the completion says."""
    made = answer if isinstance(answer, Completion) else None
    return Usage(
        calls=1,
        prompt_tokens=trace.prompt_tokens or (made.prompt_tokens if made else 0),
        completion_tokens=trace.completion_tokens or (made.completion_tokens if made else 0),
    )


def _used(worst: Usage, told: Usage, answer: Answer) -> Usage:
    """What a call used: as told, and at its worst where nothing was."""
    silent = isinstance(answer, Completion) and answer.text and not told.completion_tokens
    return Usage(
        calls=1,
        prompt_tokens=told.prompt_tokens or worst.prompt_tokens,
        completion_tokens=worst.completion_tokens if silent else told.completion_tokens,
    )
