"""Scores from an endpoint that repeats a prompt with its log-probabilities (`echo`).

The protocol has no request for the likelihood of a text. What there is: `/completions` with `echo`,
`logprobs` and nothing, or one token, to be written. The answer names the prompt's tokens; those of
the continuation are told by their bytes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any, cast

from xgen_core.errors import CapabilityError, ModelError
from xgen_core.lm.wire.logprobs import token_bytes
from xgen_core.records import Score, ScoreRequest

__all__ = ["echo_body", "read_echo"]

_MOST_HIDDEN = 2
"""Tokens that may stand before a prompt and do not show in it: a BOS, say."""


def echo_body(model: str, request: ScoreRequest, *, max_tokens: int) -> dict[str, object]:
    """What to send to `/completions`; `max_tokens` is 0, or 1 where an endpoint refuses that."""
    return {
        "model": model,
        "prompt": request.context + request.continuation,
        "max_tokens": max_tokens,
        "temperature": 0.0,
        "echo": True,
        "logprobs": 1,
    }


def read_echo(answer: Mapping[str, Any], request: ScoreRequest, where: str) -> Score:
    """The score that an answer holds.

    As in a local model, white space that ends the context counts as the continuation's, and a token
    that spans the seam is the continuation's with those of its bytes that lie in it.

    Args:
        answer: the body of the endpoint's answer.
        request: what was asked.
        where: the endpoint, for messages.

    Raises:
        CapabilityError: there are no log-probabilities of the prompt, or not of its first token
            where that is wanted, or the text does not fit in one window.
        ModelError: the answer contradicts itself.
    """
    tokens, logprobs, tops = _entries(answer, where)
    prompt = (request.context + request.continuation).encode("utf-8", errors="replace")
    sizes = [len(token_bytes(token)) for token in tokens]
    first, last = _place(tokens, sizes, prompt, where)
    if request.window is not None and not request.context and last - first > request.window:
        raise CapabilityError(
            f"{where}: a text of {last - first} tokens does not fit in one window of "
            f"{request.window}, and an endpoint scores only what does: use local:DIR, or cut the "
            "text into shorter ones"
        )
    seam = len(request.context.rstrip().encode("utf-8", errors="replace"))
    ends = list(accumulate(sizes[first:last]))
    begin = first + next(i for i, end in enumerate(ends) if end > seam)
    chosen = slice(begin, last)
    if logprobs[begin] is None:
        raise CapabilityError(
            f"{where} gives no log-probability of a text's first token, since it reads none before "
            "it: score after a context, or use local:DIR"
        )
    values = [_number(value, where) for value in logprobs[chosen]]
    return Score(
        token_logprobs=tuple(values),
        byte_lengths=_shares(sizes[chosen], len(request.continuation.encode("utf-8", "replace"))),
        is_greedy=all(
            value >= max(top.values(), default=-math.inf)
            for value, top in zip(values, tops[chosen], strict=True)
        ),
    )


def _entries(
    answer: Mapping[str, Any], where: str
) -> tuple[list[str], list[object], list[dict[str, float]]]:
    """Tokens, log-probabilities and likeliest alternatives, of one length."""
    try:
        found = answer["choices"][0]["logprobs"]
        if found is None or not found["tokens"]:
            raise CapabilityError(
                f"{where} gives no log-probabilities of a prompt (echo with logprobs), so it "
                "cannot score; use local:DIR, or a server that does"
            )
        tokens = cast("list[str]", found["tokens"])
        logprobs = cast("list[object]", found["token_logprobs"])
        tops = [dict(top or {}) for top in found["top_logprobs"]]
        if not len(tokens) == len(logprobs) == len(tops) or not all(
            isinstance(token, str) for token in tokens
        ):
            raise ValueError("lists of different length")
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise ModelError(
            f"{where} answered log-probabilities in a form that is not the protocol's: {error!r}"
        ) from error
    return tokens, logprobs, tops


def _place(
    tokens: Sequence[str], sizes: Sequence[int], prompt: bytes, where: str
) -> tuple[int, int]:
    """Which tokens are the prompt: some may stand before it, one that was written after it."""
    for first in range(min(_MOST_HIDDEN, len(tokens) - 1) + 1):
        size, last = 0, first
        while size < len(prompt) and last < len(tokens):
            size += sizes[last]
            last += 1
        if b"".join(token_bytes(token) for token in tokens[first:last]) == prompt:
            return first, last
    if len(prompt) > sum(sizes):
        raise CapabilityError(
            f"{where} does not repeat the prompt (echo), so it cannot score; use local:DIR, or a "
            "server that does"
        )
    raise ModelError(f"{where}: its tokens do not add up to the text {prompt[-80:]!r}")


def _number(value: object, where: str) -> float:
    if not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ModelError(f"{where} gave {value!r:.40} for a log-probability")
    return min(float(value), 0.0)  # rounding may leave a little more than certainty


def _shares(sizes: Sequence[int], total: int) -> tuple[int, ...]:
    """Bytes of the continuation in each token; what the first ones took from the context is not."""
    shares = list(sizes)
    borrowed = sum(shares) - total
    for index, size in enumerate(shares):
        taken = min(size, borrowed)
        shares[index] -= taken
        borrowed -= taken
    return tuple(shares)
