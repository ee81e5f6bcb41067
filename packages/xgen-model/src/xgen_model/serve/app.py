"""The endpoint as an aiohttp application: paths, keys, errors, streams, and who waits for whom."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import logging
import secrets
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from xgen_core.errors import (
    CapabilityError,
    InputError,
    MissingExtraError,
    ModelError,
    XgenError,
)
from xgen_core.lm.wire import BadRequest, Reply, WireRequest, error_json, parse_body, parse_request
from xgen_model.serve.answers import (
    Prompt,
    ServedModel,
    answer_prompts,
    read_prompts,
    stream_chunks,
)

try:
    from aiohttp import web
except ImportError:
    raise MissingExtraError("xgen model serve", "xgen-model[serve]") from None

__all__ = ["App", "Endpoint"]

_LOG = logging.getLogger(__name__)
_BODY = 32 * 2**20  # a batch of 128 prompts of 32,768 ids fits
_LINE = 16
"""How many times `max_concurrent` may wait."""
_DEFAULT_TOKENS = 16
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """How a model is offered.

    Attributes:
        name: of the model on the wire.
        api_key: what clients must send as a bearer token; None lets everybody in.
        max_concurrent: requests answered at the same time; more wait, many more get 503.
        grace: seconds that requests in work have to finish when the server ends.
    """

    name: str
    api_key: str | None = field(default=None, repr=False)
    max_concurrent: int = 64
    grace: float = 10.0

    def __post_init__(self) -> None:
        if not self.name or self.api_key == "":
            raise ValueError("neither name nor api_key may be empty")
        if self.max_concurrent < 1 or self.grace < 0:
            raise ValueError("max_concurrent must be at least 1, and grace not negative")


class App:
    """The handlers, and the requests in work.

    Args:
        model: open, and as long as the server runs.
        endpoint: how it is offered.
    """

    def __init__(self, model: ServedModel, endpoint: Endpoint) -> None:
        self._model = model
        self._endpoint = endpoint
        self._created = int(time.time())
        self._turns = asyncio.Semaphore(endpoint.max_concurrent)
        self._working: set[asyncio.Task[Any]] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._closing = False

    def application(self) -> web.Application:
        """What aiohttp runs."""
        app = web.Application(middlewares=[self._guard], client_max_size=_BODY)
        app.router.add_get("/health", self._health)
        app.router.add_get("/v1/models", self._models)
        app.router.add_get("/v1/models/{name:.+}", self._model_by_name)
        app.router.add_post("/v1/completions", self._completions)
        app.router.add_post("/v1/chat/completions", self._chat)
        return app

    async def drain(self, hurry: asyncio.Event) -> None:
        """Refuse what comes, let what is in work finish, then cancel it.

        Args:
            hurry: set to cancel it at once.
        """
        self._closing = True
        waits = [asyncio.ensure_future(w) for w in (self._idle.wait(), hurry.wait())]
        await asyncio.wait(waits, timeout=self._endpoint.grace, return_when=asyncio.FIRST_COMPLETED)
        for task in (*waits, *self._working):
            task.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
        await self._idle.wait()

    @web.middleware
    async def _guard(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """Check the key; every failure becomes the protocol's error, and none shows our insides."""
        try:
            if request.path != "/health":
                self._check_key(request)
            return await handler(request)
        except BadRequest as error:
            return _failed(error.status, str(error), param=error.param, code=error.code)
        except (InputError, CapabilityError) as error:
            return _failed(400, str(error))
        except ModelError as error:
            return _failed(503, str(error))
        except web.HTTPException as error:
            return _failed(
                error.status,
                f"{request.method} {request.path}: {error.text or error.reason}",
                headers={k: v for k, v in error.headers.items() if k in ("Allow", "Retry-After")},
            )
        except Exception:  # noqa: BLE001 - the client must get an answer, and the log the reason
            _LOG.exception("%s %s failed", request.method, request.path)
            return _failed(500, "the server failed at this request; its log says how")

    def _check_key(self, request: web.Request) -> None:
        key = self._endpoint.api_key
        given = request.headers.get("Authorization", "")
        wanted = f"Bearer {key}"
        if key is not None and not hmac.compare_digest(_bytes(given), _bytes(wanted)):
            raise BadRequest(
                "this endpoint needs its API key: send the header Authorization: Bearer KEY",
                status=401,
                code="invalid_api_key",
            )

    async def _health(self, request: web.Request) -> web.Response:
        if self._closing:
            return web.json_response({"status": "ending"}, status=503)
        return web.json_response({"status": "ok"})

    async def _models(self, request: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [self._listing()]})

    async def _model_by_name(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name != self._endpoint.name:
            raise BadRequest(
                f"the model {name!r:.80} does not exist; there is {self._endpoint.name!r}",
                status=404,
                code="model_not_found",
            )
        return web.json_response(self._listing())

    def _listing(self) -> dict[str, Any]:
        info = self._model.info
        return {
            "id": self._endpoint.name,
            "object": "model",
            "created": self._created,
            "owned_by": "xgen",
            "identity": info.identity,
            "max_model_len": info.context_length,
        }

    async def _completions(self, request: web.Request) -> web.StreamResponse:
        return await self._answer(request, chat=False)

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        return await self._answer(request, chat=True)

    async def _answer(self, request: web.Request, *, chat: bool) -> web.StreamResponse:
        body = parse_body(await request.read())
        context = self._model.info.context_length or _DEFAULT_TOKENS
        asked = parse_request(
            body,
            chat=chat,
            model=self._endpoint.name,
            max_tokens=context if chat else _DEFAULT_TOKENS,
            seed=secrets.randbits(31),
        )
        async with self._turn():
            # On another thread: a long text takes its time to become ids.
            prompts = await asyncio.to_thread(read_prompts, self._model, asked)
            reply = Reply(
                id=uuid.uuid4().hex, created=int(time.time()), model=self._endpoint.name, chat=chat
            )
            if asked.stream:
                return await self._stream(request, asked, reply, prompts)
            answers = await answer_prompts(self._model, asked, prompts)
            return web.json_response(reply.whole(asked, answers))

    @contextlib.asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """Wait for a turn, and be known as at work until it ends."""
        if self._closing:
            raise web.HTTPServiceUnavailable(text="the server is shutting down")
        most = self._endpoint.max_concurrent * (1 + _LINE)
        if len(self._working) >= most:
            raise web.HTTPServiceUnavailable(
                text=f"{most} requests are waiting: try again later", headers={"Retry-After": "1"}
            )
        task = asyncio.current_task()
        assert task is not None
        self._working.add(task)
        self._idle.clear()
        try:
            async with self._turns:
                yield
        finally:
            self._working.discard(task)
            if not self._working:
                self._idle.set()

    async def _stream(
        self, request: web.Request, asked: WireRequest, reply: Reply, prompts: list[Prompt]
    ) -> web.StreamResponse:
        headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
        response = web.StreamResponse(headers=headers)
        async with contextlib.aclosing(stream_chunks(self._model, asked, reply, prompts)) as chunks:
            first = await anext(chunks)  # what is refused at once is refused by status
            await response.prepare(request)
            async with contextlib.aclosing(_events(first, chunks)) as events:
                with contextlib.suppress(ConnectionResetError):  # the client went away
                    async for event in events:
                        await response.write(event)
                    await response.write_eof()
        return response


async def _events(
    first: dict[str, Any], rest: AsyncGenerator[dict[str, Any]]
) -> AsyncGenerator[bytes]:
    """The chunks as events; a failure in their midst is the last one, in place of `[DONE]`."""
    try:
        yield _event(first)
        async for chunk in rest:
            yield _event(chunk)
        yield b"data: [DONE]\n\n"
    except XgenError as error:
        yield _event(error_json(str(error), kind="server_error"))
    except Exception:  # noqa: BLE001 - likewise, inside a stream
        _LOG.exception("a stream failed")
        yield _event(error_json("the server failed; its log says how", kind="server_error"))


def _event(value: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(value)}\n\n".encode()


def _failed(
    status: int,
    message: str,
    *,
    param: str | None = None,
    code: str | None = None,
    headers: dict[str, str] | None = None,
) -> web.Response:
    kind = "server_error" if status >= 500 else "invalid_request_error"
    if status == 401:
        kind, headers = "authentication_error", {"WWW-Authenticate": "Bearer"}
    body = error_json(message, kind=kind, param=param, code=code)
    return web.json_response(body, status=status, headers=headers)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", errors="surrogateescape")
