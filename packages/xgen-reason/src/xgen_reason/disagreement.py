"""Whether pieces of evidence contradict each other, by a cheap look at their words.

It finds the plain cases (two numbers for one thing, a statement beside its denial, two sources with
two values of one property) and marks them for a reader; it judges nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import combinations

from xgen_reason.evidence import Evidence
from xgen_reason.knowledge.words import content_words

__all__ = ["disagreement"]

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_DENIAL = re.compile(
    r"\b(?:not|no|never|neither|nor|cannot|without|false)\b|n['’]t\b", re.IGNORECASE
)
_STATEMENT = re.compile(r"(.+\S)\s+[–—]\s+(.+)", re.DOTALL)
_SAME = 0.6
"""Share of the shorter piece's words, numbers apart, from which on two pieces are about one thing.
"""


def disagreement(pieces: Sequence[Evidence]) -> str:
    """Which pieces contradict each other and in what, in one line; empty where none do.

    Args:
        pieces: as they are shown; they are numbered from 1 in the answer.
    """
    for (i, one), (j, other) in combinations(enumerate(pieces, 1), 2):
        what = _difference(one, other)
        if what:
            return f"the pieces disagree: {i} and {j}, {what}"
    return ""


def _difference(one: Evidence, other: Evidence) -> str:
    mine, its = _STATEMENT.fullmatch(one.text), _STATEMENT.fullmatch(other.text)
    if mine and its:  # a property may have several values in one source
        same = set(content_words(mine[1])) == set(content_words(its[1]))
        if one.source == other.source or not same:
            return ""
        differ = set(content_words(mine[2])).isdisjoint(content_words(its[2]))
        return f"{mine[2]!r:.60} and {its[2]!r:.60}" if differ else ""
    if not _about_one_thing(one.text, other.text):
        return ""
    numbers, others = _numbers(one.text), _numbers(other.text)
    if numbers - others and others - numbers:
        return f"{_listed(numbers - others)} and {_listed(others - numbers)}"
    if bool(_DENIAL.search(one.text)) != bool(_DENIAL.search(other.text)):
        return "one denies what the other says"
    return ""


def _about_one_thing(one: str, other: str) -> bool:
    words = [
        set(content_words(_NUMBER.sub(" ", text))) - {"never", "without", "fals"}
        for text in (one, other)
    ]
    shorter = min(map(len, words))
    return shorter > 0 and len(words[0] & words[1]) / shorter >= _SAME


def _numbers(text: str) -> frozenset[str]:
    return frozenset(number.replace(",", "") for number in _NUMBER.findall(text))


def _listed(numbers: frozenset[str]) -> str:
    return ", ".join(sorted(numbers))
