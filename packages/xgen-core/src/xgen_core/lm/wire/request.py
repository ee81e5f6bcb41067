"""What a client asks for: the body of `/completions` or `/chat/completions`, checked.

Null means the same as a missing field. A field that nobody here knows is passed over, unless it
would change the answer: then it is refused by name, so that no client believes it was obeyed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from xgen_core.codec import CodecError
from xgen_core.errors import InputError
from xgen_core.records import GenerationRequest, Message, Role

__all__ = ["BadRequest", "WireRequest", "parse_body", "parse_request"]

_MOST_SAMPLES = 128
_MOST_ANSWERS = 4096  # of one request; each is a task and a row of the model's
_MOST_LOGPROBS = 20  # OpenAI's limit for conversations; its limit for prompts was 5
_ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",  # what OpenAI calls it now
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
}
_NEUTRAL: dict[str, tuple[object, ...]] = {
    "audio": (),
    "bad_words": ([],),
    "chat_template": (),
    "continue_final_message": (False,),
    "frequency_penalty": (0,),
    "function_call": ("none",),
    "functions": ([],),
    "grammar": (),
    "guided_choice": (),
    "guided_grammar": (),
    "guided_json": (),
    "guided_regex": (),
    "ignore_eos": (False,),
    "length_penalty": (1,),
    "logit_bias": ({},),
    "min_p": (0,),
    "min_tokens": (0,),
    "modalities": (["text"],),
    "presence_penalty": (0,),
    "response_format": ({"type": "text"},),
    "stop_token_ids": ([],),
    "suffix": ("",),
    "tools": ([],),
    "use_beam_search": (False,),
}
"""Fields that would change the answer, with the values that ask for nothing."""


class BadRequest(InputError):  # noqa: N818 - named as HTTP names it
    """A request that the protocol does not allow.

    Attributes:
        param: the field that is wrong, where one field is.
        status: of the HTTP answer.
        code: a word for programs, `"model_not_found"` say.
    """

    def __init__(
        self, message: str, *, param: str | None = None, status: int = 400, code: str | None = None
    ) -> None:
        super().__init__(message)
        self.param = param
        self.status = status
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class WireRequest:
    """One body, checked.

    Attributes:
        chat: whether it came to `/chat/completions`.
        prompts: texts or ids; empty for a conversation.
        generation: how to answer; holds the conversation, or an empty prompt in place of `prompts`.
        generate: False where the prompt is to be read only (`echo` with `max_tokens` 0).
        echo: begin each text with its prompt.
        stream: answer piece by piece.
        include_usage: end a stream with the token counts.
    """

    chat: bool
    prompts: tuple[str | tuple[int, ...], ...]
    generation: GenerationRequest
    generate: bool = True
    echo: bool = False
    stream: bool = False
    include_usage: bool = False

    def for_prompt(self, text: str) -> GenerationRequest:
        """The request for one of the prompts that are texts."""
        return replace(self.generation, prompt=text)


def parse_body(raw: bytes) -> dict[str, Any]:
    """The JSON object that a body holds.

    Raises:
        BadRequest: it is no JSON, or no object, or has numbers that are not finite.
    """
    try:
        value = json.loads(raw, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"the body is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise BadRequest("the body is not a JSON object")
    return cast("dict[str, Any]", value)


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is no number in JSON")


def parse_request(
    body: Mapping[str, Any], *, chat: bool, model: str, max_tokens: int = 16, seed: int = 0
) -> WireRequest:
    """Check a body and say what it asks for.

    Args:
        body: the JSON object.
        chat: whether it came to `/chat/completions`.
        model: the name that the body must give.
        max_tokens: what counts where the body names no limit.
        seed: likewise.

    Raises:
        BadRequest: naming the field, what was expected and what came.
    """
    given = {name: value for name, value in body.items() if value is not None}
    if given.get("model") != model:
        raise BadRequest(
            f"the model {given.get('model')!r:.80} does not exist; there is {model!r}",
            param="model",
            status=404,
            code="model_not_found",
        )
    _refuse_unsupported(given)
    echo = _flag(given, "echo")
    if chat and echo:
        raise BadRequest("echo is for /completions only", param="echo")
    limit = given.get("max_completion_tokens", given.get("max_tokens", max_tokens))
    read_only = not chat and not isinstance(limit, bool) and limit == 0
    if read_only and not echo:
        raise BadRequest("max_tokens 0 makes sense with echo only", param="max_tokens")
    settings: dict[str, Any] = {
        "max_tokens": 1 if read_only else limit,
        "temperature": given.get("temperature", 1.0),
        "top_p": given.get("top_p", 1.0),
        "top_k": 0 if given.get("top_k") == -1 else given.get("top_k", 0),  # -1 is vLLM's "all"
        "n": given.get("n", 1),
        "seed": given.get("seed", seed),
        "repetition_penalty": given.get("repetition_penalty", 1.0),
        "stop": _stop(given),
        "logprobs": _chat_alternatives(given) if chat else given.get("logprobs"),
    }
    if chat:
        settings["messages"] = _messages(given)
    else:
        settings["prompt"] = ""
    generation = _generation(settings)
    if given.get("best_of", generation.n) != generation.n:
        raise BadRequest(
            f"best_of {given['best_of']!r:.40} is not supported: leave it out, or equal to n",
            param="best_of",
        )
    prompts = () if chat else _prompts(given)
    if len(prompts) * generation.n > _MOST_ANSWERS:
        raise BadRequest(
            f"{len(prompts)} prompts with {generation.n} answers each: one request gets at most "
            f"{_MOST_ANSWERS} answers, send several",
            param="prompt",
        )
    options = given.get("stream_options", {})
    if not isinstance(options, dict):
        raise BadRequest("stream_options must be an object", param="stream_options")
    return WireRequest(
        chat=chat,
        prompts=prompts,
        generation=generation,
        generate=not read_only,
        echo=echo,
        stream=_flag(given, "stream"),
        include_usage=cast("dict[str, Any]", options).get("include_usage") is True,
    )


def _refuse_unsupported(given: Mapping[str, Any]) -> None:
    for name, neutral in _NEUTRAL.items():
        if name in given and given[name] not in neutral:
            raise BadRequest(f"{name} is not supported here: leave it out", param=name)


def _generation(settings: dict[str, Any]) -> GenerationRequest:
    try:
        request = GenerationRequest.from_json(settings)
    except CodecError as error:
        field = str(error).partition(":")[0]
        raise BadRequest(str(error), param=field if field in settings else None) from None
    for name in ("temperature", "repetition_penalty"):
        if not math.isfinite(getattr(request, name)):
            raise BadRequest(f"{name} must be finite", param=name)
    if request.n > _MOST_SAMPLES:
        raise BadRequest(f"n is at most {_MOST_SAMPLES}, got {request.n}", param="n")
    if (request.logprobs or 0) > _MOST_LOGPROBS:
        raise BadRequest(
            f"at most {_MOST_LOGPROBS} alternatives are given, got {request.logprobs}",
            param="logprobs",
        )
    return request


def _flag(given: Mapping[str, Any], name: str) -> bool:
    value = given.get(name, False)
    if not isinstance(value, bool):
        raise BadRequest(f"{name}: expected bool, got {value!r:.80}", param=name)
    return value


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _text(value: object, param: str) -> str:
    """A text that can be written as UTF-8; JSON can carry halves of surrogate pairs."""
    if not isinstance(value, str):
        raise BadRequest(f"{param}: expected str, got {value!r:.80}", param=param)
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise BadRequest(f"{param} has a lone surrogate, which is no text", param=param) from None
    return value


def _stop(given: Mapping[str, Any]) -> list[str]:
    stop = given.get("stop", [])
    if isinstance(stop, str):
        stop = [stop]
    if not isinstance(stop, list):
        raise BadRequest(f"stop: expected text or a list of texts, got {stop!r:.80}", param="stop")
    return [_text(s, "stop") for s in cast("list[object]", stop)]


def _chat_alternatives(given: Mapping[str, Any]) -> int | None:
    alternatives = given.get("top_logprobs", 0)
    if not _is_int(alternatives):
        raise BadRequest(
            f"top_logprobs: expected int, got {alternatives!r:.80}", param="top_logprobs"
        )
    if _flag(given, "logprobs"):
        return cast(int, alternatives)
    if alternatives:
        raise BadRequest("top_logprobs needs logprobs set to true", param="top_logprobs")
    return None


def _prompts(given: Mapping[str, Any]) -> tuple[str | tuple[int, ...], ...]:
    """One text, several, one list of ids, or several."""
    prompt = given.get("prompt")
    if isinstance(prompt, str):
        return (_text(prompt, "prompt"),)
    items = cast("list[object]", prompt) if isinstance(prompt, list) else []
    if items and all(isinstance(i, str) for i in items):
        return tuple(_text(i, "prompt") for i in items)
    if items and all(_is_int(i) for i in items):
        return (tuple(cast("list[int]", items)),)
    if items and all(_is_ids(i) for i in items):
        return tuple(tuple(cast("list[int]", i)) for i in items)
    raise BadRequest(
        "prompt must be one string, a list of strings, a list of ids, or a list of lists of ids, "
        "and no list may be empty",
        param="prompt",
    )


def _is_ids(value: object) -> bool:
    items = cast("list[object]", value) if isinstance(value, list) else []
    return bool(items) and all(_is_int(i) for i in items)


def _messages(given: Mapping[str, Any]) -> list[Message]:
    messages = given.get("messages")
    if not isinstance(messages, list) or not messages:
        raise BadRequest("messages must be a list with at least one message", param="messages")
    return [_message(m) for m in cast("list[object]", messages)]


def _message(value: object) -> Message:
    fields = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    role = fields.get("role")
    if not isinstance(role, str) or role not in _ROLES:
        raise BadRequest(
            f"not a message: {value!r:.80} (role is one of {', '.join(_ROLES)})", param="messages"
        )
    if fields.get("tool_calls"):
        raise BadRequest("tool_calls are not supported here", param="messages")
    content = fields.get("content")
    if isinstance(content, list):  # parts, as in {"type": "text", "text": "hello"}
        content = "".join(_part(p) for p in cast("list[object]", content))
    if not isinstance(content, str):
        raise BadRequest(f"not a message: {value!r:.80} (it has no content)", param="messages")
    return Message(role=_ROLES[role], content=_text(content, "messages"))


def _part(value: object) -> str:
    part = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    if part.get("type") != "text" or not isinstance(part.get("text"), str):
        raise BadRequest(
            f"messages can hold text only, got the part {value!r:.80}", param="messages"
        )
    return cast(str, part["text"])
