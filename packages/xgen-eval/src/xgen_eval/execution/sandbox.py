"""A place to run code that nobody has read.

A sandbox keeps a warm interpreter, the zygote, and forks it for every job, so a run costs
milliseconds. The child shuts itself in before the first foreign line: see `Level` for what holds
it, and docs/eval/sandbox.md for what is and is not promised.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator, Callable, Sequence
from types import TracebackType
from typing import Self

from xgen_eval.execution.child import Child
from xgen_eval.execution.errors import SandboxError, WeakSandboxError
from xgen_eval.execution.job import Job
from xgen_eval.execution.level import FULL, Level
from xgen_eval.execution.zygote import Zygote

__all__ = ["Sandbox", "Slots"]


class Sandbox:
    """Runs jobs in children; an async context manager.

    Example:
        async with Sandbox() as sandbox:
            child = await sandbox.start(Job(role="script", payload=b"print(6 * 7)"))
            print((await child.wait()).stdout)
    """

    def __init__(
        self,
        level: Level | None = None,
        *,
        modules: Sequence[str] = (),
        processes: int = 2,
        allow_weak: bool = False,
    ) -> None:
        """Describe it; entering it starts it.

        Args:
            level: layers to use at most; None for all that the machine has.
            modules: third-party modules that jobs may import, `"numpy"` say.
            processes: children at once.
            allow_weak: run even where the level is not strict.
        """
        if processes < 1:
            raise ValueError(f"processes must be at least 1, got {processes}")
        self._wanted = (level or FULL).layers
        self._modules = tuple(modules)
        self._processes = processes
        self._allow_weak = allow_weak
        self._zygotes: dict[tuple[str, ...], Zygote] = {}
        self._starting = asyncio.Lock()
        self._turn = asyncio.Lock()
        self._free = asyncio.Semaphore(processes)
        self._level = Level(layers=())
        self._entered = False

    @property
    def level(self) -> Level:
        """What holds its children; known once it is entered."""
        return self._level

    @property
    def processes(self) -> int:
        """How many children it runs at once."""
        return self._processes

    async def __aenter__(self) -> Self:
        """Start the interpreter that jobs without third-party modules need.

        Raises:
            WeakSandboxError: the machine's level is not strict, and `allow_weak` is not given.
            InputError: a module is not installed.
            SandboxError: it could not be started.
        """
        self._entered = True
        try:
            zygote = await self._zygote(())
            self._level = zygote.level
            if not self._level.strict and not self._allow_weak:
                raise WeakSandboxError(
                    "untrusted code is not run here: it needs seccomp, and Landlock or namespaces, "
                    f"and what holds it is {self._level}. Use Linux 5.13 or newer, or allow it "
                    "with --unsafe (allow_weak=True) where nothing on the machine matters"
                )
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End all children, and the interpreters."""
        await self._close()

    async def start(self, job: Job, channel: socket.socket | None = None) -> Child:
        """Begin a job as soon as one of the sandbox's processes is free; it is until it has ended.

        For jobs that wait for each other take `slots`: starting them one by one can deadlock.

        Args:
            job: what is to be done.
            channel: what the child speaks through, so that whoever holds the other end sends the
                payload; None for a channel to here.

        Raises:
            ValueError: the job may import modules that this sandbox has not.
            SandboxError: a new zygote was needed and could not be started.
        """
        async with self._turn:
            await self._free.acquire()
        child = await self._make(job, self._free.release, channel)
        await child.begin()
        return child

    @contextlib.asynccontextmanager
    async def slots(self, count: int) -> AsyncGenerator[Slots]:
        """Wait until so many processes are free at the same time, and keep them for the block.

        Children still running at its end are killed.

        Raises:
            ValueError: the sandbox has fewer processes.
        """
        if not 1 <= count <= self._processes:
            raise ValueError(f"slots must lie in 1..{self._processes}, got {count}")
        taken = 0
        try:
            async with self._turn:  # one at a time, so that two never hold half of what each needs
                while taken < count:
                    await self._free.acquire()
                    taken += 1
        except BaseException:
            for _ in range(taken):
                self._free.release()
            raise
        slots = Slots(self, count)
        try:
            yield slots
        finally:
            await slots.end()

    async def _make(
        self, job: Job, release: Callable[[], None], channel: socket.socket | None
    ) -> Child:
        """Have a child made; `release` is called once, when it has ended or could not be made."""
        try:
            return Child(await self._zygote(job.modules), job, release, channel)
        except OSError as error:  # no descriptors are left
            release()
            raise SandboxError(f"no child could be made: {error}") from error
        except BaseException:
            release()
            raise

    async def _zygote(self, modules: Sequence[str]) -> Zygote:
        """The zygote for these modules, started where there is none or it has died."""
        if not self._entered:
            raise RuntimeError("this sandbox is not entered: async with Sandbox() as sandbox")
        if not set(modules) <= set(self._modules):
            raise ValueError(
                f"a job may import {modules}, of which its sandbox has {self._modules}"
            )
        key = tuple(sorted(set(modules)))
        zygote = self._zygotes.get(key)
        if zygote is not None and zygote.alive:
            return zygote
        async with self._starting:
            zygote = self._zygotes.get(key)
            if zygote is not None and zygote.alive:
                return zygote
            if zygote is not None:
                await zygote.close()
            zygote = await Zygote.start(self._wanted, key, self._processes)
            self._zygotes[key] = zygote
            if not set(self._level.layers) <= set(zygote.level.layers):
                await zygote.close()
                raise SandboxError(f"a sandbox of {self._level} came back as {zygote.level}")
            return zygote

    async def _close(self) -> None:
        self._entered = False
        zygotes = list(self._zygotes.values())
        self._zygotes.clear()
        await asyncio.gather(*(zygote.close() for zygote in zygotes))


class Slots:
    """Processes kept for jobs that belong together; made by `Sandbox.slots`."""

    def __init__(self, sandbox: Sandbox, count: int) -> None:
        self._sandbox = sandbox
        self._free = asyncio.Semaphore(count)
        self._idle = count
        self._ended = False
        self._children: list[Child] = []

    async def start(self, job: Job, channel: socket.socket | None = None) -> Child:
        """Begin a job in one of them, as soon as one is free; see `Sandbox.start`."""
        await self._free.acquire()
        if self._ended:
            self._free.release()
            raise ValueError("these slots have been given back")
        self._idle -= 1
        child = await self._sandbox._make(job, self._release, channel)
        self._children.append(child)
        await child.begin()
        return child

    async def end(self) -> None:
        """Give back what is idle, kill what still runs, and see it end.

        Where that is cut off, each of the others is given back when its child has ended.
        """
        self._ended = True
        for _ in range(self._idle):
            self._sandbox._free.release()
        for child in self._children:
            child.kill()
        await asyncio.gather(*(child.wait() for child in self._children), return_exceptions=True)

    def _release(self) -> None:
        if self._ended:
            self._sandbox._free.release()
        else:
            self._idle += 1
            self._free.release()
