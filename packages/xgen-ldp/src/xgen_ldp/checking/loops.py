"""Whether a text goes round in circles."""

from __future__ import annotations

import re
from itertools import groupby

__all__ = ["find_loop"]

_GRAM = 5
_NEW = 0.5
"""Share of a stretch's 5-grams that are different ones. Of 8,500 lines of NTREX-128 in 17 languages
the lowest is 0.56 (a list of four figures), and of their last 60 characters 0.73; a phrase three
times over has a third."""
_TAIL = 60
_FEWEST = 24
_RUN = 4
"""Times that a word stands there in a row."""
_SHORT = re.compile(r"(\S.{0,7}?)\1{3,}\W*")
"""A whole text that is one thing four times."""


def find_loop(text: str) -> str | None:
    """What a text repeats, in words; None if it goes on.

    Looked at are the whole, its second half and its last 60 characters, in which a model that has
    lost its way is found whatever it began with.
    """
    words = text.split()
    line = " ".join(words)
    for word, run in groupby(words):
        if len(list(run)) >= _RUN and any(map(str.isalnum, word)):
            return f"{word!r} over and over"
    if len(line) < _FEWEST:
        found = _SHORT.fullmatch(line)
        return f"{found[1]!r} over and over" if found and _has_letter(line) else None
    for stretch, name in (
        (line[-_TAIL:], f"its last {_TAIL} characters"),
        (line, "it"),
        (line[len(line) // 2 :], "its second half"),
    ):
        count = len(stretch) - _GRAM + 1
        if count < _FEWEST - _GRAM + 1:
            continue
        share = len({stretch[i : i + _GRAM] for i in range(count)}) / count
        if share < _NEW and _has_letter(stretch):
            return f"{share:.0%} of {name} is new"
    return None


def _has_letter(text: str) -> bool:
    return any(map(str.isalpha, text))
