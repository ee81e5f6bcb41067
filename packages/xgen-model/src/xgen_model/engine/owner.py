"""The one thread that does all jax work, fed by a queue, for callers on event loops.

It alternates between a few steps of the running batch and one pass of whatever is to be computed
(scores, say), so that neither waits for the other to end. Texts join free rows between steps.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from xgen_core.errors import ModelError
from xgen_core.records import Completion
from xgen_model.engine.answer import Answer, token_logprob
from xgen_model.engine.batch import CHUNK, Batch, Prompt, Written
from xgen_model.engine.sample import Sampling

__all__ = ["Generation", "Owner"]

J = TypeVar("J")
R = TypeVar("R")
_FIRST_STEPS, _FEW_STEPS = 2, 8


@dataclass(slots=True, kw_only=True)
class Generation:
    """Texts to be generated from one prompt.

    Attributes:
        ids: read first.
        samplings: one for each text.
        answers: what becomes of each, empty at first.
        limit: tokens of each text, at most.
        prompt_tokens: to be reported.
        alternatives: log-probabilities to report beside each token's own; None for no report.
        tell: called on the owner's thread with a text's index and what was added to it.
    """

    ids: tuple[int, ...]
    samplings: tuple[Sampling, ...]
    answers: tuple[Answer, ...]
    limit: int
    prompt_tokens: int
    alternatives: int | None = None
    tell: Callable[[int, str], None] | None = None
    future: Future[list[Completion]] = field(default_factory=Future[list[Completion]])
    prompt: Prompt | None = None

    def hear(self, batch: Batch, index: int, written: Written) -> None:
        """Take what a row wrote."""
        answer = self.answers[index]
        for at, token in enumerate(written.ids):
            report = None
            if self.alternatives is not None and token != batch.eos_id:
                top = slice(0, self.alternatives)
                report = token_logprob(
                    answer.tokenizer,
                    token,
                    written.logprobs[at],
                    written.others[at][top],
                    written.other_logprobs[at][top],
                )
            answer.add(token, report)
        text = answer.fresh() if self.tell is not None else ""
        if text and self.tell is not None:
            self.tell(index, text)
        if all(a.finished for a in self.answers):
            _settle(self.future, [a.completion(self.prompt_tokens) for a in self.answers])


class Owner(Generic[J, R]):
    """A thread with a batch of texts and other computations.

    Args:
        batch: only this thread touches it.
        compute: all waiting jobs → pass by pass, what became of which (by index); one each.
        name: of the thread.
    """

    def __init__(
        self,
        batch: Batch,
        compute: Callable[[Sequence[J]], Iterator[Sequence[tuple[int, R | Exception]]]],
        name: str,
    ) -> None:
        self._batch = batch
        self._compute = compute
        self._name = name
        self._inbox: queue.SimpleQueue[Generation | tuple[J, Future[R]] | None]
        self._inbox = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._rows: dict[int, tuple[Generation, int]] = {}
        self._texts: deque[tuple[Generation, int]] = deque()
        self._jobs: list[tuple[J, Future[R]]] = []
        self._running: Iterator[Sequence[tuple[int, R | Exception]]] | None = None
        self._run_for: list[Future[R]] = []

    def start(self) -> None:
        """Start the thread; once at a time."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
            self._thread.start()

    async def stop(self) -> None:
        """Let the thread finish what it has, and wait for it without blocking the event loop."""
        if self._thread is not None:
            thread, self._thread = self._thread, None
            self._inbox.put(None)
            await asyncio.to_thread(thread.join)

    async def generate(self, generation: Generation) -> list[Completion]:
        """The texts; a caller that is cancelled frees their rows.

        Raises:
            ModelError: the model is not open.
        """
        self._check_open()
        self._inbox.put(generation)
        return await asyncio.wrap_future(generation.future)

    async def ask(self, job: J) -> R:
        """What is computed for a job.

        Raises:
            ModelError: the model is not open.
            Exception: whatever the computation found wrong with the job.
        """
        self._check_open()
        future: Future[R] = Future()
        self._inbox.put((job, future))
        return await asyncio.wrap_future(future)

    def _check_open(self) -> None:
        if self._thread is None:
            raise ModelError("the model is closed: use it inside `async with`")

    def _work(self) -> None:
        closing = False
        while True:
            idle = not (self._rows or self._texts or self._jobs or self._running)
            if closing and idle:
                self._batch.reset()
                return
            while (idle and not closing) or not self._inbox.empty():
                idle = False
                taken = self._inbox.get()
                if taken is None:
                    closing = True
                elif isinstance(taken, Generation):
                    self._texts += [(taken, index) for index in range(len(taken.answers))]
                else:
                    self._jobs.append(taken)
            try:
                self._write()
            except Exception as error:  # noqa: BLE001 - it belongs to the callers who wait
                for generation, _ in self._rows.values():
                    _settle(generation.future, error)
                self._rows.clear()
                self._batch.reset()
            self._run()

    def _write(self) -> None:
        """Let texts leave and join, then write a few tokens in each row."""
        for row, (generation, _) in list(self._rows.items()):
            if generation.future.done():
                self._drop(row)
        while self._texts and self._batch.free:
            generation, index = self._texts.popleft()
            if not generation.future.done():
                self._join(generation, index)
                if any(g.tell is not None for g, _ in self._rows.values()):
                    break  # whoever listens does not wait for all others' prompts to be read
        for row, written in self._batch.advance(self._steps()).items():
            generation, index = self._rows[row]
            generation.hear(self._batch, index, written)
            if generation.answers[index].finished:
                self._drop(row)

    def _join(self, generation: Generation, index: int) -> None:
        if generation.prompt is None:
            try:
                generation.prompt = self._batch.read(generation.ids)
            except Exception as error:  # noqa: BLE001 - the rows that are written know nothing of it
                _settle(generation.future, error)
                return
        try:
            row = self._batch.join(generation.prompt, generation.samplings[index], generation.limit)
        except Exception as error:
            _settle(generation.future, error)
            raise
        if index == len(generation.answers) - 1:
            generation.prompt = None  # all have their own copy
        self._rows[row] = (generation, index)

    def _drop(self, row: int) -> None:
        self._rows.pop(row, None)
        self._batch.leave(row)

    def _steps(self) -> int:
        """Few where somebody waits for what comes next, many where nobody does."""
        told = [(g, i) for g, i in self._rows.values() if g.tell is not None]
        if any(g.answers[i].tokens == 0 for g, i in told):
            return _FIRST_STEPS
        if told or self._texts or self._jobs or self._running:
            return _FEW_STEPS
        if any(generation.answers[index].stop for generation, index in self._rows.values()):
            return CHUNK // 2
        return CHUNK

    def _run(self) -> None:
        """One pass of what is to be computed."""
        if self._running is None and self._jobs:
            live = [(job, future) for job, future in self._jobs if not future.done()]
            self._jobs = []
            self._run_for = [future for _, future in live]
            self._running = self._compute([job for job, _ in live])
        if self._running is None:
            return
        try:
            if all(future.done() for future in self._run_for):
                raise StopIteration
            for index, answer in next(self._running):
                _settle(self._run_for[index], answer)
        except StopIteration:
            self._running = None
        except Exception as error:  # noqa: BLE001 - it belongs to the callers who wait
            for future in self._run_for:
                _settle(future, error)
            self._running = None


def _settle(future: Future[Any], answer: object) -> None:
    """Give an answer or an exception to whoever still waits."""
    if future.done() or not future.set_running_or_notify_cancel():
        return
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)
