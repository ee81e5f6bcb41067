"""How long a text is in tokens: by a tokenizer, or by an estimate that needs none."""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable

from xgen_core import Tokenizer, open_tokenizer

__all__ = ["TokenCounter", "largest"]


class TokenCounter:
    """Counts tokens.

    Args:
        tokenizer: as `open_tokenizer` takes it; empty estimates from UTF-8 bytes.
        bytes_per_token: of the estimate; 4 is about English text, random letters have fewer.

    Raises:
        PluginError, InputError: there is no such tokenizer.
    """

    def __init__(self, tokenizer: str = "", bytes_per_token: float = 4.0) -> None:
        if bytes_per_token <= 0:
            raise ValueError(f"bytes_per_token must be positive, got {bytes_per_token}")
        self.bytes_per_token = bytes_per_token
        self._tokenizer: Tokenizer | None = open_tokenizer(tokenizer) if tokenizer else None

    @property
    def name(self) -> str:
        """What lengths rest on, for a variant: `xgen-1f0c2a9b`, or `4-bytes-a-token`."""
        if self._tokenizer is None:
            return f"{self.bytes_per_token:g}-bytes-a-token"
        return f"{self._tokenizer.name}-{self._tokenizer.fingerprint[:8]}"

    def count(self, text: str) -> int:
        """Tokens of a text, rounded up where they are estimated."""
        if self._tokenizer is None:
            return math.ceil(len(text.encode("utf-8")) / self.bytes_per_token)
        return len(self._tokenizer.encode(text))

    def span(self, text: str, start: int, stop: int) -> str:
        """The text of tokens `start` to `stop` (exclusive), without pieces of characters."""
        if self._tokenizer is None:
            data = text.encode("utf-8")
            low, high = (round(i * self.bytes_per_token) for i in (start, stop))
            return data[low:high].decode("utf-8", errors="ignore")
        ids = self._tokenizer.encode(text)[start:stop]
        return b"".join(map(self._tokenizer.token_bytes, ids)).decode("utf-8", errors="ignore")


def largest(fits: Callable[[int], bool], low: int) -> int | None:
    """The largest size from `low` on that fits, where every smaller one fits too.

    None where `low` does not fit.
    """
    if not fits(low):
        return None
    step = 1
    while fits(low + step):
        step *= 2
    candidates = range(low + step // 2, low + step)
    return candidates[bisect.bisect_left(candidates, True, key=lambda size: not fits(size)) - 1]
