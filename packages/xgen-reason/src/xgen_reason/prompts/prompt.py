"""One prompt: what is asked for, how it is laid out, and worked examples."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from xgen_core.records import Record

__all__ = ["Prompt"]

_FIELD = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt(Record):
    """A few-shot prompt.

    The layout is one text with fields, `"Q: {question}\\nA: {rationale} The answer is {answer}."`.
    Each example fills all of it; the item fills the fields that are given, and the prompt ends
    before the first that is not.

    Attributes:
        layout: with `{fields}`.
        shots: examples, by field.
        instruction: before them; may be empty.
        stop: strings that end an answer.
        max_tokens: of an answer.
        separator: between examples.

    Raises:
        ValueError: an example lacks a field.
    """

    layout: str
    shots: tuple[Mapping[str, str], ...] = ()
    instruction: str = ""
    stop: tuple[str, ...] = ("\n\n",)
    max_tokens: int = 256
    separator: str = "\n\n"

    def __post_init__(self) -> None:
        for number, shot in enumerate(self.shots, 1):
            missing = [name for name in _FIELD.findall(self.layout) if name not in shot]
            if missing:
                raise ValueError(f"example {number} lacks {', '.join(missing)}")

    def render(self, fields: Mapping[str, str], *, shots: int | None = None) -> str:
        """The prompt for one item.

        Args:
            fields: what is known of it.
            shots: how many of the examples; None for all.

        Raises:
            ValueError: every field is given, so nothing is left to answer, or fewer examples exist.
        """
        wanted = len(self.shots) if shots is None else shots
        if not 0 <= wanted <= len(self.shots):
            raise ValueError(f"{wanted} examples are asked for; there are {len(self.shots)}")
        head = self.layout
        for field in _FIELD.finditer(self.layout):
            if field[1] not in fields:
                head = self.layout[: field.start()].rstrip(" ")
                break
        else:
            raise ValueError("every field is given: there is nothing to answer")
        texts = [_filled(self.layout, shot) for shot in self.shots[:wanted]]
        texts.append(_filled(head, fields))
        return self.separator.join([self.instruction, *texts] if self.instruction else texts)


def _filled(layout: str, fields: Mapping[str, str]) -> str:
    """In one pass, so that a brace in a value is never taken for a field."""
    return _FIELD.sub(lambda field: fields[field[1]], layout)
