"""One run of untrusted code, as the harness sees it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable

from xgen_eval.execution.channel import FrameError, Frames, pack
from xgen_eval.execution.exit import Ending, Exit
from xgen_eval.execution.job import Job
from xgen_eval.execution.stream import Stream
from xgen_eval.execution.zygote import End, Zygote

__all__ = ["Child"]


class Child:
    """A process at work on a job; made by `Sandbox.start` and `Slots.start`.

    Left alone, it ends at its wall time at the latest.

    Frames go both ways until it ends; `wait` tells how it did. One that was started with the end of
    another channel speaks to whoever holds that one's other end: nothing can be sent to it here.
    """

    def __init__(
        self,
        zygote: Zygote,
        job: Job,
        released: Callable[[], None],
        channel: socket.socket | None = None,
    ) -> None:
        """Have it made.

        Args:
            zygote: who makes it.
            job: what it does.
            released: called when it has ended.
            channel: what it speaks through, which remains the caller's to close; None for a new
                one to here.

        Raises:
            OSError: this process has no descriptors left.
        """
        self._zygote = zygote
        self._job = job
        self._written = 0
        self._ended: Ending | None = None
        self._frames = Frames()
        self._reading, self._writing = asyncio.Lock(), asyncio.Lock()
        with contextlib.ExitStack() as undo, contextlib.ExitStack() as theirs:
            self._socket = None
            if channel is None:
                self._socket, channel = socket.socketpair()
                undo.enter_context(self._socket)
                theirs.enter_context(channel)
                self._socket.setblocking(False)
            self._out, out = Stream.open(self._count)
            undo.callback(self._out.close)
            theirs.callback(os.close, out)
            self._err, err = Stream.open(self._count)
            undo.callback(self._err.close)
            theirs.callback(os.close, err)
            self._number, end = zygote.launch(job, (channel.fileno(), out, err))
            undo.pop_all()
        self._exit = asyncio.create_task(self._finish(end, released))
        self._exit.add_done_callback(lambda task: task.cancelled() or task.exception())

    async def begin(self) -> None:
        """Hand it the payload; whoever made it does so once. It is killed where that is cut off."""
        if self._socket is None:
            return
        try:
            await self.send(self._job.payload)
        except BaseException:
            self.kill()
            raise

    async def send(self, frame: bytes) -> None:
        """Send a frame. To a child that has ended it is sent in vain: `receive` gives None then.

        Raises:
            FrameError: it is longer than `LARGEST_FRAME`.
        """
        data = pack(frame)
        async with self._writing:
            if (channel := self._open()) is None:
                return
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                await asyncio.get_running_loop().sock_sendall(channel, data)

    def give(self, channel: socket.socket) -> None:
        """Give it another channel, which its role takes with `Channel.take` before the next frame.

        Raises:
            BlockingIOError: it has not read what it was sent before.
        """
        if (own := self._open()) is not None:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                socket.send_fds(own, [b"D"], [channel.fileno()])

    async def receive(self) -> bytes | None:
        """The next frame, or None when it has ended or closed its end.

        One that announces a frame longer than `LARGEST_FRAME` is killed, and its exit is
        `"output"`. What it sends waits in the kernel until it is asked for, so a flood stops there.
        """
        async with self._reading:
            while True:
                try:
                    frame = self._frames.take()
                except FrameError:
                    self._end("output")
                    return None
                if frame is not None:
                    return frame
                if (channel := self._open()) is None:
                    return None
                try:
                    data = await asyncio.get_running_loop().sock_recv(channel, 1 << 16)
                except ConnectionResetError:
                    return None
                if not data:
                    return None
                self._frames.feed(data)

    async def wait(self) -> Exit:
        """How it ended, once it has. What it sent before can still be received.

        Raises:
            SandboxError: the sandbox failed, which says nothing about the job.
        """
        return await asyncio.shield(self._exit)

    def kill(self) -> None:
        """End it now; its exit is `"killed"` unless something else has ended it."""
        self._end("killed")

    def _open(self) -> socket.socket | None:
        """Its channel to here, or None once that is closed.

        Raises:
            RuntimeError: it never had one.
        """
        if self._socket is None:
            raise RuntimeError("this child speaks through another channel")
        return None if self._socket.fileno() < 0 else self._socket

    def _end(self, why: Ending) -> None:
        self._ended = self._ended or why
        self._zygote.kill(self._number)

    def _count(self, written: int) -> None:
        self._written += written
        if self._written > self._job.limits.output_bytes:
            self._end("output")

    async def _finish(self, end: asyncio.Future[End], released: Callable[[], None]) -> Exit:
        try:
            ended = await end
        finally:
            stdout, stderr = self._out.close(), self._err.close()
            if self._socket is not None:
                with contextlib.suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)  # wakes who sends or receives
                async with self._reading, self._writing:
                    self._drain(self._socket)
            released()
        return Exit.of(
            ended.status,
            ended="output" if self._ended == "output" else ended.killed,
            limits=self._job.limits,
            cpu_seconds=ended.cpu_seconds,
            peak_bytes=ended.peak_bytes,
            stdout=stdout,
            stderr=stderr,
        )

    def _drain(self, channel: socket.socket) -> None:
        """Keep what it has sent, which is no more than the kernel holds, and close."""
        with channel, contextlib.suppress(OSError):
            while data := channel.recv(1 << 16):
                self._frames.feed(data)
