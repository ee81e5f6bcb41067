"""What sources share that are open while something else is: a client, a process, or nothing."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, AsyncExitStack
from types import TracebackType
from typing import Self

__all__ = ["Opened"]


class Opened:
    """A source without a life of its own; an async context manager.

    Args:
        held: what it needs, entered in this order.
    """

    def __init__(self, *held: AbstractAsyncContextManager[object]) -> None:
        self._held = held
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            for needed in self._held:
                await stack.enter_async_context(needed)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)
