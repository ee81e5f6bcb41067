"""Encoding by several processes, for a program that is not itself one worker among many.

tiktoken hardly gains by threads (its results pass through Python), and neither does what stands
around gigatoken, so more cores mean more processes. `xgen data build` starts its own workers; this
is for everybody else.
"""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from xgen_core import TokenBatch, Tokenizer, XgenError

__all__ = ["encode_parallel"]


def encode_parallel(
    tokenizer: Tokenizer,
    batches: Iterable[Sequence[str]],
    *,
    workers: int | None = None,
    specials: bool = False,
) -> Iterator[TokenBatch]:
    """Yield `tokenizer.encode_batch(batch)` for each batch, in order, made by `workers` processes.

    Batches are read as they are needed: at most two a worker are under way. Batches of some
    megabytes keep all busy. The processes end with the iteration, however it ends. In a process
    that `multiprocessing` started, and with one worker, everything happens here: workers never
    start workers.

    New processes are spawned, not forked, so a script needs the usual `if __name__ == "__main__":`.

    Args:
        tokenizer: any that can be pickled, as all of ours can.
        batches: texts to encode together.
        workers: number of processes; by default one a core that this process may use.
        specials: as for `encode_batch`.

    Raises:
        ValueError: a text has a lone surrogate, or `workers` is less than 1.
        XgenError: a process died, by lack of memory say.
    """
    count = _cores() if workers is None else workers
    if count < 1:
        raise ValueError(f"workers must be at least 1, got {workers}")
    if count == 1 or multiprocessing.parent_process() is not None:
        for batch in batches:
            yield tokenizer.encode_batch(batch, specials=specials)
        return
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(count, context, initializer=_begin, initargs=(tokenizer,))
    waiting: deque[Future[tuple[bytes, bytes]]] = deque()
    try:
        for batch in batches:
            waiting.append(pool.submit(_encode, list(batch), specials))
            if len(waiting) >= 2 * count:
                yield _received(waiting.popleft())
        while waiting:
            yield _received(waiting.popleft())
    except BrokenProcessPool as error:
        raise XgenError(
            "a process that encodes died: it ran out of memory, or the script starts work without "
            "if __name__ == '__main__'"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _cores() -> int:
    allowed = getattr(os, "sched_getaffinity", None)  # Linux only
    return len(allowed(0)) if allowed else os.cpu_count() or 1


_tokenizer: Tokenizer | None = None
"""In a worker process: what it encodes with."""


def _begin(tokenizer: Tokenizer) -> None:
    global _tokenizer  # noqa: PLW0603 - the one place where a pool's worker can keep something
    _tokenizer = tokenizer


def _encode(batch: list[str], specials: bool) -> tuple[bytes, bytes]:
    assert _tokenizer is not None
    encoded = _tokenizer.encode_batch(batch, specials=specials)
    return encoded.ids.tobytes(), encoded.offsets.tobytes()


def _received(future: Future[tuple[bytes, bytes]]) -> TokenBatch:
    ids, offsets = future.result()
    return TokenBatch(ids=memoryview(ids).cast("I"), offsets=memoryview(offsets).cast("Q"))
