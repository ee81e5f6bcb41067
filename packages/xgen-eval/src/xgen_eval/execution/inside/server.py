"""The zygote's loop: a child for each request, its end reported, its time watched.

It holds no secret, and no child can reach it: a child closes every descriptor but its own four.
"""

from __future__ import annotations

import json
import mmap
import os
import select
import signal
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from xgen_eval.execution.channel import Frames, pack
from xgen_eval.execution.inside.child import NOTE, live, read_note
from xgen_eval.execution.inside.confinement import Confinement

__all__ = ["Server"]


@dataclass
class _Running:
    """A child.

    Attributes:
        job: the harness's number for it.
        slot: its part of the page.
        deadline: when its wall time is over, by the monotonic clock.
        killed: why we killed it, if we did.
    """

    job: int
    slot: int
    deadline: float
    killed: str | None = None


class Server:
    """Serves one harness over one socket."""

    def __init__(
        self,
        control: socket.socket,
        confinement: Confinement,
        roles: Mapping[str, ModuleType],
        slots: int,
    ) -> None:
        self._control = control
        self._confinement = confinement
        self._roles = roles
        self._page = mmap.mmap(-1, NOTE * slots)
        self._free = list(range(slots))
        self._running: dict[int, _Running] = {}
        self._frames = Frames()
        self._descriptors: list[int] = []

    def serve(self) -> None:
        """Serve until the harness closes its end; then end all children."""
        wake, woken = os.pipe()
        os.set_blocking(wake, False)
        os.set_blocking(woken, False)
        signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # so that the end of a child wakes us
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        poll.register(wake, select.POLLIN)
        try:
            while True:
                for descriptor, _ in poll.poll(self._patience()):
                    if descriptor == wake:
                        os.read(wake, 4096)
                    elif not self._listen():
                        return
                self._reap()
                self._end_late()
        finally:
            for process in self._running:
                os.kill(process, signal.SIGKILL)

    def tell(self, message: Mapping[str, object]) -> None:
        """Send the harness a message."""
        self._control.sendall(pack(json.dumps(message).encode()))

    def _patience(self) -> float | None:
        """Milliseconds until a child has had its time."""
        if not self._running:
            return None
        first = min(child.deadline for child in self._running.values())
        return max(0.0, first - time.monotonic()) * 1000 + 1

    def _listen(self) -> bool:
        data, descriptors, _, _ = socket.recv_fds(self._control, 65536, 64)
        if not data:
            return False
        self._frames.feed(data)
        self._descriptors += descriptors
        while (frame := self._frames.take()) is not None:
            message = json.loads(frame)
            if "kill" in message:
                self._kill(message["kill"])
            else:
                self._start(message)
        return True

    def _start(self, message: dict[str, Any]) -> None:
        """Fork a child for a job; it takes over here and does not come back."""
        descriptors, self._descriptors = self._descriptors[:3], self._descriptors[3:]
        slot = self._free.pop()  # there is one: the harness counts too
        self._page[slot * NOTE : (slot + 1) * NOTE] = bytes(NOTE)
        limits = message["limits"]
        try:
            process = os.fork()
        except OSError as error:
            self._free.append(slot)
            self.tell({"job": message["job"], "failed": f"no process could be made: {error}"})
            return
        if process == 0:
            role = self._roles.get(message["role"])
            live(role, self._confinement, limits, descriptors, self._page, slot)
        for descriptor in descriptors:
            os.close(descriptor)
        deadline = time.monotonic() + limits["wall_seconds"]
        self._running[process] = _Running(message["job"], slot, deadline)

    def _kill(self, job: int) -> None:
        for process, child in self._running.items():
            if child.job == job:
                child.killed = child.killed or "killed"
                os.kill(process, signal.SIGKILL)

    def _end_late(self) -> None:
        now = time.monotonic()
        for process, child in self._running.items():
            if child.killed is None and child.deadline <= now:
                child.killed = "wall_time"
                os.kill(process, signal.SIGKILL)

    def _reap(self) -> None:
        while self._running:
            process, status, usage = os.wait4(-1, os.WNOHANG)
            if process == 0:
                return
            child = self._running.pop(process, None)
            if child is None:  # a stranger's orphan: we are process 1 of our namespace
                continue
            self._free.append(child.slot)
            fault = read_note(self._page, child.slot)
            if fault is not None and child.killed is None:
                self.tell({"job": child.job, "failed": f"a child was not shut in: {fault}"})
                continue
            end = {
                "status": status,
                "killed": child.killed,
                "cpu_seconds": usage.ru_utime + usage.ru_stime,
                "peak_bytes": usage.ru_maxrss * 1024,
            }
            self.tell({"job": child.job, "end": end})
