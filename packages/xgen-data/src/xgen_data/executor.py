"""Who does the work: this process, worker processes, other machines, a Ray cluster.

A build is a chain of stages, and a stage a list of tasks. A task is idempotent: it makes its files
under temporary names, renames them, and writes its *receipt* last; a task that has a receipt is
done. So an executor only has to see to it that every task is tried until it has one, and stages
follow each other. Nothing here knows what a task is about.
"""

from __future__ import annotations

import importlib
import importlib.util
import itertools
import multiprocessing
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import cloudpickle

from xgen_core import XgenError
from xgen_core.files import write_text
from xgen_core.progress import Progress

__all__ = ["Executor", "Processes", "Ranks", "Ray", "available_cores"]

C = TypeVar("C")
T = TypeVar("T")
R = TypeVar("R")
_IN_FLIGHT = 1000
"""Tasks that Ray knows of at a time: each wait looks at all of them."""
_CONNECT_SECONDS = 10
_RAY_SKIP = "RAY_DEDUP_LOGS_SKIP_REGEX"


class Executor(Protocol):
    """Runs the stages of a build."""

    @property
    def leads(self) -> bool:
        """Whether this process does what is done once, such as writing the manifest."""
        ...

    def map(
        self,
        label: str,
        work: Callable[[C, T], R],
        context: C,
        tasks: Sequence[T],
        done: Callable[[T], R | None],
        *,
        unit: str = "tasks",
        over: Path | None = None,
    ) -> list[R]:
        """`work(context, task)` of every task that is not done; results in the tasks' order.

        Args:
            label: what progress calls it.
            work: a function at the top of a module.
            context: handed to every call; pickled once for each process.
            tasks: what to do.
            done: the result of a task that has its receipt, else None.
            unit: what progress counts.
            over: a file that exists only when the leading process has all the results: others stop
                waiting for receipts then, and return what they have.

        Raises:
            XgenError: a worker process died; whatever `work` raises.
        """
        ...

    def wait(self, path: Path, over: Path | None = None) -> None:
        """Return once `path`, which the leading process makes, is there (or `over`)."""
        ...


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True, kw_only=True)
class Processes:
    """Processes of this machine.

    Attributes:
        workers: how many; 0 or 1 works in this process. With more, a script needs the usual
            `if __name__ == "__main__":`, because workers are spawned.
    """

    workers: int = 0
    leads: bool = True

    def map(
        self,
        label: str,
        work: Callable[[C, T], R],
        context: C,
        tasks: Sequence[T],
        done: Callable[[T], R | None],
        *,
        unit: str = "tasks",
        over: Path | None = None,
    ) -> list[R]:
        """As `Executor.map` says."""
        results = [done(task) for task in tasks]
        pending = [i for i, result in enumerate(results) if result is None]
        workers = min(self.workers, len(pending))
        with Progress(label, len(tasks), unit=unit, start=len(tasks) - len(pending)) as progress:
            if workers <= 1:
                for i in pending:
                    results[i] = work(context, tasks[i])
                    progress.advance()
                return _all(results)
            pool = ProcessPoolExecutor(
                workers,
                mp_context=multiprocessing.get_context("spawn"),
                initializer=_start_worker,
                initargs=(_packed(work, context),),
            )
            try:
                futures = {pool.submit(_call, tasks[i]): i for i in pending}
                for future in as_completed(futures):
                    results[futures[future]] = future.result()
                    progress.advance()
            except BrokenProcessPool as error:
                raise XgenError(
                    f"a worker process ended during {label!r} (out of memory, perhaps); run the "
                    "same command again with fewer --workers, it goes on where it stopped"
                ) from error
            finally:
                pool.shutdown(cancel_futures=True)
        return _all(results)

    def wait(self, path: Path, over: Path | None = None) -> None:
        """Nobody else is there to wait for."""


@dataclass(frozen=True, kw_only=True)
class Ranks:
    """One of several processes that were started with the same command on a shared file system.

    Task `i` belongs to rank `i % world_size`; rank 0 also does what is done once. A stage ends when
    the receipts of all ranks are there. A rank that dies is started again with the same rank.

    Attributes:
        rank: 0 … world_size - 1.
        world_size: how many there are.
        directory: the store's; a rank that fails leaves word there, so that others do not wait.
        workers: processes of this rank.
        poll_seconds: how often it looks whether the others are done.
    """

    rank: int
    world_size: int
    directory: Path
    workers: int = 0
    poll_seconds: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.rank < self.world_size:
            raise ValueError(f"rank must lie in 0..{self.world_size - 1}, got {self.rank}")

    @property
    def leads(self) -> bool:
        """Whether this is rank 0."""
        return self.rank == 0

    def _word(self, rank: int) -> Path:
        return self.directory / f"rank-{rank}-failed.txt"

    def map(
        self,
        label: str,
        work: Callable[[C, T], R],
        context: C,
        tasks: Sequence[T],
        done: Callable[[T], R | None],
        *,
        unit: str = "tasks",
        over: Path | None = None,
    ) -> list[R]:
        """As `Executor.map` says."""
        self._word(self.rank).unlink(missing_ok=True)
        mine = tasks[self.rank :: self.world_size]
        try:
            Processes(workers=self.workers).map(label, work, context, mine, done, unit=unit)
        except BaseException as error:
            self.directory.mkdir(parents=True, exist_ok=True)
            write_text(self._word(self.rank), f"{error or type(error).__name__}\n")
            raise
        results = [done(task) for task in tasks]
        with Progress(
            f"{label}, waiting", len(tasks), unit=unit, start=_count(results)
        ) as progress:
            while (missing := len(tasks) - _count(results)) > 0 and not _exists(over):
                self._sleep(progress)
                results = [
                    r if r is not None else done(t) for r, t in zip(results, tasks, strict=True)
                ]
                progress.advance(missing - (len(tasks) - _count(results)), "for other ranks")
        return _all(results)

    def wait(self, path: Path, over: Path | None = None) -> None:
        """Return once rank 0 has made `path`."""
        if self.leads:
            return
        with Progress(path.name) as progress:
            while not path.exists() and not _exists(over):
                self._sleep(progress)

    def _sleep(self, progress: Progress) -> None:
        for rank in range(self.world_size):
            if rank != self.rank and self._word(rank).exists():
                raise XgenError(
                    f"rank {rank} failed: {self._word(rank).read_text().strip()}; start all ranks "
                    "again when that is mended, they go on where they stopped"
                )
        time.sleep(self.poll_seconds)
        progress.advance(0, "for other ranks")


@dataclass(frozen=True, kw_only=True)
class Ray:
    """Tasks on a Ray cluster whose nodes share the file system of the store.

    Attributes:
        address: of the cluster, as `ray.init` takes it; `"local"` starts one here.
        retries: how often a task is tried again when its worker or its node dies.
    """

    address: str = "auto"
    retries: int = 10
    leads: bool = True

    def map(
        self,
        label: str,
        work: Callable[[C, T], R],
        context: C,
        tasks: Sequence[T],
        done: Callable[[T], R | None],
        *,
        unit: str = "tasks",
        over: Path | None = None,
    ) -> list[R]:
        """As `Executor.map` says."""
        ray = _import_ray()
        if not ray.is_initialized():
            self._connect(ray)
        results = [done(task) for task in tasks]
        pending = [i for i, result in enumerate(results) if result is None]
        with Progress(label, len(tasks), unit=unit, start=len(tasks) - len(pending)) as progress:
            shared = ray.put(_packed(work, context))
            run = ray.remote(num_cpus=1, max_retries=self.retries)(_call_packed)
            most = max(_IN_FLIGHT, 2 * int(ray.cluster_resources().get("CPU", 0)))
            queue = iter(pending)
            running = {run.remote(shared, tasks[i]): i for i in itertools.islice(queue, most)}
            try:
                while running:
                    (future,), _ = ray.wait(list(running), num_returns=1)
                    results[running[future]] = ray.get(future)
                    del running[future]
                    progress.advance()
                    for i in itertools.islice(queue, 1):
                        running[run.remote(shared, tasks[i])] = i
            except ray.exceptions.RayTaskError as error:
                if isinstance(error.cause, Exception):
                    raise error.cause from None
                raise XgenError(f"a task of {label!r} failed on Ray: {error}") from error
            except ray.exceptions.RayError as error:
                raise XgenError(
                    f"Ray gave up during {label!r}: {_first_line(error)}; run the same command "
                    "again, it goes on where it stopped"
                ) from error
            finally:
                for future in running:
                    ray.cancel(future)
        return _all(results)

    def _connect(self, ray: Any) -> None:
        try:
            _check_reachable(self.address)
            ray.init(address=self.address, log_to_driver=False, logging_level="error")
        except (OSError, RuntimeError, ValueError) as error:  # ConnectionError is an OSError
            raise XgenError(
                f"no Ray cluster at {self.address!r}: {_first_line(error)}; start one with 'ray "
                "start --head', or give the HOST:PORT that it printed"
            ) from error

    def wait(self, path: Path, over: Path | None = None) -> None:
        """The driver is the only one who waits, and what it does once it does itself."""


def _import_ray() -> Any:
    if importlib.util.find_spec("ray") is None:
        raise XgenError("Ray is not installed: pip install 'xgen-data[ray]'")
    if "ray" in sys.modules:
        return sys.modules["ray"]
    # Ray prints a page on stdout, where our tables and JSON go, for each worker that dies and is
    # replaced; `log_to_driver=False` does not stop that, this does, and is read at import only.
    before = os.environ.get(_RAY_SKIP)
    os.environ.setdefault(_RAY_SKIP, ".")
    try:
        return importlib.import_module("ray")
    finally:
        if before is None:
            del os.environ[_RAY_SKIP]


def _check_reachable(address: str) -> None:
    """Fail in seconds where Ray itself would try a dead address for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_SECONDS).close()


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__


def _exists(path: Path | None) -> bool:
    return path is not None and path.exists()


def _count(results: Sequence[object]) -> int:
    return sum(result is not None for result in results)


def _all(results: Sequence[R | None]) -> list[R]:
    return [result for result in results if result is not None]


def _packed(work: Callable[..., object], context: object) -> bytes:
    """Function and context as bytes; a recipe file's own classes travel by value."""
    own = [m for name, m in list(sys.modules.items()) if name.startswith("xgen_recipe_")]
    for module in own:
        cloudpickle.register_pickle_by_value(module)
    try:
        return cloudpickle.dumps((work, context))
    finally:
        for module in own:
            cloudpickle.unregister_pickle_by_value(module)


_work: tuple[Callable[[Any, Any], Any], Any] | None = None  # a worker process's own
_unpacked: tuple[bytes, Any] = (b"", None)


def _start_worker(packed: bytes) -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it at once and without a traceback
    global _work  # noqa: PLW0603 - the only way a pool initialiser hands something on
    _work = cloudpickle.loads(packed)


def _call(task: Any) -> Any:
    assert _work is not None  # _start_worker ran
    work, context = _work
    return work(context, task)


def _call_packed(packed: bytes, task: Any) -> Any:
    global _unpacked  # noqa: PLW0603 - so that a Ray worker unpacks a stage's context once
    if _unpacked[0] != packed:
        _unpacked = (packed, cloudpickle.loads(packed))
    work, context = _unpacked[1]
    return work(context, task)
