"""Log-probabilities in the two forms of the protocol, and how a token is written in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xgen_core.records import TokenLogprob

__all__ = ["chat_logprobs", "legacy_logprobs", "token_bytes", "token_text"]

_BYTES = "bytes:"


def token_text(raw: bytes) -> str:
    r"""A token as text, or as `bytes:\x..` where it is not whole characters."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return _BYTES + "".join(f"\\x{b:02x}" for b in raw)


def token_bytes(text: str) -> bytes:
    """The bytes that `token_text` wrote; a text that only looks like it stays text."""
    if text.startswith(_BYTES):
        try:
            return bytes(int(part, 16) for part in text.removeprefix(_BYTES).split("\\x")[1:])
        except ValueError:
            pass
    return text.encode("utf-8", errors="replace")


def legacy_logprobs(
    tokens: Sequence[tuple[str, TokenLogprob | None]], *, hidden: int = 0
) -> dict[str, Any]:
    """The form of `/completions`: parallel lists, null where nothing came before a token.

    Args:
        tokens: each as text, with what is known of it. The alternatives of a token include itself.
        hidden: how many of the first ones the text does not show (a BOS); they are at offset 0.

    Returns:
        `tokens`, `token_logprobs`, `top_logprobs`, and `text_offset` in characters; a token that
        begins inside a character has that character's offset.
    """
    offsets: list[int] = []
    characters = 0  # that began so far
    for place, (text, _) in enumerate(tokens):
        begins = [(byte & 0xC0) != 0x80 for byte in token_bytes(text)]
        inside = bool(begins) and not begins[0]
        offsets.append(max(characters - inside, 0))
        if place >= hidden:
            characters += sum(begins)
    return {
        "tokens": [text for text, _ in tokens],
        "token_logprobs": [None if e is None else e.logprob for _, e in tokens],
        "top_logprobs": [None if e is None else {**e.top, e.text: e.logprob} for _, e in tokens],
        "text_offset": offsets,
    }


def chat_logprobs(tokens: Sequence[TokenLogprob]) -> dict[str, Any]:
    """The form of `/chat/completions`: one object a token."""
    content = [
        {
            **_entry(token.text, token.logprob),
            "top_logprobs": [_entry(text, logprob) for text, logprob in token.top.items()],
        }
        for token in tokens
    ]
    return {"content": content, "refusal": None}


def _entry(text: str, logprob: float) -> dict[str, Any]:
    return {"token": text, "logprob": logprob, "bytes": list(token_bytes(text))}
