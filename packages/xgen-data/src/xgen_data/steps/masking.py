"""Stretches of a text that are to be replaced: found by several rules, cut out once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["Found", "mask"]


class Found(NamedTuple):
    """A stretch of a text, and what it is.

    Attributes:
        start, end: characters.
        what: `"email"`, say.
    """

    start: int
    end: int
    what: str


def mask(
    text: str, found: Iterable[Found], placeholders: dict[str, str]
) -> tuple[str, Counter[str]]:
    """Put placeholders for stretches; where two overlap, the one that begins first (and is longer).

    Returns:
        The text, and how many of each kind were replaced.
    """
    counts: Counter[str] = Counter()
    parts: list[str] = []
    position = 0
    for start, end, what in sorted(found, key=lambda f: (f.start, -f.end)):
        if start < position:
            continue
        parts += [text[position:start], placeholders[what]]
        counts[what] += 1
        position = end
    parts.append(text[position:])
    return "".join(parts), counts
