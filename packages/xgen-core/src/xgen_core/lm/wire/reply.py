"""What a server answers: whole, chunk by chunk, or an error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from xgen_core.lm.wire.logprobs import chat_logprobs, legacy_logprobs
from xgen_core.lm.wire.request import WireRequest
from xgen_core.records import Completion, TokenLogprob

__all__ = ["PromptAnswer", "Reply", "choice_logprobs", "error_json"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptAnswer:
    """What became of one prompt.

    Attributes:
        completions: its answers; one empty one if the prompt was only read.
        prompt_tokens: how many the model read.
        text: the prompt, where it is echoed.
        tokens: the prompt's tokens as text with what is known of them, where they are echoed with
            log-probabilities.
        hidden: how many of the first tokens do not show in `text`.
    """

    completions: Sequence[Completion]
    prompt_tokens: int
    text: str = ""
    tokens: Sequence[tuple[str, TokenLogprob | None]] = ()
    hidden: int = 0


def choice_logprobs(
    request: WireRequest, answer: PromptAnswer, completion: Completion
) -> dict[str, Any] | None:
    """The log-probabilities of one choice, in the form that belongs to the request's endpoint."""
    if request.generation.logprobs is None:
        return None
    if request.chat:
        return chat_logprobs(completion.logprobs)
    made = [(entry.text, entry) for entry in completion.logprobs]
    return legacy_logprobs([*answer.tokens, *made], hidden=answer.hidden)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What all values of one answer have in common.

    Attributes:
        id: of the answer, without the endpoint's prefix.
        created: seconds since 1970.
        model: its name on the wire.
        chat: which endpoint answers.
    """

    id: str
    created: int
    model: str
    chat: bool

    def whole(self, request: WireRequest, answers: Sequence[PromptAnswer]) -> dict[str, Any]:
        """The body of an answer in one piece; choices are numbered prompt by prompt."""
        choices: list[dict[str, Any]] = []
        for answer in answers:
            for completion in answer.completions:
                choice: dict[str, Any] = {"index": len(choices)}
                if self.chat:
                    choice["message"] = {"role": "assistant", "content": completion.text}
                else:
                    choice["text"] = answer.text + completion.text
                choice["logprobs"] = choice_logprobs(request, answer, completion)
                choice["finish_reason"] = completion.finish_reason
                choices.append(choice)
        kind = "chat.completion" if self.chat else "text_completion"
        return {**self._head(kind), "choices": choices, "usage": _usage(answers)}

    def chunk(
        self,
        index: int,
        text: str,
        *,
        first: bool = False,
        finish_reason: str | None = None,
        logprobs: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """A piece of one choice.

        Args:
            index: of the choice.
            text: what is new.
            first: whether it is the choice's first piece.
            finish_reason: in its last piece.
            logprobs: of the tokens that are new.
        """
        choice: dict[str, Any] = {"index": index}
        if self.chat:
            role = {"role": "assistant"} if first else {}
            choice["delta"] = {**role, "content": text} if text or first else {}
        else:
            choice["text"] = text
        choice["logprobs"] = logprobs
        choice["finish_reason"] = finish_reason
        return {**self._head(self._chunk_kind), "choices": [choice]}

    def usage_chunk(self, answers: Sequence[PromptAnswer]) -> dict[str, Any]:
        """The last piece, for clients that ask for it."""
        return {**self._head(self._chunk_kind), "choices": [], "usage": _usage(answers)}

    @property
    def _chunk_kind(self) -> str:
        return "chat.completion.chunk" if self.chat else "text_completion"

    def _head(self, kind: str) -> dict[str, Any]:
        return {
            "id": f"{'chatcmpl' if self.chat else 'cmpl'}-{self.id}",
            "object": kind,
            "created": self.created,
            "model": self.model,
        }


def _usage(answers: Sequence[PromptAnswer]) -> dict[str, int]:
    """Tokens read and made; a prompt counts once, however many answers it has."""
    read = sum(a.prompt_tokens for a in answers)
    made = sum(c.completion_tokens for a in answers for c in a.completions)
    return {"prompt_tokens": read, "completion_tokens": made, "total_tokens": read + made}


def error_json(
    message: str,
    *,
    kind: str = "invalid_request_error",
    param: str | None = None,
    code: str | None = None,
) -> dict[str, Any]:
    """The body of an answer that is an error."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}
