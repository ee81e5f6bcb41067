"""JSON to an endpoint and back, with patience for what passes: limits, restarts, broken lines.

What may be better the next time (408, 409, 425, 429, 5xx, timeouts, connections that break, JSON
that is cut off) is tried again, after a pause that doubles and is drawn at random below that, or
after what `Retry-After` says. What will not (a wrong request, key, address or model) is one error
at once. No message holds the key, even where the endpoint repeats it.
"""

from __future__ import annotations

import asyncio
import email.utils
import json
import math
import os
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from xgen_core.errors import EndpointError, MissingExtraError, ModelError
from xgen_core.lm.trace import CURRENT

if TYPE_CHECKING:
    import aiohttp
    from yarl import URL

__all__ = ["Patience", "RefusedError", "Transport", "retry_after"]

_SHOWN = 200
_PASSING = {408, 409, 425, 429}
_FOR_ALL = {401, 402, 403, 404, 405}


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to try; times in seconds.

    Attributes:
        attempts: for one call, at most.
        total: for all of them and the pauses between; no attempt begins later.
        answer: for one attempt.
        idle: without a byte inside one. An answer that is not streamed is silent while the model
            writes it.
        pause: the first one's greatest length; the next are twice as long each time.
        longest_pause: where that ends. `Retry-After` may ask for more.
    """

    attempts: int = 10
    total: float = 3600.0
    answer: float = 1800.0
    idle: float = 600.0
    pause: float = 0.5
    longest_pause: float = 60.0

    def __post_init__(self) -> None:
        if self.attempts < 1 or min(self.total, self.answer, self.idle) <= 0:
            raise ValueError(f"attempts is at least 1, and limits of time are positive: {self}")
        if self.pause < 0 or self.longest_pause < self.pause:
            raise ValueError(f"pauses run from {self.pause} to {self.longest_pause}")


class RefusedError(ModelError):
    """An endpoint says that one request is wrong (400, 413, 422, …); another one may be right.

    Attributes:
        status: of the answer.
        text: its beginning.
    """

    def __init__(self, message: str, status: int, text: str) -> None:
        super().__init__(message)
        self.status = status
        self.text = text


class _PassingError(Exception):
    """What went wrong this time; `wait` is what the endpoint asks for, `final` what it comes to."""

    def __init__(
        self, reason: str, *, wait: float = 0.0, final: type[ModelError] = ModelError
    ) -> None:
        super().__init__(reason)
        self.wait = wait
        self.final = final


class Transport:
    """Connections to one endpoint, kept open between calls.

    Args:
        base: URL up to and including the version.
        patience: with it.
        concurrency: calls on the wire at one time; more wait for their turn.
    """

    def __init__(self, base: str, *, patience: Patience, concurrency: int) -> None:
        if concurrency < 1:
            raise ValueError(f"concurrency must be at least 1, got {concurrency}")
        self.base = base
        self.patience = patience
        self._turns = asyncio.Semaphore(concurrency)
        self._session: aiohttp.ClientSession | None = None
        self._urls: dict[str, URL] = {}
        self._answered = False
        self._key = ""
        self._random = random.Random()

    async def open(self) -> None:
        """Get ready; no connection is made yet.

        Raises:
            MissingExtraError: aiohttp is not installed.
        """
        try:
            import aiohttp
        except ImportError:
            raise MissingExtraError("a model behind an endpoint", "xgen-core[http]") from None
        self._key = os.environ.get("OPENAI_API_KEY", "").strip()
        headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        patience = self.patience
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),  # `_turns` limits
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(
                total=patience.answer, sock_read=patience.idle, sock_connect=min(30, patience.idle)
            ),
            headers=headers,
        )

    async def close(self) -> None:
        """End all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def post(self, path: str, body: Mapping[str, object]) -> dict[str, Any]:
        """Send a body until it is answered with a JSON object.

        Args:
            path: below the base, `"/completions"` say.
            body: JSON values.

        Raises:
            RefusedError: the endpoint says that this request is wrong.
            EndpointError: it is not there, or refuses whatever comes.
            ModelError: it fails again and again.
        """
        raw = json.dumps(body).encode("ascii")
        patience = self.patience
        begun = time.monotonic()
        attempt = 0
        while True:
            attempt += 1
            trace = CURRENT.get()
            if trace is not None:
                trace.attempts += 1
            try:
                async with self._turns:
                    return await self._attempt(path, raw)
            except _PassingError as error:
                spent = time.monotonic() - begun
                most = min(patience.longest_pause, patience.pause * 2 ** min(attempt - 1, 30))
                wait = error.wait + self._random.uniform(0, most)
                if attempt >= patience.attempts or spent + wait > patience.total:
                    tried = f"{attempt} attempts" if attempt > 1 else "one attempt"
                    asked = f" (it asks for {error.wait:g} s more)" if error.wait > 60 else ""
                    raise error.final(
                        f"{self.base}{path} {error}; gave up after {tried} in {spent:.0f} s{asked}"
                    ) from None
            await asyncio.sleep(wait)

    async def _attempt(self, path: str, raw: bytes) -> dict[str, Any]:
        import aiohttp

        if self._session is None:
            raise RuntimeError("use the model inside 'async with'")
        try:
            async with self._session.post(
                self._url(path), data=raw, allow_redirects=False
            ) as response:
                answer = await response.read()
        except aiohttp.ConnectionTimeoutError as error:
            raise self._unreachable("cannot connect: no answer") from error
        except TimeoutError:
            limit = min(self.patience.idle, self.patience.answer)
            raise _PassingError(f"gave no answer within {limit:g} s") from None
        except aiohttp.InvalidURL as error:
            raise EndpointError(f"{self.base}: not a URL: {error}") from error
        except aiohttp.ClientSSLError as error:
            raise EndpointError(f"{self.base}: no secure connection: {error}") from error
        except aiohttp.ClientConnectorError as error:
            raise self._unreachable(f"cannot connect ({error.os_error})") from error
        except (aiohttp.ClientError, ConnectionError) as error:
            raise _PassingError(f"broke the connection: {error or type(error).__name__}") from error
        self._answered = True
        if response.status == 200:
            return self._object(path, answer)
        raise self._failed(path, response.status, answer, response.headers)

    def _unreachable(self, reason: str) -> Exception:
        """An endpoint that was there before may be starting again; another is not there."""
        if self._answered:
            return _PassingError(reason, final=EndpointError)
        return EndpointError(f"{self.base}: {reason}: is it running?")

    def _url(self, path: str) -> URL:
        if path not in self._urls:
            from yarl import URL

            self._urls[path] = URL(self.base + path)
        return self._urls[path]

    def _object(self, path: str, answer: bytes) -> dict[str, Any]:
        try:
            value: object = json.loads(answer)
        except ValueError:
            shown = self._shown(answer)
            if answer.lstrip()[:1] == b"<":
                raise EndpointError(
                    f"{self.base}{path} answered a web page, not JSON: {shown}; does the URL end "
                    "in the API's version (/v1)?"
                ) from None
            raise _PassingError(f"answered something that is not JSON: {shown}") from None
        if not isinstance(value, dict):
            raise _PassingError(f"answered JSON that is no object: {self._shown(answer)}")
        found = cast("dict[str, Any]", value)
        if found.get("error") and not found.get("choices"):
            raise _PassingError(f"answered an error: {self._shown(answer)}")
        return found

    def _failed(
        self, path: str, status: int, answer: bytes, headers: Mapping[str, str]
    ) -> Exception:
        text = self._shown(answer)
        spent = status == 429 and b"insufficient_quota" in answer
        if (status in _PASSING or status >= 500) and not spent:
            return _PassingError(f"answered {status}: {text}", wait=retry_after(headers))
        message = f"{self.base}{path} answered {status}: {text}"
        if status == 401:
            return EndpointError(f"{message}; set OPENAI_API_KEY to a valid key")
        if 300 <= status < 400:
            place = headers.get("Location", "elsewhere")
            return EndpointError(f"{message}; it points to {place}: use that address")
        if spent or status in _FOR_ALL:
            return EndpointError(message)
        return RefusedError(message, status, text)

    def _shown(self, answer: bytes) -> str:
        text = answer[: 4 * _SHOWN].decode("utf-8", errors="replace")
        if self._key:
            text = text.replace(self._key, "***")
        return repr(text[:_SHOWN])


def retry_after(headers: Mapping[str, str]) -> float:
    """Seconds that the endpoint asks to wait; 0 where it does not, or says nonsense."""
    asked = headers.get("Retry-After", "").strip()
    try:
        seconds = float(asked)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(asked).timestamp() - time.time()
        except ValueError:
            return 0.0
    return max(seconds, 0.0) if math.isfinite(seconds) else 0.0
