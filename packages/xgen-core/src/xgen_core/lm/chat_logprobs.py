"""Log-probabilities of an answer in a conversation, as `/chat/completions` gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from xgen_core.records import TokenLogprob

__all__ = ["read_chat_logprobs"]

_UNKNOWN = -1


def read_chat_logprobs(choice: Mapping[str, Any]) -> tuple[TokenLogprob, ...]:
    """The tokens of a choice's text; none where it has no log-probabilities.

    The protocol names tokens by their text alone: their `id` is -1.

    Raises:
        KeyError, TypeError, AttributeError: they are not in the protocol's form.
    """
    given = choice.get("logprobs") or {}
    content = cast("Sequence[Mapping[str, Any]]", given.get("content") or ())
    return tuple(
        TokenLogprob(
            id=_UNKNOWN,
            text=token["token"],
            logprob=float(token["logprob"]),
            top={t["token"]: float(t["logprob"]) for t in token.get("top_logprobs") or ()},
        )
        for token in content
    )
