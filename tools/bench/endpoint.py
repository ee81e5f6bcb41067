"""An endpoint that other benches ask: what it answers is theirs, when it answers is fixed.

Every request is answered after 200 ms, 64 at a time, so that it allows 320 a second. It runs in a
process of its own.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any, ClassVar, cast

__all__ = ["ALLOWED", "SECONDS", "WAYS", "Reply", "endpoint"]

WAYS, SECONDS = 64, 0.2
ALLOWED = WAYS / SECONDS
"""Requests a second."""

Reply = Callable[[dict[str, Any]], str]
"""From a request's body to the text of the answer; a function of a module, for another process."""

_USAGE = {"prompt_tokens": 500, "completion_tokens": 40, "total_tokens": 540}


class _Server(asyncio.Protocol):
    """One connection; each request is answered after `SECONDS`, `WAYS` of all at once."""

    reply: ClassVar[Reply]
    busy = 0
    waiting: ClassVar[deque[_Server]] = deque()

    def __init__(self) -> None:
        self.buffer = b""
        self.body: dict[str, Any] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep where to write."""
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Begin to answer when a whole request is there."""
        self.buffer += data
        head = self.buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        at = self.buffer.lower().index(b"content-length:") + len(b"content-length:")
        size = int(self.buffer[at : self.buffer.index(b"\r\n", at)])
        if len(self.buffer) < head + 4 + size:
            return
        self.body = json.loads(self.buffer[head + 4 :])
        self.buffer = b""
        _Server.waiting.append(self)
        _Server.next()

    @classmethod
    def next(cls) -> None:
        """Take up who waits, as long as there is a way."""
        while cls.waiting and cls.busy < WAYS:
            cls.busy += 1
            asyncio.get_running_loop().call_later(SECONDS, cls.answer, cls.waiting.popleft())

    @classmethod
    def answer(cls, connection: _Server) -> None:
        """Answer one request."""
        cls.busy -= 1
        choice = {"index": 0, "text": cls.reply(connection.body), "finish_reason": "stop"}
        body = json.dumps({"object": "text_completion", "choices": [choice], "usage": _USAGE})
        head = (
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        connection.transport.write((head + body).encode())
        cls.next()


def _serve(pipe: Connection, reply: Reply) -> None:
    """The server's process; tells its port, and ends with the pipe."""

    async def work() -> None:
        _Server.reply = staticmethod(reply)
        server = await asyncio.get_running_loop().create_server(_Server, "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        await asyncio.to_thread(pipe.poll, None)

    asyncio.run(work())


@contextmanager
def endpoint(reply: Reply) -> Generator[str]:
    """Run it; gives its URL."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, reply))
    process.start()
    yield f"http://127.0.0.1:{here.recv()}/v1"
    here.send(None)
    process.join()
