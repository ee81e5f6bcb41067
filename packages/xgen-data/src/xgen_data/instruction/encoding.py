"""From an example to ids and mask; what an instruction-tuning token store is made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from xgen_core import ChatTemplate, Example, InputError, Message, Segment, Tokenizer
from xgen_data.encoding import Encoded, encode
from xgen_data.steps import Drop

__all__ = [
    "EncodedExample",
    "EncodingCounts",
    "Overlong",
    "encode_example",
    "encode_examples",
    "example_segments",
]

Overlong = Literal["drop", "truncate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedExample:
    """An example as the model reads it.

    Attributes:
        id: of the example.
        encoded: ids and mask; begins with BOS where the tokenizer has one, ends with EOS.
        cut_turns: messages left out at the beginning so that the rest fits.
    """

    id: str
    encoded: Encoded
    cut_turns: int


@dataclass(slots=True)
class EncodingCounts:
    """What became of examples; filled by `count`.

    Attributes:
        examples, tokens, trained_tokens: encoded.
        truncated: examples that lost turns.
        cut_turns: how many turns they lost together.
        dropped: examples by reason.
        filler: tokens that fill up rows and count nowhere.
    """

    examples: int = 0
    tokens: int = 0
    trained_tokens: int = 0
    truncated: int = 0
    cut_turns: int = 0
    dropped: dict[str, int] = field(default_factory=dict[str, int])
    filler: int = 0

    def count(self, items: Iterable[EncodedExample | Drop]) -> Iterator[EncodedExample]:
        """Pass the encoded examples on, counting them and the dropped ones."""
        for item in items:
            if isinstance(item, Drop):
                self.dropped[item.reason] = self.dropped.get(item.reason, 0) + 1
                continue
            self.examples += 1
            self.tokens += len(item.encoded.ids)
            self.trained_tokens += int(item.encoded.mask.sum())
            self.truncated += item.cut_turns > 0
            self.cut_turns += item.cut_turns
            yield item


def example_segments(example: Example, template: ChatTemplate) -> list[Segment]:
    """An example as segments, the trained ones marked.

    Raises:
        InputError: no message is trained, or the template has no form for a role.
    """
    return _segments(example, example.messages, template)


def encode_example(
    example: Example,
    template: ChatTemplate,
    tokenizer: Tokenizer,
    *,
    max_tokens: int = 0,
    overlong: Overlong = "drop",
) -> EncodedExample | Drop:
    """Encode one example.

    The ids end with the tokenizer's EOS: where the template has not ended the last answer with it,
    it is added and, like the template's own, trained if the answer is. (Were it masked, the model
    would never learn to stop.)

    Args:
        example: at least one message is trained.
        template: how turns become text.
        tokenizer: for the ids.
        max_tokens: the most ids; 0 for no limit.
        overlong: what becomes of longer examples. `"truncate"` leaves out the oldest turns, whole
            ones, and what remains begins with a user's turn; system messages stay. If even the last
            question and answer are too long, the example is dropped.

    Returns:
        The example, or why it is dropped.

    Raises:
        InputError: no message is trained, or the template has no form for a role.
    """
    encoded = _encode(example, example.messages, template, tokenizer)
    if not max_tokens or len(encoded.ids) <= max_tokens:
        return EncodedExample(id=example.id, encoded=encoded, cut_turns=0)
    if overlong == "drop":
        return Drop(reason=f"longer than {max_tokens} tokens", example=example.id)
    system = tuple(m for m in example.messages if m.role == "system")
    body = tuple(m for m in example.messages if m.role != "system")
    last = max(index for index, message in enumerate(body) if message.trained)
    starts = [i for i, message in enumerate(body[:last]) if message.role == "user" and i]
    low, high = 0, len(starts)  # the first start from which all fits: fewer turns are fewer ids
    best = None
    while low < high:
        middle = (low + high) // 2
        tried = _encode(example, (*system, *body[starts[middle] :]), template, tokenizer)
        if len(tried.ids) <= max_tokens:
            best, high = (tried, starts[middle]), middle
        else:
            low = middle + 1
    if best is None:
        reason = f"last question and answer longer than {max_tokens} tokens"
        return Drop(reason=reason, example=example.id)
    return EncodedExample(id=example.id, encoded=best[0], cut_turns=best[1])


def encode_examples(
    examples: Iterable[Example],
    template: ChatTemplate,
    tokenizer: Tokenizer,
    *,
    max_tokens: int = 0,
    overlong: Overlong = "drop",
) -> Iterator[EncodedExample | Drop]:
    """`encode_example` of each, where an example that cannot be encoded is a `Drop` too."""
    for example in examples:
        if not any(message.trained for message in example.messages):
            yield Drop(reason="no trained message", example=example.id)
            continue
        strange = next((m.role for m in example.messages if m.role not in template.prefixes), None)
        if strange is not None:
            yield Drop(reason=f"template has no form for role {strange}", example=example.id)
            continue
        yield encode_example(example, template, tokenizer, max_tokens=max_tokens, overlong=overlong)


def _segments(
    example: Example, messages: tuple[Message, ...], template: ChatTemplate
) -> list[Segment]:
    if not any(message.trained for message in messages):
        raise InputError(
            f"example {example.id!r} has no trained message: mark the answers to learn with "
            '"trained": true'
        )
    try:
        return template.render(messages)
    except ValueError as error:
        raise InputError(f"example {example.id!r}: {error}") from error


def _encode(
    example: Example,
    messages: tuple[Message, ...],
    template: ChatTemplate,
    tokenizer: Tokenizer,
) -> Encoded:
    ids, mask = encode(_segments(example, messages, template), tokenizer)
    if tokenizer.bos_id is not None and (not len(ids) or ids[0] != tokenizer.bos_id):
        ids = np.concatenate([np.array([tokenizer.bos_id], np.uint32), ids])
        mask = np.concatenate([np.zeros(1, np.uint8), mask])
    if not len(ids) or ids[-1] != tokenizer.eos_id:
        ids = np.concatenate([ids, np.array([tokenizer.eos_id], np.uint32)])
        mask = np.concatenate([mask, np.array([messages[-1].trained], np.uint8)])
    return Encoded(ids, mask)
