"""A limit on what a run may ask for: calls, tokens, money.

Before a request is sent its worst case is reserved: every byte of the prompt a token, and as many
tokens of answer as it allows. When the answer is there, what it really used takes the place of
that. A request that does not fit waits for others in flight to settle; one that does not fit when
none is in flight ends the run. So a limit is never crossed, as long as the endpoint keeps to
`max_tokens` and bills what it reports. Answers from a store cost nothing.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

from xgen_core.errors import BudgetError
from xgen_core.lm.recorded_call import Request
from xgen_core.records import GenerationRequest

__all__ = ["Budget", "Prices", "Usage", "prompt_bytes", "worst_case"]

_MESSAGE_TOKENS = 16
"""What a chat template may put around a message, and a tokenizer before a prompt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Calls and tokens, of one request or of many."""

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            calls=self.calls + other.calls,
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
        )

    def __sub__(self, other: Usage) -> Usage:
        return Usage(
            calls=self.calls - other.calls,
            prompt_tokens=self.prompt_tokens - other.prompt_tokens,
            completion_tokens=self.completion_tokens - other.completion_tokens,
        )

    @property
    def tokens(self) -> int:
        """Read and written together."""
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """Money for a million tokens, in whatever currency the endpoint bills.

    Attributes:
        prompt: for tokens read.
        completion: for tokens written.
    """

    prompt: float
    completion: float

    def __post_init__(self) -> None:
        if self.prompt < 0 or self.completion < 0:
            raise ValueError(f"prices must not be negative, got {self}")

    def cost(self, usage: Usage) -> float:
        """What so many tokens cost."""
        return (usage.prompt_tokens * self.prompt + usage.completion_tokens * self.completion) / 1e6


def prompt_bytes(request: Request) -> int:
    """UTF-8 bytes that a model reads for a request."""
    if not isinstance(request, GenerationRequest):
        return len((request.context + request.continuation).encode("utf-8", errors="replace"))
    texts = [request.prompt or "", *(m.content for m in request.messages)]
    return sum(len(text.encode("utf-8", errors="replace")) for text in texts)


def worst_case(request: Request) -> Usage:
    """What a request for one sample can use at most: no token has fewer bytes than one."""
    messages = len(request.messages) if isinstance(request, GenerationRequest) else 0
    return Usage(
        calls=1,
        prompt_tokens=prompt_bytes(request) + _MESSAGE_TOKENS * (1 + messages),
        # A score is asked for with one token of answer where an endpoint refuses none.
        completion_tokens=request.max_tokens if isinstance(request, GenerationRequest) else 1,
    )


class Budget:
    """What may be spent from now on; each limit is None where there is none.

    Args:
        calls: requests, however often each was tried.
        tokens: read and written together.
        money: in the currency of `prices`, which must be given with it.
        prices: for a million tokens.

    Attributes:
        spent: by what was answered.
    """

    def __init__(
        self,
        *,
        calls: int | None = None,
        tokens: int | None = None,
        money: float | None = None,
        prices: Prices | None = None,
    ) -> None:
        if money is not None and prices is None:
            raise ValueError("a limit on money needs prices")
        for name, value in (("calls", calls), ("tokens", tokens), ("money", money)):
            if value is not None and value < 0:
                raise ValueError(f"{name} must not be negative, got {value}")
        self.calls = calls
        self.tokens = tokens
        self.money = money
        self.prices = prices
        self.spent = Usage()
        self._reserved = Usage()
        self._waiting: deque[tuple[Usage, asyncio.Future[None]]] = deque()

    @property
    def cost(self) -> float:
        """Money spent; 0 without prices."""
        return self.prices.cost(self.spent) if self.prices else 0.0

    async def reserve(self, worst: Usage) -> None:
        """Set a request's worst case aside, waiting for others to settle where it does not fit.

        Raises:
            BudgetError: it does not fit even so.
        """
        if self._waiting or self._excess(worst):
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append((worst, turn))
            self._admit()
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled() and turn.exception() is None:
                    self.settle(worst, Usage())  # it was let in, and nobody came
                else:
                    self._waiting = deque(w for w in self._waiting if w[1] is not turn)
                    self._admit()
                raise
        else:
            self._reserved += worst

    def settle(self, worst: Usage, used: Usage) -> None:
        """Put what a request really used (nothing, where it failed) in its reservation's place."""
        self._reserved -= worst
        self.spent += used
        self._admit()

    def _admit(self) -> None:
        """Let in who waits and fits, in order; who cannot ever fit is told."""
        while self._waiting:
            worst, turn = self._waiting[0]
            excess = self._excess(worst)
            if excess and self._reserved.calls:
                return
            self._waiting.popleft()
            if turn.done():
                continue
            if excess:
                turn.set_exception(BudgetError(excess))
            else:
                self._reserved += worst
                turn.set_result(None)

    def _excess(self, worst: Usage) -> str:
        """Which limit one more request could cross, as one line; empty if none."""
        then = self.spent + self._reserved + worst
        if self.calls is not None and then.calls > self.calls:
            return (
                f"the budget of {self.calls:,} calls is used up ({self.spent.calls:,} made): "
                "raise it to go on; what was answered is kept"
            )
        if self.tokens is not None and then.tokens > self.tokens:
            return (
                f"the budget of {self.tokens:,} tokens is used up: {self.spent.tokens:,} are "
                f"spent, and the next request may use {worst.tokens:,}: raise the budget to go on; "
                "what was answered is kept"
            )
        prices = self.prices
        if self.money is not None and prices is not None and prices.cost(then) > self.money:
            return (
                f"the budget of {self.money:,.4f} is used up: {self.cost:,.4f} is spent, and "
                f"the next request may cost {prices.cost(worst):,.4f}: raise the budget to go on; "
                "what was answered is kept"
            )
        return ""
