"""`http://HOST/v1#MODEL` and `openai:MODEL`: a model behind an OpenAI-compatible endpoint.

A request for `n` samples becomes `n` calls with seeds `seed`, `seed + 1`, …, so that asking for
more extends what there was. A conversation goes to `/chat/completions`, a prompt to `/completions`;
scores come from `/completions` with `echo`, where the endpoint knows it. The key comes from the
environment (`OPENAI_API_KEY`) and nowhere else; `OPENAI_BASE_URL` moves `openai:`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self, cast

from xgen_core.concurrency import together
from xgen_core.errors import CapabilityError, InputError, ModelError
from xgen_core.lm.chat_logprobs import read_chat_logprobs
from xgen_core.lm.echo import echo_body, read_echo
from xgen_core.lm.trace import CURRENT
from xgen_core.lm.transport import Patience, RefusedError, Transport
from xgen_core.records import Completion, GenerationRequest, ModelInfo, Score, ScoreRequest

__all__ = ["HttpModel", "open_http", "open_https", "open_openai"]

_SHOWN = 200


class HttpModel:
    """A model behind an endpoint.

    Args:
        base: URL up to and including the version, `http://127.0.0.1:8000/v1` say.
        model: the model's name there.
        patience: how long to try.
        concurrency: calls on the wire at one time; more wait for their turn. `recorded` sets a
            limit of its own, below this.
    """

    def __init__(
        self, base: str, model: str, *, patience: Patience | None = None, concurrency: int = 1024
    ) -> None:
        base = base.rstrip("/")
        self._model = model
        self._info = ModelInfo(identity=f"{base}#{model}")
        self._transport = Transport(base, patience=patience or Patience(), concurrency=concurrency)
        self._limit = "max_tokens"  # newer models of OpenAI's call it max_completion_tokens
        self._spare = 0  # tokens to be written where only the prompt is wanted

    @property
    def info(self) -> ModelInfo:
        """Identity is endpoint and model name; nobody says more."""
        return self._info

    async def __aenter__(self) -> Self:
        await self._transport.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._transport.close()

    async def generate(self, request: GenerationRequest) -> list[Completion]:
        """One call for each sample, at the same time.

        Raises:
            EndpointError: the endpoint cannot be reached, or refuses whatever it is asked.
            ModelError: it refuses this, or answers something else, again and again.
            CapabilityError: log-probabilities are asked for, which the endpoint does not give, or
                which are wanted beside a prompt instead of a conversation.
        """
        if request.logprobs is not None and request.prompt is not None:
            raise CapabilityError(
                f"{self._transport.base}: log-probabilities beside a plain prompt do not come from "
                "an endpoint; ask with messages, or use local:DIR"
            )
        if request.n == 1:
            return [await self._sample(request, request.seed)]
        return await together([self._sample(request, request.seed + i) for i in range(request.n)])

    async def score(self, requests: Sequence[ScoreRequest]) -> Sequence[Score]:
        """One call for each request, at the same time.

        Raises:
            CapabilityError: the endpoint gives no log-probabilities of a prompt, or a text without
                context does not fit in one window.
            EndpointError: the endpoint cannot be reached, or refuses whatever it is asked.
            ModelError: it refuses this, or answers something else, again and again.
        """
        if len(requests) == 1:
            return [await self._score(requests[0])]
        return await together([self._score(request) for request in requests])

    async def _sample(self, request: GenerationRequest, seed: int) -> Completion:
        body: dict[str, object] = {
            "model": self._model,
            self._limit: request.max_tokens,
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
        if request.prompt is not None:
            path = "/completions"
            body["prompt"] = request.prompt
        else:
            path = "/chat/completions"
            body["messages"] = [{"role": m.role, "content": m.content} for m in request.messages]
        if request.logprobs is not None:
            body["logprobs"] = True
            body["top_logprobs"] = request.logprobs
        try:
            answer = await self._transport.post(path, body)
        except RefusedError as error:
            if request.logprobs is not None and "logprobs" in error.text:
                raise CapabilityError(self._silent()) from error
            if "max_completion_tokens" not in error.text or "max_tokens" not in body:
                raise
            self._limit = "max_completion_tokens"
            body[self._limit] = body.pop("max_tokens")
            answer = await self._transport.post(path, body)
        completion = self._completion(answer)
        if request.logprobs is not None and completion.text and not completion.logprobs:
            raise CapabilityError(self._silent())
        return completion

    def _silent(self) -> str:
        return f"{self._transport.base} gives no log-probabilities of its answers; use local:DIR"

    def _completion(self, answer: Mapping[str, Any]) -> Completion:
        try:
            choice = answer["choices"][0]
            text = choice["message"]["content"] if "message" in choice else choice["text"]
            if text is None:  # nothing was said: a refusal, or thoughts up to the limit
                text = ""
            if not isinstance(text, str):
                raise TypeError(f"expected text, got {text!r:.80}")
            read, written = _usage(answer)
            return Completion(
                text=text,
                finish_reason="length" if choice.get("finish_reason") == "length" else "stop",
                prompt_tokens=read,
                completion_tokens=written,
                logprobs=read_chat_logprobs(choice) if "message" in choice else (),
            )
        except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
            raise ModelError(
                f"{self._transport.base} answered JSON that is no completion: "
                f"{str(answer)[:_SHOWN]!r}"
            ) from error

    async def _score(self, request: ScoreRequest) -> Score:
        try:
            answer = await self._echo(request)
        except RefusedError as error:
            if any(word in error.text for word in ("logprob", "echo")):
                raise CapabilityError(
                    f"{error}; it gives no log-probabilities of a prompt, so it cannot score: use "
                    "local:DIR, or a server that does"
                ) from error
            if not request.context:
                raise CapabilityError(
                    f"{error}; an endpoint scores a text without context only if it fits in one "
                    "window: use local:DIR, or cut it into shorter ones"
                ) from error
            raise
        _usage(answer)
        return read_echo(answer, request, self._transport.base)

    async def _echo(self, request: ScoreRequest) -> dict[str, Any]:
        spare = self._spare
        try:
            body = echo_body(self._model, request, max_tokens=spare)
            return await self._transport.post("/completions", body)
        except RefusedError as error:
            if spare or "max_tokens" not in error.text:
                raise
        body = echo_body(self._model, request, max_tokens=1)
        answer = await self._transport.post("/completions", body)
        self._spare = 1
        return answer


def _usage(answer: Mapping[str, Any]) -> tuple[int, int]:
    """Tokens read and written, as far as the endpoint tells; so is the call's trace."""
    usage: Any = answer.get("usage")
    counts: list[int] = []
    for name in ("prompt_tokens", "completion_tokens"):
        value = cast("dict[str, object]", usage).get(name) if isinstance(usage, dict) else 0
        counts.append(value if isinstance(value, int) else 0)
    read, written = counts
    trace = CURRENT.get()
    if trace is not None:
        trace.prompt_tokens += read
        trace.completion_tokens += written
    return read, written


def _split(rest: str, scheme: str) -> HttpModel:
    base, _, model = rest.partition("#")
    if not base.startswith("//") or not model:
        raise InputError(f"an endpoint is named {scheme}://HOST/v1#MODEL, got {scheme}:{rest}")
    if "@" in base[2:].partition("/")[0]:
        raise InputError(
            "a password in an endpoint's address would stand in every result: leave it out, and "
            "set OPENAI_API_KEY"
        )
    return HttpModel(f"{scheme}:{base}", model)


def open_http(rest: str) -> HttpModel:
    """`http://HOST/v1#MODEL`.

    Raises:
        InputError: no host or no model name, or a password in it.
    """
    return _split(rest, "http")


def open_https(rest: str) -> HttpModel:
    """`https://HOST/v1#MODEL`.

    Raises:
        InputError: no host or no model name, or a password in it.
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
