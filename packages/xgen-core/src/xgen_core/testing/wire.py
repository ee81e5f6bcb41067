"""How the loopback server answers a body with any `Model`, in one go."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Any, Protocol, runtime_checkable

from xgen_core.lm.wire import (
    BadRequest,
    PromptAnswer,
    Reply,
    WireRequest,
    parse_request,
    token_text,
)
from xgen_core.protocols import Model, Tokenizer
from xgen_core.records import Completion, TokenLogprob

__all__ = ["answer", "stream"]


@runtime_checkable
class _Reads(Protocol):
    """A model that says how likely each token of a prompt is."""

    @property
    def tokenizer(self) -> Tokenizer: ...

    async def read(self, ids: Sequence[int], top: int = 0) -> list[TokenLogprob | None]: ...


async def answer(model: Model, name: str, *, chat: bool, body: dict[str, Any]) -> dict[str, Any]:
    """Answer one `/chat/completions` (`chat`) or `/completions` body.

    Raises:
        BadRequest: the body is not what the protocol asks for.
        ModelError: the model refuses.
    """
    request = parse_request(body, chat=chat, model=name)
    if chat:
        answers = [await _answer(model, request, None)]
    else:
        answers = [await _answer(model, request, prompt) for prompt in request.prompts]
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:24]
    return Reply(id=digest, created=0, model=name, chat=chat).whole(request, answers)


def stream(reply: dict[str, Any], body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The chunks of an answer: a word at a time, the finish reason last, then usage if asked."""
    chat = reply["object"] == "chat.completion"
    identity = reply["id"].partition("-")[2]
    pieces = Reply(id=identity, created=reply["created"], model=reply["model"], chat=chat)
    for choice in reply["choices"]:
        text: str = choice["message"]["content"] if chat else choice["text"]
        words = [w + " " for w in text.split(" ")]
        words[-1] = words[-1][:-1]
        for i, word in enumerate(words):
            yield pieces.chunk(choice["index"], word, first=i == 0)
        yield pieces.chunk(
            choice["index"],
            "",
            finish_reason=choice["finish_reason"],
            logprobs=choice["logprobs"],
        )
    options: dict[str, Any] = body.get("stream_options") or {}
    if options.get("include_usage"):
        yield {**pieces.usage_chunk([]), "usage": reply["usage"]}


async def _answer(
    model: Model, request: WireRequest, prompt: str | tuple[int, ...] | None
) -> PromptAnswer:
    if isinstance(prompt, tuple):
        prompt = _reader(model).tokenizer.decode(prompt)
    if request.generate:
        asked = request.generation if prompt is None else request.for_prompt(prompt)
        completions = await model.generate(asked)
    else:
        completions = [Completion(text="", finish_reason="length")]
    alternatives = request.generation.logprobs
    if alternatives is not None and any(c.text and not c.logprobs for c in completions):
        raise BadRequest("logprobs need a model that gives them", param="logprobs")
    tokens: list[tuple[str, TokenLogprob | None]] = []
    if request.echo and prompt and alternatives is not None:
        reader = _reader(model)
        ids = reader.tokenizer.encode(prompt)
        names = [token_text(reader.tokenizer.token_bytes(i)) for i in ids]
        tokens = list(zip(names, await reader.read(ids, alternatives), strict=True))
    return PromptAnswer(
        completions=completions,
        prompt_tokens=max(completions[0].prompt_tokens, len(tokens)),
        text=prompt if request.echo and prompt else "",
        tokens=tokens,
    )


def _reader(model: Model) -> _Reads:
    if not isinstance(model, _Reads):
        raise BadRequest("logprobs of a prompt, and ids, need a model that gives and reads them")
    return model
