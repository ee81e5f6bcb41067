"""Requests per second through client and call store, beside what an endpoint and aiohttp allow.

    python tools/bench/calls.py

A server in a process of its own answers every request after 200 ms, 64 at a time, so that it allows
320 a second; then after 50 ms, 1,280 a second. The same requests (a prompt of 2,000 characters, an
answer of 60 tokens) go to it over 64 connections in two ways: through `recorded(HttpModel(…),
CallStore(…))`, every answer on disk before it is used, and in a bare aiohttp loop that throws them
away. Both take turns; medians over the rounds are printed, the ratio by pairs, with the client's
CPU time a call.

Needs xgen-core[http].
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import statistics
import tempfile
import time
from collections import deque
from collections.abc import Coroutine
from multiprocessing.connection import Connection
from pathlib import Path
from typing import ClassVar, cast

import aiohttp

from xgen_core.concurrency import gather
from xgen_core.lm import CallStore, recorded
from xgen_core.lm.http import HttpModel
from xgen_core.records import GenerationRequest

WAYS = 64
USAGE = {"prompt_tokens": 500, "completion_tokens": 60, "total_tokens": 560}
CHOICE = {"index": 0, "text": " word" * 60, "logprobs": None, "finish_reason": "length"}
BODY = json.dumps({"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m",
                   "choices": [CHOICE], "usage": USAGE}).encode()  # fmt: skip
ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    + f"Content-Length: {len(BODY)}\r\n\r\n".encode()
    + BODY
)


class Server(asyncio.Protocol):
    """One connection: each request is answered after `seconds`, `WAYS` of all connections' at once.

    As little work as can be, so that the client is what is measured.
    """

    seconds = 0.0
    busy = 0
    waiting: ClassVar[deque[Server]] = deque()

    def __init__(self) -> None:
        self.buffer = b""

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
        self.buffer = b""
        Server.waiting.append(self)
        Server.next()

    @classmethod
    def next(cls) -> None:
        """Take up who waits, as long as there is a way."""
        while cls.waiting and cls.busy < WAYS:
            cls.busy += 1
            asyncio.get_running_loop().call_later(cls.seconds, cls.answer, cls.waiting.popleft())

    @classmethod
    def answer(cls, connection: Server) -> None:
        """Answer one request."""
        cls.busy -= 1
        connection.transport.write(ANSWER)
        cls.next()


def serve(pipe: Connection, seconds: float) -> None:
    """The server's process; tells its port, and ends with the pipe."""

    async def work() -> None:
        Server.seconds = seconds
        server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        await asyncio.to_thread(pipe.poll, None)

    asyncio.run(work())


def requests(count: int, begin: int) -> list[GenerationRequest]:
    """Requests that differ."""
    return [
        GenerationRequest(prompt=f"{begin + i}: " + "some words " * 180, max_tokens=60)
        for i in range(count)
    ]


async def ours(url: str, asked: list[GenerationRequest], store: CallStore) -> None:
    """Through client and store."""
    async with recorded(HttpModel(url, "m"), store, concurrency=WAYS) as model:
        await gather(asked, model.generate)


async def bare(url: str, asked: list[GenerationRequest]) -> None:
    """What aiohttp does when it is asked for nothing more."""
    bodies = iter([{"model": "m", "prompt": r.prompt, "max_tokens": r.max_tokens} for r in asked])
    connector = aiohttp.TCPConnector(limit=WAYS)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def worker() -> None:
            for body in bodies:
                async with session.post(f"{url}/completions", json=body) as response:
                    answer = await response.json()
                    assert answer["choices"][0]["text"]

        await asyncio.gather(*(worker() for _ in range(WAYS)))


def measured(work: Coroutine[None, None, None], count: int) -> tuple[float, float]:
    """Requests per second, and milliseconds of CPU a request in this process."""

    async def run() -> tuple[float, float]:
        wall, cpu = time.perf_counter(), time.process_time()
        await work
        return time.perf_counter() - wall, time.process_time() - cpu

    wall, cpu = asyncio.run(run())
    return count / wall, cpu / count * 1e3


def bench(seconds: float, count: int, rounds: int, directory: Path) -> None:
    """One server; prints its table."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=serve, args=(there, seconds))
    process.start()
    url = f"http://127.0.0.1:{here.recv()}/v1"
    rates: dict[str, list[float]] = {"ours": [], "bare": []}
    costs: dict[str, list[float]] = {"ours": [], "bare": []}
    with CallStore(directory / f"{seconds}.sqlite") as store:
        for number in range(rounds + 1):
            asked = requests(count if number else WAYS, number * count)  # the first one warms up
            for name in ("ours", "bare") if number % 2 else ("bare", "ours"):
                work = ours(url, asked, store) if name == "ours" else bare(url, asked)
                rate, cost = measured(work, len(asked))
                if number:
                    rates[name].append(rate)
                    costs[name].append(cost)
    here.send(None)
    process.join()
    allowed = WAYS / seconds
    print(f"{seconds * 1e3:.0f} ms, {WAYS} ways: {allowed:,.0f} requests/s allowed")
    for name, rate in rates.items():
        median = statistics.median(rate)
        print(
            f"  {name}  {median:7,.1f} requests/s ({min(rate):,.1f} to {max(rate):,.1f}), "
            f"{median / allowed:.1%} of what is allowed, "
            f"{statistics.median(costs[name]):.2f} ms CPU a call"
        )
    ratio = statistics.median(a / b for a, b in zip(rates["ours"], rates["bare"], strict=True))
    print(f"  ours / bare {ratio:.1%}")


def main() -> None:
    """Both servers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as directory:
        bench(0.2, WAYS * 20, rounds, Path(directory))
        bench(0.05, WAYS * 60, rounds, Path(directory))


if __name__ == "__main__":
    main()
