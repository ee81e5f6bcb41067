"""The OpenAI protocol as JSON values: a request's body in, an answer's body or its chunks out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Any, cast

from xgen_core.protocols import Model
from xgen_core.records import Completion, GenerationRequest, Message
from xgen_core.testing.unigram_model import UnigramModel

__all__ = ["BadRequest", "answer", "stream"]


class BadRequest(ValueError):  # noqa: N818 - named as HTTP names it
    """A body that the protocol does not allow; answered with 400."""


async def answer(model: Model, name: str, *, chat: bool, body: dict[str, Any]) -> dict[str, Any]:
    """Answer one `/chat/completions` (`chat`) or `/completions` body.

    Raises:
        BadRequest: the body is not what the protocol asks for.
        ModelError: the model refuses.
    """
    if body.get("model") != name:
        raise BadRequest(f"the model {body.get('model')!r} does not exist; there is {name!r}")
    if not chat and body.get("max_tokens") == 0:
        if not body.get("echo"):
            raise BadRequest("max_tokens 0 makes sense with echo only")
        completions = [Completion(text="", finish_reason="length")]
        prompt = _prompt(body)
    else:
        request = _request(chat, body)
        completions = await model.generate(request)
        prompt = request.prompt or ""
    choices = [_choice(model, chat, body, prompt, i, c) for i, c in enumerate(completions)]
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:24]
    used = sum(c.completion_tokens for c in completions)
    read = completions[0].prompt_tokens
    return {
        "id": f"{'chatcmpl' if chat else 'cmpl'}-{digest}",
        "object": "chat.completion" if chat else "text_completion",
        "created": 0,
        "model": name,
        "choices": choices,
        "usage": {"prompt_tokens": read, "completion_tokens": used, "total_tokens": read + used},
    }


def stream(reply: dict[str, Any], body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The chunks of an answer: a word at a time, the finish reason last, then usage if asked."""
    chat = reply["object"] == "chat.completion"
    head = {k: reply[k] for k in ("id", "created", "model")}
    head["object"] = "chat.completion.chunk" if chat else "text_completion"
    for choice in reply["choices"]:
        text: str = choice["message"]["content"] if chat else choice["text"]
        words = [w + " " for w in text.split(" ")]
        words[-1] = words[-1][:-1]
        for i, word in enumerate([*words, ""]):
            last = i == len(words)
            part: dict[str, Any] = {
                "index": choice["index"],
                "finish_reason": choice["finish_reason"] if last else None,
            }
            if chat:
                first = {"role": "assistant"} if i == 0 else {}
                part["delta"] = {} if last else {**first, "content": word}
            else:
                part["text"] = word
            yield {**head, "choices": [part]}
    options: dict[str, Any] = body.get("stream_options") or {}
    if options.get("include_usage"):
        yield {**head, "choices": [], "usage": reply["usage"]}


def _prompt(body: dict[str, Any]) -> str:
    prompt = body.get("prompt")
    if not isinstance(prompt, str):
        raise BadRequest("prompt must be one string")
    return prompt


def _request(chat: bool, body: dict[str, Any]) -> GenerationRequest:
    stop: object = body.get("stop") or ()
    settings: dict[str, Any] = {
        "max_tokens": body.get("max_completion_tokens") or body.get("max_tokens") or 16,
        "temperature": body.get("temperature", 1.0),
        "top_p": body.get("top_p", 1.0),
        "top_k": body.get("top_k", 0),
        "n": body.get("n") or 1,
        "seed": body.get("seed") or 0,
        "stop": [stop] if isinstance(stop, str) else stop,
    }
    if chat:
        messages = body.get("messages")
        if not isinstance(messages, list) or not messages:
            raise BadRequest("messages must be a list with at least one message")
        settings["messages"] = [_message(m) for m in cast("list[Any]", messages)]
    else:
        settings["prompt"] = _prompt(body)
    try:
        return GenerationRequest.from_json(settings)
    except ValueError as error:
        raise BadRequest(str(error)) from error


def _message(value: Any) -> Message:
    try:
        return Message(role=value["role"], content=value["content"])
    except (TypeError, KeyError) as error:
        raise BadRequest(f"not a message: {value!r:.80}") from error


def _choice(
    model: Model, chat: bool, body: dict[str, Any], prompt: str, index: int, answered: Completion
) -> dict[str, Any]:
    choice: dict[str, Any] = {"index": index, "finish_reason": answered.finish_reason}
    if chat:
        choice["message"] = {"role": "assistant", "content": answered.text}
        choice["logprobs"] = None
        return choice
    echo = bool(body.get("echo"))
    choice["text"] = prompt * echo + answered.text
    choice["logprobs"] = None
    if body.get("logprobs") is not None:
        choice["logprobs"] = _logprobs(model, prompt if echo else "", answered.text)
    return choice


def _logprobs(model: Model, echoed: str, generated: str) -> dict[str, Sequence[object]]:
    """The legacy form: parallel lists, null for the first token of an echoed prompt."""
    if not isinstance(model, UnigramModel):
        raise BadRequest("logprobs need a model that gives them")
    best, best_logprob = model.most_likely()
    tokens: list[str] = []
    logprobs: list[float | None] = []
    tops: list[dict[str, float] | None] = []
    offsets: list[int] = []
    for place, character in enumerate(echoed + generated):
        for token_id in model.tokenizer.encode(character):
            first = bool(echoed) and not tokens
            name = _token_name(model, token_id)
            logprob = model.logprob(token_id)
            tokens.append(name)
            offsets.append(place)
            logprobs.append(None if first else logprob)
            tops.append(None if first else {_token_name(model, best): best_logprob, name: logprob})
    return {
        "tokens": tokens,
        "token_logprobs": logprobs,
        "top_logprobs": tops,
        "text_offset": offsets,
    }


def _token_name(model: UnigramModel, token_id: int) -> str:
    """A token as text, or as `bytes:\\x..` where it is not a whole character."""
    raw = model.tokenizer.token_bytes(token_id)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return "bytes:" + "".join(f"\\x{b:02x}" for b in raw)
