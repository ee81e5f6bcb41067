"""What a model tells about the call in hand to whoever asked for it, beside the answer."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass

__all__ = ["CURRENT", "CallTrace"]


@dataclass(slots=True, kw_only=True)
class CallTrace:
    """Attempts and tokens of one call; a model behind an endpoint adds to it as it goes.

    Attributes:
        attempts: requests sent.
        prompt_tokens: read, as the endpoint reports.
        completion_tokens: written, likewise.
    """

    attempts: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0


CURRENT: ContextVar[CallTrace | None] = ContextVar("xgen_call", default=None)
