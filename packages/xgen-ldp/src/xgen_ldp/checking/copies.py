"""Whether a line says what another says in the same words."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from xgen_data.language import without_names

__all__ = ["is_mostly_copied", "is_names", "is_same", "plain"]

_GRAM = 4
_COPIED = 0.8
"""Share of an output's 4-grams of letters that stand in its source. Between languages of one script
it is under a half when names are left out; an echo with a word changed has more."""
_FEWEST = 12
"""Fewer n-grams outside the names are a phrase that two languages may share."""

_SHORT = 4
"""Words that may be a name although the line begins with a capital or has nothing else."""


@lru_cache(maxsize=4096)  # exemplars' outputs come again with every line
def plain(text: str) -> str:
    """Letters and figures in small form, single spaces for all else."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join("".join(c if _counts(c) else " " for c in folded).split())


def is_same(given: str, text: str) -> bool:
    """Whether two lines differ in nothing but case, punctuation and forms of characters."""
    return plain(given) == plain(text)


def is_mostly_copied(given: str, text: str) -> bool:
    """Whether nearly all of a text, names left out, is out of a given one in another language."""
    grams = _grams(plain(without_names(text)))
    if len(grams) < _FEWEST:
        return False
    return len(grams & _grams(plain(given))) >= _COPIED * len(grams)


def is_names(text: str) -> bool:
    """Whether a line has nothing but names and figures, which many languages write alike."""
    rest, words = without_names(text), text.split()
    short = len(words) <= _SHORT
    if not any(map(str.isalpha, rest)):
        return short or not text.isupper()
    return short and rest == words[0] and rest[:1].isupper()


def _counts(character: str) -> bool:
    return unicodedata.category(character)[0] in "LMN"


def _grams(text: str) -> set[str]:
    return {text[i : i + _GRAM] for i in range(len(text) - _GRAM + 1)}
