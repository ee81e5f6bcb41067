"""From tokens to the text of one answer: characters, stop strings, log-probabilities."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from typing import Literal

from xgen_core.lm.wire import token_text
from xgen_core.protocols import Tokenizer
from xgen_core.records import Completion, TokenLogprob

__all__ = ["Answer", "token_logprob"]


def token_logprob(
    tokenizer: Tokenizer,
    token_id: int,
    logprob: float,
    others: Sequence[int] = (),
    other_logprobs: Sequence[float] = (),
) -> TokenLogprob:
    """The record of one token and the likeliest ones at its place."""

    def text(token: int) -> str:
        return token_text(tokenizer.token_bytes(token))

    top = {text(o): value for o, value in zip(others, other_logprobs, strict=True)}
    return TokenLogprob(id=token_id, text=text(token_id), logprob=logprob, top=top)


class Answer:
    """A text that grows token by token until it is finished.

    The stop string that is complete first ends it, whatever tokens it came in; of two that end at
    the same character, the longer.

    Args:
        tokenizer: of the ids.
        stop: strings that end the text, none of them empty.
        eos_id: the token that ends it.
        limit: tokens that end it.

    Attributes:
        tokenizer: of the ids.
        stop: strings that end the text.
        finished: why it ended, or None.
    """

    def __init__(
        self, tokenizer: Tokenizer, *, stop: Sequence[str], eos_id: int, limit: int
    ) -> None:
        self.finished: Literal["stop", "length"] | None = None
        self.tokenizer = tokenizer
        self.stop = tuple(stop)
        self._longest = max(map(len, self.stop), default=0)
        self._eos_id = eos_id
        self._limit = limit
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._text = ""
        self._told = 0
        self._ends: list[int] = []
        self._reports: list[TokenLogprob] = []

    @property
    def tokens(self) -> int:
        """How many there are."""
        return len(self._ends)

    def add(self, token_id: int, report: TokenLogprob | None = None) -> None:
        """One more token; nothing happens when the text is finished."""
        if self.finished is not None:
            return
        if token_id == self._eos_id:
            self._finish("stop")
            return
        self._append(self._decoder.decode(self.tokenizer.token_bytes(token_id)))
        self._ends.append(len(self._text))
        if report is not None:
            self._reports.append(report)
        if self.finished is None and len(self._ends) >= self._limit:
            self._finish("length")

    def fresh(self) -> str:
        """Text that was not told yet and that nothing can take back."""
        end = len(self._text)
        if self.finished is None:
            end -= self._pending()
        text, self._told = self._text[self._told : end], max(self._told, end)
        return text

    def completion(self, prompt_tokens: int) -> Completion:
        """The whole answer; `completion_tokens` are those that it took to write the text."""
        count = len(self._ends)
        if self.finished == "stop":
            size = len(self._text)
            while count and (self._ends[count - 2] if count > 1 else 0) >= size:
                count -= 1
        return Completion(
            text=self._text,
            finish_reason=self.finished or "length",
            prompt_tokens=prompt_tokens,
            completion_tokens=count,
            logprobs=tuple(self._reports[:count]),
        )

    def _append(self, text: str) -> None:
        begin = max(0, len(self._text) - self._longest + 1)
        self._text += text
        found = [
            (at + len(stop), at) for stop in self.stop if (at := self._text.find(stop, begin)) >= 0
        ]
        if found:
            self._text = self._text[: min(found)[1]]
            self.finished = "stop"

    def _finish(self, reason: Literal["stop", "length"]) -> None:
        self._append(self._decoder.decode(b"", True))  # half a character becomes U+FFFD
        self.finished = self.finished or reason

    def _pending(self) -> int:
        """Characters at the end with which a stop string may have begun."""
        for size in range(min(self._longest - 1, len(self._text)), 0, -1):
            tail = self._text[len(self._text) - size :]
            if any(stop.startswith(tail) for stop in self.stop):
                return size
        return 0
