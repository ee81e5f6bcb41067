"""What a conversation must be to be learnt from, with one counted reason for each fault."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from xgen_core import Example, Message
from xgen_core.records import Record
from xgen_data.steps import Drop
from xgen_data.steps.clean import normalise_text

__all__ = ["Checks", "is_refusal"]

_REFUSAL_OPENINGS = re.compile(
    r"""^[\s"'*]*(?:
        (?:i(?:'|’)?m|i\s+am)\s+(?:very\s+|really\s+)?sorry,?\s*(?:but\s+)?
            (?:i\s+(?:can(?:no|'|’)?t|am\s+(?:not\s+able|unable)|do\s+not|don['’]?t)|as\s+an?\s+ai)
      | (?:sorry|apologies|unfortunately),?\s*(?:but\s+)?
            i\s+(?:can(?:no|'|’)?t|am\s+(?:not\s+able|unable)|do\s+not\s+have|don['’]?t\s+have)
      | as\s+an?\s+(?:ai|artificial\s+intelligence|large\s+language|language)
            [\w\s-]{0,40},?\s*(?:i|it)\b[^.!?]{0,60}?
            (?:can(?:no|'|’)?t|unable|not\s+able|do\s+not|don['’]?t|not\s+(?:have|capable))
      | i\s+(?:can(?:no|'|’)?t|am\s+unable\s+to|am\s+not\s+able\s+to)\s+
            (?:assist|help(?!\s+\w+ing\b)|fulfil?l|comply|answer|provide|complete|generate|create)\b
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_REFUSAL_CHARACTERS = 600
"""A longer answer that opens like a refusal mostly goes on to help."""


def is_refusal(answer: str) -> bool:
    """Whether an English answer opens with a stock refusal and does not go on at length."""
    return len(answer) <= _REFUSAL_CHARACTERS and _REFUSAL_OPENINGS.match(answer) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks(Record):
    """What is asked of every example.

    Attributes:
        refusals: keep conversations whose every answer is a stock refusal.
        min_answer: fewest characters of an answer, white space around it aside.
        max_characters: most characters of a whole conversation; 0 for no limit.
        strip: take away white space around trained answers, which would teach the model to begin or
            end with it. Off where a template put it there on purpose.
    """

    refusals: bool = False
    min_answer: int = 1
    max_characters: int = 0
    strip: bool = True

    def apply(self, example: Example) -> Example | Drop:
        """The example, its texts normalised as documents are, or why it is dropped.

        Turns after the last trained one are cut: nothing is learnt from them.
        """
        messages = tuple(_clean(message, self.strip) for message in example.messages)
        while messages and not messages[-1].trained:
            messages = messages[:-1]
        reason = self._fault(messages)
        if reason:
            return Drop(reason=reason, example=example.id)
        if messages == example.messages:
            return example
        return replace(example, messages=messages)

    def _fault(self, messages: tuple[Message, ...]) -> str:
        reason = "no answer to learn" if not messages else _order_fault(messages)
        if reason:
            return reason
        answers = [m.content for m in messages if m.role == "assistant"]
        trained = [m.content.strip() for m in messages if m.trained]
        if any(not m.content.strip() for m in messages if m.role == "user"):
            return "empty input"
        if not all(answers + trained):
            return "empty answer"
        if min(map(len, trained)) < self.min_answer:
            return "answer too short"
        if self.max_characters and sum(len(m.content) for m in messages) > self.max_characters:
            return f"longer than {self.max_characters} characters"
        if not self.refusals and all(is_refusal(answer) for answer in trained):
            return "refusals only"
        return ""


def _clean(message: Message, strip: bool) -> Message:
    content = normalise_text(message.content)
    if message.trained and strip:
        content = content.strip()
    return message if content == message.content else replace(message, content=content)


def _order_fault(messages: tuple[Message, ...]) -> str:
    """System messages first, then user and assistant by turns; a tool speaks before an answer."""
    body = list(messages)
    while body and body[0].role == "system":
        body.pop(0)
    if not body or body[0].role != "user":
        return f"starts with {body[0].role if body else 'system'}"
    before = ""
    for message in body:
        if message.role == "system":
            return "system message in the middle"
        if message.role == before and message.role != "tool":
            return f"two {message.role} turns in a row"
        if message.role == "tool" and before == "user":
            return "tool turn after a user turn"
        if message.role == "user" and before == "tool":
            return "user turn after a tool turn"
        if message.trained and message.role != "assistant":
            return f"trained on a {message.role} turn"
        before = message.role
    return ""
