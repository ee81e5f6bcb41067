"""The server as a context: it listens inside the block, and ends gracefully when it is left."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import socket
from types import TracebackType
from typing import Self

from xgen_core.errors import InputError
from xgen_model.serve.answers import ServedModel
from xgen_model.serve.app import App, Endpoint, web

__all__ = ["Server", "bind", "is_loopback"]


def bind(host: str, port: int) -> socket.socket:
    """Take an address, without listening yet: before a model is loaded in vain.

    Args:
        host: a name or address of this machine.
        port: 0 for any free one.

    Raises:
        InputError: the address is in use, not ours, or no address.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError) as error:
        raise InputError(f"{host}: no such host on this machine: {error}") from None
    family, kind, protocol, _, address = found[0]
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        bound.close()
        if error.errno == errno.EADDRINUSE:
            raise InputError(
                f"{host}:{port} is in use: choose another port, or 0 for any free one"
            ) from None
        raise InputError(f"cannot listen at {host}:{port}: {error.strerror or error}") from None
    return bound


def is_loopback(bound: socket.socket) -> bool:
    """Whether only this machine can reach a socket."""
    return ipaddress.ip_address(bound.getsockname()[0].partition("%")[0]).is_loopback


class Server:
    """Serves a model inside its `async with` block.

    Args:
        model: an open model; it must stay open as long as the block.
        endpoint: how it is offered.
        bound: from `bind`; closed when the block is left.

    Attributes:
        stopping: set by the first `stop()`; who waits for it leaves the block.
    """

    def __init__(self, model: ServedModel, endpoint: Endpoint, bound: socket.socket) -> None:
        self._bound = bound
        self._app = App(model, endpoint)
        self._runner: web.AppRunner | None = None
        self._hurry = asyncio.Event()
        self.stopping = asyncio.Event()

    @property
    def url(self) -> str:
        """The base URL, `http://HOST:PORT/v1`."""
        host, port = self._bound.getsockname()[:2]
        return f"http://[{host}]:{port}/v1" if ":" in host else f"http://{host}:{port}/v1"

    def stop(self) -> None:
        """End: the first time gracefully, the second time at once."""
        if self.stopping.is_set():
            self._hurry.set()
        self.stopping.set()

    async def __aenter__(self) -> Self:
        self._runner = web.AppRunner(
            self._app.application(),
            handler_cancellation=True,  # who goes away frees the model's row
            access_log=None,
            shutdown_timeout=1.0,
        )
        await self._runner.setup()
        await web.SockSite(self._runner, self._bound).start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._runner is not None
        self.stopping.set()
        # Still listening: a refusal in words is better than a connection that nobody answers.
        await self._app.drain(self._hurry)
        await self._runner.cleanup()
