"""The process of `rdf_worker`, as the one that asks sees it: started, asked, killed, started again.

pyoxigraph has neither a time limit nor a way to stop a query, so what overruns its deadline is
ended with its process.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import os
import signal
import struct
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from xgen_core import InputError, MissingExtraError
from xgen_reason.knowledge.sparql_guard import (
    parse_problem,
    refusal,
    without_label_service,
)

__all__ = ["GraphProcess"]

_EXTRA = "xgen-reason[sparql]"
_MODULE = "xgen_reason.knowledge.rdf_worker"


class GraphProcess:
    """A graph in a process of its own; an async context manager.

    Questions are answered one at a time. One that overruns its deadline is ended within a second,
    and the graph is opened again for the next.
    """

    def __init__(self, path: Path | None = None, *, memory: int = 4 << 30) -> None:
        """Describe it; entering it starts it.

        Args:
            path: of an RDF file or of an on-disk store; None for no data, to check queries with.
            memory: bytes of address space that the process may have.

        Raises:
            MissingExtraError: pyoxigraph is not installed.
        """
        if importlib.util.find_spec("pyoxigraph") is None:
            raise MissingExtraError("SPARQL", _EXTRA)
        self._path = path
        self._memory = memory
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()
        self._held: tuple[str, ...] = ()
        self._triples = 0
        self._entered = False

    @property
    def held(self) -> tuple[str, ...]:
        """What shuts it in: `limits`, and `landlock` and `seccomp` where the machine has them."""
        return self._held

    @property
    def triples(self) -> int:
        """How many the graph has."""
        return self._triples

    @property
    def process_id(self) -> int | None:
        """Of the process that runs now, if one does."""
        return self._process.pid if self._process else None

    async def __aenter__(self) -> Self:
        """Open the graph.

        Raises:
            InputError: it cannot be read; the parser's word names line and column.
        """
        async with self._turn:
            await self._start()
            self._entered = True
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the process."""
        async with self._turn:
            self._entered = False
            await self._end()

    async def ask(self, frame: Mapping[str, Any], *, seconds: float) -> dict[str, Any]:
        """One frame's answer; see `rdf_worker` for both.

        Args:
            frame: the question; `seconds` is added.
            seconds: the deadline, from when the process hears the question.

        Returns:
            The answer, or `{"error": …}` where the deadline passed or the process ended; then with
            `"ended": True`.
        """
        async with self._turn:
            if not self._entered:
                raise RuntimeError("this graph is not open: async with GraphProcess(…)")
            try:
                process = await self._start()
            except InputError as error:  # the file has gone bad since it was opened first
                return {"error": f"{error}", "ended": True}
            try:
                async with asyncio.timeout(seconds):
                    await _send(process, {**frame, "seconds": seconds})
                    return await _receive(process)
            except TimeoutError:
                await self._end()
                return {"error": f"stopped at its deadline of {seconds:g} s", "ended": True}
            except (asyncio.IncompleteReadError, ConnectionError):
                code = await self._end()
                return {"error": f"its process ended: {_cause(code)}", "ended": True}
            except BaseException:
                await self._end()
                raise

    async def check(self, query: str, *, seconds: float = 5.0) -> str:
        """What is wrong with a query before it is run, in one line; empty where nothing is."""
        query = without_label_service(query)
        if reason := refusal(query):
            return reason
        answer = await self.ask({"check": query}, seconds=seconds)
        return parse_problem(query, answer.get("error", ""))

    async def _start(self) -> asyncio.subprocess.Process:
        if self._process is not None and self._process.returncode is None:
            return self._process
        await self._end()
        paths = [path for path in sys.path if path]
        self._process = process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-s", "-m", _MODULE),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={"PYTHONPATH": os.pathsep.join(paths), "PATH": os.defpath, "LC_ALL": "C.UTF-8"},
            cwd="/",
        )
        where = None if self._path is None else str(self._path.absolute())
        try:
            await _send(process, {"path": where, "memory": self._memory})
            answer = await _receive(process)
        except (asyncio.IncompleteReadError, ConnectionError):
            code = await self._end()
            raise InputError(
                f"{self._path}: opening it ended the process: {_cause(code)}"
            ) from None
        except BaseException:
            await self._end()
            raise
        if "error" in answer:
            await self._end()
            raise InputError(f"{self._path}: {answer['error']}")
        self._held, self._triples = tuple(answer["held"]), answer["triples"]
        return process

    async def _end(self) -> int:
        """Kill the process, if one runs; how it ended."""
        process, self._process = self._process, None
        if process is None:
            return 0
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        assert process.stdin is not None
        process.stdin.close()
        code = await process.wait()
        with contextlib.suppress(ConnectionError):
            await process.stdin.wait_closed()
        return code


async def _send(process: asyncio.subprocess.Process, value: Mapping[str, Any]) -> None:
    assert process.stdin is not None
    body = json.dumps(value).encode("ascii")
    process.stdin.write(struct.pack(">I", len(body)) + body)
    await process.stdin.drain()


async def _receive(process: asyncio.subprocess.Process) -> dict[str, Any]:
    assert process.stdout is not None
    head = await process.stdout.readexactly(4)
    body = await process.stdout.readexactly(struct.unpack(">I", head)[0])
    return cast("dict[str, Any]", json.loads(body))


def _cause(code: int) -> str:
    if code >= 0:
        return f"exit status {code}"
    name = signal.Signals(-code).name
    if name in ("SIGABRT", "SIGKILL"):
        return f"{name}, most likely out of memory"
    return name
