"""The HTTP client of live knowledge: slow on purpose, and it takes no for an answer.

- one request at a time for each host, with a name that says who asks (`XGEN_CONTACT` adds how to
  reach you);
- `Retry-After` is kept, by all that want the host; without it pauses double;
- 408, 429, 5xx, broken connections, broken JSON and MediaWiki's `maxlag` are tried again until the
  deadline, which counts from when it is a request's turn;
- only http and https, only hosts that were named, redirects included; nothing above a size;
- what was answered once is recorded, and a replayed run asks nobody.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from types import TracebackType
from typing import TYPE_CHECKING, Self, cast
from urllib.parse import urljoin, urlsplit

from xgen_core import MissingExtraError, XgenError
from xgen_core.codec import JSON
from xgen_core.lm.transport import retry_after
from xgen_core.records import Record
from xgen_reason.knowledge.recordings import Page, Recordings, request_line

if TYPE_CHECKING:
    import aiohttp

__all__ = ["Manners", "NoAnswerError", "PoliteClient", "Request", "user_agent"]

_PASSING = {408, 425, 429, 500, 502, 503, 504}
_REDIRECTS = {301, 302, 303, 307, 308}
_MOST_REDIRECTS = 3
_BUSY = {"maxlag", "ratelimited", "readonly"}
"""What MediaWiki calls an answer that is none, though its status is 200."""
_SHOWN = 160


class NoAnswerError(XgenError):
    """A live source gave no answer; says why in one line."""


class _PassingError(Exception):
    """What may be better the next time; `wait` is what the host asks for."""

    def __init__(self, reason: str, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.wait = wait


@dataclass(frozen=True, slots=True, kw_only=True)
class Request(Record):
    """What is asked.

    Attributes:
        url: without parameters.
        parameters: in the address, or in the body of a form.
        body: JSON to be posted; the request is a GET if it is None and `form` is off.
        form: post the parameters.
        headers: keys and the like; they are never recorded.
    """

    url: str
    parameters: Mapping[str, str] = field(default_factory=dict[str, str])
    body: Mapping[str, JSON] | None = None
    form: bool = False
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)

    @property
    def method(self) -> str:
        """`GET` or `POST`."""
        return "POST" if self.form or self.body is not None else "GET"

    @property
    def line(self) -> str:
        """By which its reply is recorded."""
        return request_line(self.method, self.url, dict(self.parameters), self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How a client behaves; times in seconds.

    Attributes:
        at_once: requests to one host at one time.
        deadline: for one request with all its attempts, from when it is its turn.
        attempts: at most.
        pause: before the second attempt; then twice as long each time.
        longest_pause: where that ends; `Retry-After` may ask for more.
        largest: bytes of an answer.
    """

    at_once: int = 1
    deadline: float = 30.0
    attempts: int = 5
    pause: float = 1.0
    longest_pause: float = 15.0
    largest: int = 4 * 2**20

    def __post_init__(self) -> None:
        if min(self.at_once, self.attempts, self.largest) < 1 or self.deadline <= 0:
            raise ValueError(f"limits are positive: {self}")
        if not 0 <= self.pause <= self.longest_pause:
            raise ValueError(f"pauses run from {self.pause} to {self.longest_pause}")


def user_agent() -> str:
    """Who asks: name and version, and what the environment says in `XGEN_CONTACT`."""
    contact = "".join(c for c in os.environ.get("XGEN_CONTACT", "") if c.isprintable()).strip()
    purpose = "evidence for chains of thought; one request at a time"
    return f"xgen-reason/{version('xgen-reason')} ({'; '.join(filter(None, (contact, purpose)))})"


class PoliteClient:
    """Asks hosts that were named, and nobody else.

    Args:
        hosts: `name` or `name:port`, as in addresses.
        manners: with them.
        recordings: of replies; in memory by default. They are closed with the client.
    """

    def __init__(
        self,
        hosts: Sequence[str],
        *,
        manners: Manners | None = None,
        recordings: Recordings | None = None,
    ) -> None:
        self._hosts = frozenset(host.lower() for host in hosts)
        self._manners = manners or Manners()
        self._recordings = recordings or Recordings()
        self._turns = {host: asyncio.Semaphore(self._manners.at_once) for host in self._hosts}
        self._rest_until = dict.fromkeys(self._hosts, 0.0)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Get ready; nobody is asked yet, and for a replay nothing is needed.

        Raises:
            MissingExtraError: aiohttp is not installed.
        """
        if self._recordings.mode == "replay":
            return self
        try:
            import aiohttp
        except ImportError:
            self._recordings.close()
            raise MissingExtraError("live knowledge", "xgen-reason[http]") from None
        self._session = aiohttp.ClientSession(
            cookie_jar=aiohttp.DummyCookieJar(), headers={"User-Agent": user_agent()}
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None
        self._recordings.close()

    async def json(self, request: Request) -> tuple[JSON, str]:
        """Ask for JSON; with the time of retrieval.

        Raises:
            NoAnswerError: there is none.
        """
        page = await self.page(request)
        try:
            return cast("JSON", json.loads(page.body)), page.retrieved
        except ValueError as error:
            raise NoAnswerError(f"{_host(request.url)}: not JSON: {error}") from None

    async def page(self, request: Request) -> Page:
        """Ask for JSON, without reading what it says.

        Raises:
            NoAnswerError: there is none.
        """
        recorded = self._recordings.get(request.line)
        if recorded is not None:
            return recorded
        host = self._checked(request.url)
        if self._recordings.mode == "replay":
            raise NoAnswerError(f"{host}: not recorded, and this is a replay: {request.line:.200}")
        async with self._turns[host]:
            recorded = self._recordings.get(request.line)  # by whoever had the turn before
            if recorded is not None:
                return recorded
            page = await self._patiently(host, request)
        self._recordings.put(request.line, page)
        return page

    def _checked(self, url: str) -> str:
        """The host of an address that may be asked."""
        parts = urlsplit(url)
        host = _host(url)
        if parts.scheme not in ("http", "https"):
            raise NoAnswerError(f"{url:.200}: only http and https are asked")
        if host not in self._hosts or parts.username is not None:
            raise NoAnswerError(f"{host}: not among the hosts that may be asked")
        return host

    async def _patiently(self, host: str, request: Request) -> Page:
        manners = self._manners
        end = time.monotonic() + manners.deadline
        attempt = 0
        reason = ""
        while True:
            rest = self._rest_until[host] - time.monotonic()
            if time.monotonic() + rest >= end:
                asked = f"asks to wait {rest:.0f} s more" if rest > 0 else "gives no answer"
                said = f" ({reason})" if reason else ""
                raise NoAnswerError(f"{host}: {asked} beyond {manners.deadline:g} s{said}")
            if rest > 0:
                await asyncio.sleep(rest)
            attempt += 1
            try:
                async with asyncio.timeout(end - time.monotonic()):
                    return await self._once(request)
            except TimeoutError:
                raise NoAnswerError(f"{host}: no answer within {manners.deadline:g} s") from None
            except _PassingError as error:
                reason = f"{error}"
                pause = min(manners.longest_pause, manners.pause * 2 ** min(attempt - 1, 30))
                self._rest_until[host] = time.monotonic() + max(error.wait, pause)
                if attempt >= manners.attempts:
                    raise NoAnswerError(f"{host}: {reason}, {attempt} times") from None

    async def _once(self, request: Request) -> Page:
        import aiohttp

        if self._session is None:
            raise RuntimeError("use the client inside 'async with'")
        url = request.url
        options: dict[str, object] = {"params": dict(request.parameters)}
        if request.form:
            options = {"data": dict(request.parameters)}
        if request.body is not None:
            options["json"] = dict(request.body)
        try:
            for _ in range(_MOST_REDIRECTS + 1):
                async with self._session.request(
                    request.method,
                    url,
                    headers=dict(request.headers),
                    allow_redirects=False,
                    **options,  # pyright: ignore[reportArgumentType]
                ) as response:
                    if response.status not in _REDIRECTS:
                        body = await self._read(response)
                        return _judged(request, response, body)
                    url = self._followed(request, url, response.headers.get("Location", ""))
                    options.pop("params", None)  # the new address has its own
        except (aiohttp.ClientError, ConnectionError, UnicodeDecodeError) as error:
            kind = type(error).__name__
            raise _PassingError(f"broken connection or answer: {error or kind}") from error
        raise NoAnswerError(f"{_host(request.url)}: redirects more than {_MOST_REDIRECTS} times")

    def _followed(self, request: Request, url: str, location: str) -> str:
        if request.method != "GET" or not location:
            raise NoAnswerError(f"{_host(url)}: redirects what was posted: not followed")
        target = urljoin(url, location)
        self._checked(target)
        if urlsplit(url).scheme == "https" and urlsplit(target).scheme != "https":
            raise NoAnswerError(f"{_host(url)}: redirects from https to http: not followed")
        return target

    async def _read(self, response: aiohttp.ClientResponse) -> str:
        """The body, decompressed, up to the size that is allowed."""
        largest = self._manners.largest
        raw = bytearray()
        async for chunk in response.content.iter_chunked(2**16):
            raw += chunk
            if len(raw) > largest:
                response.close()
                raise NoAnswerError(
                    f"{_host(str(response.url))}: the answer is larger than {largest:,} bytes"
                )
        return raw.decode("utf-8")


def _judged(request: Request, response: aiohttp.ClientResponse, body: str) -> Page:
    """The page that an answer is, if it is one."""
    status, wait = response.status, retry_after(response.headers)
    shown = " ".join(body.split())
    for secret in request.headers.values():  # some endpoints repeat the key that they refuse
        shown = shown.replace(secret.removeprefix("Bearer "), "***")
    shown = shown[:_SHOWN]
    if status in _PASSING:
        raise _PassingError(f"answers {status}", wait)
    if status != 200:
        raise NoAnswerError(f"{_host(request.url)}: answers {status}: {shown}")
    try:
        value = json.loads(body)
    except ValueError:
        raise _PassingError(f"answers what is not JSON: {shown!r}", wait) from None
    error = cast("object", value.get("error")) if isinstance(value, dict) else None
    if isinstance(error, dict) and error.get("code") in _BUSY:
        raise _PassingError(f"is busy ({error['code']})", wait)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Page(url=str(response.url), body=body, retrieved=now)


def _host(url: str) -> str:
    """Name and port, as in the address, without who asks."""
    return urlsplit(url).netloc.rpartition("@")[2].lower()
