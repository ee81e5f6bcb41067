"""An endpoint on this machine that speaks the OpenAI protocol, and fails when told to.

    rules = [Rule(pattern=".", replies=("yes",))]
    with LoopbackServer(rules, faults=[Fault(kind="rate_limit")]) as server:
        ...  # the first request to server.url gets 429, the second "yes"

It answers `POST /v1/chat/completions`, `POST /v1/completions` (with `echo` and `logprobs`, so that
a client can score through it) and `GET /v1/models`, streaming where asked. Leaving the block ends
every connection and thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Literal, Self, cast

from xgen_core.errors import ModelError
from xgen_core.lm.scripted import Rule, ScriptedModel
from xgen_core.lm.wire import BadRequest, error_json
from xgen_core.protocols import Model
from xgen_core.testing.wire import answer, stream

__all__ = ["Fault", "LoopbackServer", "ReceivedRequest"]

_HTML = b"<!doctype html><title>Sign in</title><p>Please sign in to the network.</p>"
_BUSY = {"error": {"message": "Rate limit reached", "type": "rate_limit", "code": "rate_limit"}}
_BROKEN = {"error": {"message": "The server had an error", "type": "server_error", "code": None}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """How one request fails.

    Attributes:
        kind: `rate_limit`: 429 with `Retry-After`; `server_error`: 500; `hang`: no answer for
            `seconds`, then the connection ends; `dropped`: the connection ends at once;
            `half_closed`: the head, half of the promised body, then the server's side closes;
            `stalled`: the head, half of the body, then nothing for `seconds`; `truncated`: a
            complete answer whose JSON is cut in half; `html`: a sign-in page with status 200;
            `slow`: the right answer, in pieces over `seconds`; `status`: an error with `status`.
        seconds: for `rate_limit` the value of `Retry-After`, for `hang`, `stalled` and `slow` how
            long.
        status: of the answer, for `status`.
    """

    kind: Literal[
        "rate_limit",
        "server_error",
        "hang",
        "dropped",
        "half_closed",
        "stalled",
        "truncated",
        "html",
        "slow",
        "status",
    ]
    seconds: float = 0.0
    status: int = 503


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedRequest:
    """One request as it came; header names in lower case, `body` None for a GET."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


class LoopbackServer:
    """A context manager that serves one model on an ephemeral port of 127.0.0.1.

    Args:
        model: what answers: any `Model` (opened and closed here), or rules for a `ScriptedModel`.
            `echo` with `logprobs` needs one that also has `tokenizer` and `read`, as
            `UnigramModel` does.
        name: the model's name on the wire.
        faults: the fate of the first, second, … POST; None, and all after the last, go well.
        api_key: if given, requests without it get 401.
        echo: what it knows of `echo`: `"full"`; `"one_token"`: not with `max_tokens` 0, as older
            servers; `"ignored"`: what is written is answered alone, as by servers that pass over
            what they do not know; `"silent"`: log-probabilities are null.
        limit: what it calls the most tokens to write; the other name is refused.

    Attributes:
        requests: everything received so far, in order of arrival.
        connections: made so far.
    """

    def __init__(
        self,
        model: Model | Sequence[Rule],
        *,
        name: str = "loopback",
        faults: Sequence[Fault | None] = (),
        api_key: str | None = None,
        echo: Literal["full", "one_token", "ignored", "silent"] = "full",
        limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens",
    ) -> None:
        self.model = model if isinstance(model, Model) else ScriptedModel(list(model))
        self.name = name
        self.api_key = api_key
        self.echo = echo
        self.limit = limit
        self.requests: list[ReceivedRequest] = []
        self.connections = 0
        self.closing = threading.Event()
        self._faults = list(faults)
        self._lock = threading.Lock()
        self._posts = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: _Server | None = None
        self._threads: list[threading.Thread] = []

    @property
    def url(self) -> str:
        """The base URL, `http://127.0.0.1:PORT/v1`."""
        if self._server is None:
            raise RuntimeError("the server runs inside its with block only")
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    @property
    def count(self) -> int:
        """Number of POST requests so far."""
        return self._posts

    def __enter__(self) -> Self:
        self.closing.clear()
        loop = self._loop = asyncio.new_event_loop()
        self._start(loop.run_forever, "loop")
        try:
            asyncio.run_coroutine_threadsafe(self.model.__aenter__(), loop).result()
            self._server = _Server(self)
        except BaseException:
            self._stop_loop()
            raise
        self._start(lambda: cast(_Server, self._server).serve_forever(0.02), "accept")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.closing.set()
        server, loop = self._server, self._loop
        assert server is not None
        assert loop is not None
        server.shutdown()
        server.end_connections()
        server.server_close()  # waits for the handlers
        asyncio.run_coroutine_threadsafe(self.model.__aexit__(kind, error, trace), loop).result()
        self._stop_loop()

    def _stop_loop(self) -> None:
        loop = self._loop
        assert loop is not None
        loop.call_soon_threadsafe(loop.stop)
        for thread in self._threads:
            thread.join()
        self._threads.clear()
        loop.close()
        self._server = self._loop = None

    def _start(self, work: Any, what: str) -> None:
        thread = threading.Thread(target=work, name=f"loopback-{what}", daemon=True)
        thread.start()
        self._threads.append(thread)

    def receive(self, request: ReceivedRequest) -> Fault | None:
        """Record a request and say how it is to fail; called by the handler threads."""
        with self._lock:
            self.requests.append(request)
            if request.method != "POST":
                return None
            self._posts += 1
            index = self._posts - 1
            return self._faults[index] if index < len(self._faults) else None

    def reply(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The answer to a request's body; called by the handler threads.

        Raises:
            BadRequest: the body is not what the protocol asks for.
            ModelError: the model refuses.
        """
        assert self._loop is not None
        if self.limit not in body and "max_tokens" in body:
            raise BadRequest(f"'max_tokens' is not supported: use {self.limit!r}")
        if self.echo == "one_token" and body.get("max_tokens") == 0:
            raise BadRequest("max_tokens must be at least 1", param="max_tokens")
        if self.echo == "ignored":
            body = {**body, "echo": False, "max_tokens": body.get("max_tokens") or 1}
        work = answer(self.model, self.name, chat=path.startswith("/v1/chat/"), body=body)
        reply = asyncio.run_coroutine_threadsafe(work, self._loop).result()
        if self.echo == "silent":
            reply["choices"] = [{**choice, "logprobs": None} for choice in reply["choices"]]
        return reply


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # server_close waits for them

    def __init__(self, owner: LoopbackServer) -> None:
        self.owner = owner
        self._connections: set[socket.socket] = set()
        self._connections_lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in the middle is normal here."""

    def add_connection(self, connection: socket.socket) -> None:
        with self._connections_lock:
            self._connections.add(connection)
            self.owner.connections += 1
        if self.owner.closing.is_set():  # accepted in the server's last moment
            self.end_connections()

    def remove_connection(self, connection: socket.socket) -> None:
        with self._connections_lock:
            self._connections.discard(connection)

    def end_connections(self) -> None:
        with self._connections_lock:
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server  # pyright: ignore[reportIncompatibleVariableOverride]

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.server.add_connection(self.connection)

    def finish(self) -> None:
        self.server.remove_connection(self.connection)
        with contextlib.suppress(OSError):
            super().finish()

    def log_message(self, format: str, *args: object) -> None:
        """Silence: tests read `LoopbackServer.requests`."""

    def do_GET(self) -> None:
        owner = self.server.owner
        owner.receive(self._received(None))
        if not self._allowed():
            return
        if self.path == "/v1/models":
            listing = {"id": owner.name, "object": "model", "created": 0, "owned_by": "xgen"}
            self._send(200, {"object": "list", "data": [listing]})
        else:
            self._refuse(404, f"no such path: {self.path}")

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        try:
            body = json.loads(raw)
        except ValueError:
            body = None
        owner = self.server.owner
        fault = owner.receive(self._received(body))
        if not self._allowed():
            return
        if fault is not None and self._fail_early(fault):
            return
        if self.path not in ("/v1/chat/completions", "/v1/completions"):
            self._refuse(404, f"no such path: {self.path}")
            return
        if not isinstance(body, dict):
            self._refuse(400, "the body is not a JSON object")
            return
        request = cast("dict[str, Any]", body)
        try:
            reply = owner.reply(self.path, request)
        except BadRequest as error:
            self._refuse(error.status, str(error), error.param)
            return
        except ModelError as error:
            self._refuse(400, str(error))
            return
        if request.get("stream"):
            pieces = [f"data: {json.dumps(chunk)}\n\n".encode() for chunk in stream(reply, request)]
            self._send_pieces("text/event-stream", [*pieces, b"data: [DONE]\n\n"], fault)
        else:
            self._send_body(json.dumps(reply).encode(), fault)

    def _received(self, body: Any) -> ReceivedRequest:
        headers = {name.lower(): value for name, value in self.headers.items()}
        return ReceivedRequest(method=self.command, path=self.path, headers=headers, body=body)

    def _allowed(self) -> bool:
        key = self.server.owner.api_key
        if key is None or self.headers.get("Authorization") == f"Bearer {key}":
            return True
        self._refuse(401, "Incorrect API key provided")
        return False

    def _fail_early(self, fault: Fault) -> bool:
        """Fail in a way that needs no answer by the model; whether it did."""
        if fault.kind == "rate_limit":
            self._send(429, _BUSY, {"Retry-After": f"{fault.seconds:g}"})
        elif fault.kind == "server_error":
            self._send(500, _BROKEN)
        elif fault.kind == "status":
            self._send(fault.status, _BROKEN)
        elif fault.kind == "html":
            self._head(200, "text/html; charset=utf-8", len(_HTML))
            self.wfile.write(_HTML)
        elif fault.kind in ("hang", "dropped"):
            if fault.kind == "hang":
                self.server.owner.closing.wait(fault.seconds)
            self.close_connection = True
        else:
            return False
        return True

    def _refuse(self, status: int, message: str, param: str | None = None) -> None:
        self._send(status, error_json(message, param=param))

    def _send(self, status: int, value: object, headers: dict[str, str] | None = None) -> None:
        body = json.dumps(value).encode()
        self._head(status, "application/json", len(body), headers)
        self.wfile.write(body)

    def _send_body(self, body: bytes, fault: Fault | None) -> None:
        if fault is None:
            self._head(200, "application/json", len(body))
            self.wfile.write(body)
        elif fault.kind == "truncated":
            half = body[: len(body) // 2]
            self._head(200, "application/json", len(half))
            self.wfile.write(half)
        elif fault.kind in ("half_closed", "stalled"):
            self._head(200, "application/json", len(body))
            self.wfile.write(body[: len(body) // 2])
            if fault.kind == "stalled":
                self.server.owner.closing.wait(fault.seconds)
            self._half_close()
        else:
            step = max(len(body) // 8, 1)
            pieces = [body[i : i + step] for i in range(0, len(body), step)]
            self._send_pieces("application/json", pieces, fault)

    def _send_pieces(self, kind: str, pieces: list[bytes], fault: Fault | None) -> None:
        """A chunked answer; `slow` spreads it, `truncated` and `half_closed` cut it in half."""
        self._head(200, kind, None)
        cut = fault is not None and fault.kind in ("truncated", "half_closed")
        pause = fault.seconds / len(pieces) if fault is not None and fault.kind == "slow" else 0.0
        for piece in pieces[: len(pieces) // 2] if cut else pieces:
            self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            if pause and self.server.owner.closing.wait(pause):
                self.close_connection = True
                return
        if fault is not None and fault.kind == "half_closed":
            self._half_close()
        else:
            self.wfile.write(b"0\r\n\r\n")

    def _half_close(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_WR)

    def _head(
        self, status: int, kind: str, length: int | None, headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if length is None:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(length))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
