"""Many at the same time: `gather(items, work)`, of which some may fail, and `together(works)`."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from xgen_core.errors import BudgetError, CapabilityError, EndpointError, PluginError, XgenError
from xgen_core.progress import Progress

__all__ = ["Failure", "failure_summary", "gather", "together"]

T = TypeVar("T")
R = TypeVar("R")
_FOR_ALL = (BudgetError, CapabilityError, EndpointError, PluginError)
"""What goes wrong with one item and would with every other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why one item has no result.

    Attributes:
        reason: the error's message.
        kind: the error's class, `"ModelError"` say.
    """

    reason: str
    kind: str


async def gather(
    items: Sequence[T],
    work: Callable[[T], Awaitable[R]],
    *,
    concurrency: int = 128,
    progress: Progress | None = None,
) -> list[R | Failure]:
    """Work on items, at most `concurrency` at a time; results in the items' order.

    An item that fails with an `XgenError` becomes a `Failure` and the others go on. After an error
    that concerns every item (the budget is used up, the model cannot do this, the endpoint is not
    there) no item is begun any more; those in work are waited for, since they are paid already,
    and the error is raised. Being cancelled (Ctrl-C) and errors of a programmer end everything at
    once.

    Args:
        items: in the order of their results.
        work: one item's work.
        concurrency: items in work at one time, at most; twice what is sent to an endpoint at one
            time, so that it has enough to do while answers are stored.
        progress: counts each item that is done.
    """
    if concurrency < 1:
        raise ValueError(f"concurrency must be at least 1, got {concurrency}")
    results: dict[int, R | Failure] = {}
    numbered = enumerate(items)
    stop: list[XgenError] = []

    async def worker() -> None:
        for number, item in numbered:
            try:
                results[number] = await work(item)
            except _FOR_ALL as error:
                stop.append(error)
            except XgenError as error:
                results[number] = Failure(reason=str(error), kind=type(error).__name__)
            if stop:
                return
            if progress is not None:
                progress.advance()

    workers = [asyncio.create_task(worker()) for _ in range(min(concurrency, len(items)))]
    try:
        await asyncio.gather(*workers)
    finally:
        for task in workers:
            task.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
    if stop:
        raise stop[0]
    return [results[number] for number in range(len(results))]


async def together(works: Sequence[Coroutine[Any, Any, R]]) -> list[R]:
    """All results, in order; the first failure ends the others before it is raised."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def failure_summary(failures: Sequence[Failure]) -> str:
    """How many failed and why, as one line: `3 failed: 2 ModelError (first reason), …`."""
    counts = Counter(failure.kind for failure in failures)
    first = {failure.kind: failure.reason for failure in reversed(failures)}
    parts = [f"{count} {kind} ({first[kind]:.160})" for kind, count in counts.most_common()]
    return f"{len(failures)} failed: " + ", ".join(parts)
