"""`http://HOST/v1#MODEL` and `openai:MODEL`: a model behind an OpenAI-compatible endpoint.

A request for `n` samples becomes `n` calls with seeds `seed`, `seed + 1`, …, so that asking for
more extends what there was. A conversation goes to `/chat/completions`, a prompt to `/completions`.
The key comes from the environment (`OPENAI_API_KEY`) and nowhere else; `OPENAI_BASE_URL` moves
`openai:`. Whatever the endpoint does wrong becomes one `ModelError` that names it.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, cast

from xgen_core.errors import CapabilityError, InputError, MissingExtraError, ModelError
from xgen_core.records import Completion, GenerationRequest, ModelInfo

if TYPE_CHECKING:
    import aiohttp

__all__ = ["HttpModel", "open_http", "open_https", "open_openai"]

_SECONDS = 600.0
_SHOWN = 200


class HttpModel:
    """A model behind an endpoint.

    Args:
        base: URL up to and including the version, `http://127.0.0.1:8000/v1` say.
        model: the model's name there.
        seconds: how long one answer may take.
    """

    def __init__(self, base: str, model: str, *, seconds: float = _SECONDS) -> None:
        self._base = base.rstrip("/")
        self._model = model
        self._seconds = seconds
        self._info = ModelInfo(identity=f"{self._base}#{model}")
        self._session: aiohttp.ClientSession | None = None

    @property
    def info(self) -> ModelInfo:
        """Identity is endpoint and model name; nobody says more."""
        return self._info

    async def __aenter__(self) -> Self:
        try:
            import aiohttp
        except ImportError:
            raise MissingExtraError("a model behind an endpoint", "xgen-core[http]") from None
        key = os.environ.get("OPENAI_API_KEY")
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=self._seconds),
            headers={"Authorization": f"Bearer {key}"} if key else {},
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

    async def generate(self, request: GenerationRequest) -> list[Completion]:
        """One call for each sample, at the same time.

        Raises:
            ModelError: the endpoint cannot be reached, refuses, or answers something else.
            CapabilityError: log-probabilities are asked for; no endpoint says the tokens' ids.
        """
        if request.logprobs is not None:
            raise CapabilityError(
                f"{self._base}: log-probabilities do not come from an endpoint; use local:DIR"
            )
        samples = (self._sample(request, request.seed + i) for i in range(request.n))
        return list(await asyncio.gather(*samples))

    async def _sample(self, request: GenerationRequest, seed: int) -> Completion:
        body: dict[str, object] = {
            "model": self._model,
            "max_tokens": request.max_tokens,
            "temperature": request.temperature,
            "top_p": request.top_p,
            "seed": seed,
        }
        if request.stop:
            body["stop"] = list(request.stop)
        if request.top_k:
            body["top_k"] = request.top_k  # not OpenAI's, but what open servers call it
        if request.repetition_penalty != 1:
            body["repetition_penalty"] = request.repetition_penalty  # likewise
        if request.prompt is None:
            turns = [{"role": m.role, "content": m.content} for m in request.messages]
            return self._read(await self._post("/chat/completions", {**body, "messages": turns}))
        return self._read(await self._post("/completions", {**body, "prompt": request.prompt}))

    async def _post(self, path: str, body: Mapping[str, object]) -> object:
        import aiohttp

        if self._session is None:
            raise RuntimeError("use the model inside 'async with'")
        url = self._base + path
        try:
            async with self._session.post(url, json=body) as answer:
                text = await answer.text(errors="replace")
                status = answer.status
        except TimeoutError:
            raise ModelError(f"{url}: no answer within {self._seconds:g} s") from None
        except aiohttp.InvalidURL as error:
            raise ModelError(f"{url}: not a URL: {error}") from error
        except aiohttp.ClientConnectorError as error:
            raise ModelError(f"{url}: cannot connect ({error.os_error}): is it running?") from error
        except aiohttp.ClientError as error:
            raise ModelError(f"{url}: the connection broke: {error}") from error
        if status != 200:
            advice = "; set OPENAI_API_KEY to a valid key" if status == 401 else ""
            raise ModelError(f"{url} answered {status}: {text[:_SHOWN]!r}{advice}")
        try:
            return json.loads(text)
        except json.JSONDecodeError:
            raise ModelError(
                f"{url} answered something that is not JSON: {text[:_SHOWN]!r}; does the URL end "
                "in the API's version (/v1)?"
            ) from None

    def _read(self, answer: object) -> Completion:
        try:
            body = cast("dict[str, Any]", answer)
            choice = body["choices"][0]
            text = choice["message"]["content"] if "message" in choice else choice["text"]
            usage = cast("dict[str, int]", body.get("usage") or {})
            return Completion(
                text=_text(text),
                finish_reason="length" if choice.get("finish_reason") == "length" else "stop",
                prompt_tokens=usage.get("prompt_tokens", 0),
                completion_tokens=usage.get("completion_tokens", 0),
            )
        except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
            raise ModelError(
                f"{self._base} answered JSON that is no completion: {str(answer)[:_SHOWN]!r}"
            ) from error


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected text, got {value!r:.80}")
    return value


def _split(rest: str, scheme: str) -> HttpModel:
    base, _, model = rest.partition("#")
    if not base.startswith("//") or not model:
        raise InputError(f"an endpoint is named {scheme}://HOST/v1#MODEL, got {scheme}:{rest}")
    return HttpModel(f"{scheme}:{base}", model)


def open_http(rest: str) -> HttpModel:
    """`http://HOST/v1#MODEL`.

    Raises:
        InputError: no host or no model name.
    """
    return _split(rest, "http")


def open_https(rest: str) -> HttpModel:
    """`https://HOST/v1#MODEL`.

    Raises:
        InputError: no host or no model name.
    """
    return _split(rest, "https")


def open_openai(model: str) -> HttpModel:
    """`openai:MODEL`, at `OPENAI_BASE_URL` or OpenAI's own address.

    Raises:
        InputError: no model name.
    """
    if not model:
        raise InputError("openai: needs a model name, as in openai:gpt-4")
    return HttpModel(os.environ.get("OPENAI_BASE_URL", "https://api.openai.com/v1"), model)
