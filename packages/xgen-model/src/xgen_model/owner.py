"""One thread that does all the work, fed by a queue, for callers on event loops.

What waits is taken in one go, so that requests made at the same time share batches.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

from xgen_core.errors import ModelError

__all__ = ["Owner"]

J = TypeVar("J")
R = TypeVar("R")


class Owner(Generic[J, R]):
    """A thread that answers jobs in batches.

    Args:
        answer: all waiting jobs → a result or an exception for each, in order; runs on the thread.
        name: of the thread.
    """

    def __init__(self, answer: Callable[[Sequence[J]], Sequence[R | Exception]], name: str) -> None:
        self._answer = answer
        self._name = name
        self._jobs: queue.SimpleQueue[tuple[J, Future[R]] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread; once at a time."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
            self._thread.start()

    async def stop(self) -> None:
        """Let the thread finish what it has, and wait for it without blocking the event loop."""
        if self._thread is not None:
            thread, self._thread = self._thread, None
            self._jobs.put(None)
            await asyncio.to_thread(thread.join)

    async def ask(self, job: J) -> R:
        """The answer to a job.

        Raises:
            ModelError: the model is not open.
            Exception: whatever answering the job raised.
        """
        if self._thread is None:
            raise ModelError("the model is closed: use it inside `async with`")
        future: Future[R] = Future()
        self._jobs.put((job, future))
        return await asyncio.wrap_future(future)

    def _work(self) -> None:
        closing = False
        while not closing:
            waiting = [self._jobs.get()]
            while not self._jobs.empty():
                waiting.append(self._jobs.get())
            closing = None in waiting
            live = [w for w in waiting if w is not None and w[1].set_running_or_notify_cancel()]
            if not live:
                continue
            try:
                answers = self._answer([job for job, _ in live])
            except Exception as error:  # noqa: BLE001 - it belongs to the callers who wait
                answers = [error] * len(live)
            for (_, future), answer in zip(live, answers, strict=True):
                if isinstance(answer, Exception):
                    future.set_exception(answer)
                else:
                    future.set_result(answer)
