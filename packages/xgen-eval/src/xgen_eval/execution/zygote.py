"""The harness's side of one zygote: start it, send it jobs, hear how they end."""

from __future__ import annotations

import asyncio
import dataclasses
import importlib.util
import json
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from xgen_core.errors import InputError
from xgen_eval.execution.channel import FrameError, Frames, pack
from xgen_eval.execution.errors import SandboxError
from xgen_eval.execution.job import Job, roles
from xgen_eval.execution.level import LAYERS, Layer, Level
from xgen_eval.execution.limits import Limits

__all__ = ["End", "Zygote"]

_PROGRAM = Path(__file__).parent / "inside" / "program.py"
_START_SECONDS = 60
_GRACE_SECONDS = 10
"""How long after a child's wall time its zygote may be silent before it counts as dead."""

_ENVIRONMENT = {
    "PYTHONHASHSEED": "0",  # sets and dicts in the same order at every run; -I would ignore it
    "PYTHONUTF8": "1",
    "OMP_NUM_THREADS": "1",  # address space is limited, and threads are forbidden
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How a child ended, in the zygote's words.

    Attributes:
        status: as `os.wait4` gives it.
        killed: why the zygote killed it: its wall time, or that it was told to; None if it did not.
        cpu_seconds: user and system time.
        peak_bytes: largest resident size.
    """

    status: int
    killed: Literal["wall_time", "killed"] | None
    cpu_seconds: float
    peak_bytes: int


class Zygote:
    """A process that forks children; make it with `start`.

    Attributes:
        level: what holds its children.
        alive: whether it takes jobs.
    """

    def __init__(
        self, process: subprocess.Popen[bytes], control: socket.socket, directory: str
    ) -> None:
        self.level = Level(layers=())
        self.alive = True
        self._process = process
        self._control = control
        self._directory = directory
        self._frames = Frames()
        self._hello: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._jobs: dict[int, asyncio.Future[End]] = {}
        self._count = 0
        asyncio.get_running_loop().add_reader(control.fileno(), self._read)

    @classmethod
    async def start(cls, wanted: Sequence[Layer], modules: Sequence[str], slots: int) -> Zygote:
        """Start one with the layers wanted, or with as many of them as the machine gives.

        Args:
            wanted: layers.
            modules: third-party modules for its children.
            slots: how many children it may have at once.

        Raises:
            InputError: a module is not installed.
            SandboxError: it could not be started at all.
        """
        layers: list[Layer] = [layer for layer in LAYERS if layer in wanted]
        missing = dict[str, str]()
        if sys.platform != "linux":
            missing = dict.fromkeys(layers[1:], f"this is {sys.platform}, and only Linux has it")
            layers = layers[:1]
        while True:
            zygote, hello = await cls._launch(layers, modules, slots)
            if "details" in hello:
                zygote.level = Level(
                    layers=tuple(layers), details=hello["details"], missing=missing
                )
                return zygote
            await zygote.close()
            if hello.get("missing") not in layers[1:]:
                raise SandboxError(
                    f"the sandbox could not be started: {hello.get('broken', hello)}"
                )
            missing[hello["missing"]] = hello["why"]
            layers.remove(hello["missing"])

    @classmethod
    async def _launch(
        cls, layers: Sequence[Layer], modules: Sequence[str], slots: int
    ) -> tuple[Zygote, dict[str, Any]]:
        search, visible = _places(modules)
        directory = tempfile.mkdtemp(prefix="xgen-sandbox-")
        Path(directory).chmod(0o555)
        settings = {
            "layers": layers,
            "modules": modules,
            "search": search,
            "visible": visible,
            "roles": roles(),
            "slots": slots,
            "limits": dataclasses.asdict(Limits()),
            "directory": directory,
        }
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                process = subprocess.Popen(
                    [sys.executable, "-P", "-s", "-S", _PROGRAM, str(theirs.fileno())],
                    pass_fds=[theirs.fileno()],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env=_ENVIRONMENT,
                    start_new_session=True,
                )
        except OSError as error:
            ours.close()
            Path(directory).rmdir()
            raise SandboxError(f"the sandbox could not be started: {error}") from error
        zygote = cls(process, ours, directory)
        try:
            ours.sendall(pack(json.dumps(settings).encode()))
            return zygote, await asyncio.wait_for(zygote._hello, _START_SECONDS)
        except (SandboxError, TimeoutError, OSError) as error:
            await zygote.close()
            raise SandboxError(f"the sandbox could not be started: {error or 'silence'}") from error
        except BaseException:
            await zygote.close()
            raise

    def launch(self, job: Job, descriptors: Sequence[int]) -> tuple[int, asyncio.Future[End]]:
        """Have a child made for a job.

        Args:
            job: what it does.
            descriptors: its channel, standard output and standard error.

        Returns:
            the number of the job here, and what will say how it ended; `SandboxError` where the
            sandbox failed.
        """
        self._count += 1
        number, loop = self._count, asyncio.get_running_loop()
        ended: asyncio.Future[End] = loop.create_future()
        self._jobs[number] = ended
        patience = job.limits.wall_seconds + _GRACE_SECONDS
        silence = loop.call_later(patience, self._doubt, ended)
        ended.add_done_callback(lambda _: silence.cancel())
        message = json.dumps({"job": number, "role": job.role, "limits": _fields(job.limits)})
        try:
            socket.send_fds(self._control, [pack(message.encode())], list(descriptors))
        except OSError as error:
            self._lose(str(error))
        return number, ended

    def kill(self, number: int) -> None:
        """Have the child of a job killed."""
        if self.alive and number in self._jobs:
            self._send({"kill": number})

    async def close(self) -> None:
        """End it and its children; `SandboxError` for whoever still waits for one of them."""
        self._lose("it has been closed")
        try:
            await asyncio.to_thread(self._process.wait, _GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            await asyncio.to_thread(self._process.wait)
        shutil.rmtree(self._directory, ignore_errors=True)

    def _send(self, message: Mapping[str, object]) -> None:
        try:
            self._control.sendall(pack(json.dumps(message).encode()))
        except OSError as error:
            self._lose(str(error))

    def _read(self) -> None:
        """Take what the zygote says; called by the event loop."""
        try:
            data = self._control.recv(1 << 16, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._lose("it has died")
            return
        self._frames.feed(data)
        try:
            self._take_messages()
        except (FrameError, ValueError, LookupError, TypeError, asyncio.InvalidStateError):
            # Without any layer a child can write here.
            self._lose("it has sent nonsense")

    def _take_messages(self) -> None:
        while (frame := self._frames.take()) is not None:
            message = json.loads(frame)
            if "job" not in message:
                self._hello.set_result(message)
                continue
            waiting = self._jobs.pop(message["job"])
            if waiting.done():  # its task was cancelled
                pass
            elif "failed" in message:
                waiting.set_exception(SandboxError(f"the sandbox failed: {message['failed']}"))
            else:
                waiting.set_result(End(**message["end"]))

    def _doubt(self, ended: asyncio.Future[End]) -> None:
        """Count it as dead if it has not said how a child ended whose time has long been over."""
        if not ended.done():
            self._lose("it has stopped answering")

    def _lose(self, why: str) -> None:
        """Count it as dead: hang up, which ends it if it lives, and tell all who wait."""
        if not self.alive:
            return
        self.alive = False
        asyncio.get_running_loop().remove_reader(self._control.fileno())
        self._control.close()
        waiting = [self._hello, *self._jobs.values()]
        self._jobs.clear()
        for future in waiting:
            if not future.done():
                future.set_exception(SandboxError(f"the sandbox's zygote is gone: {why}"))
                future.exception()  # nobody may be waiting any more


@lru_cache
def _fields(limits: Limits) -> dict[str, float]:
    return dataclasses.asdict(limits)


def _places(modules: Sequence[str]) -> tuple[list[str], list[str]]:
    """Where modules are: directories for the search path, and what of them may be read."""
    search, visible = list[str](), list[str]()
    for name in modules:
        spec = importlib.util.find_spec(name) if name.isidentifier() else None
        if spec is None or spec.origin is None:
            raise InputError(f"module {name!r}, which the code may import, is not installed")
        place = Path(spec.origin)
        place = place.parent if spec.submodule_search_locations else place
        search.append(str(place.parent))
        visible.append(str(place))
        libraries = place.with_name(f"{name}.libs")  # shared libraries that a wheel brings
        visible += [str(libraries)] * libraries.is_dir()
    return list(dict.fromkeys(search)), visible
