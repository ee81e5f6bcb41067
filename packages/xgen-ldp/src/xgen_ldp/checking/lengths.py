"""How long a line is beside what it was made of, whatever the two scripts."""

from __future__ import annotations

from xgen_ldp.languages import Language

__all__ = ["density", "length_ratio"]

_DENSITY = {
    "Hans": 0.36,
    "Hant": 0.36,
    "Jpan": 0.45,
    "Kore": 0.5,
    "Hang": 0.5,
    "Ethi": 0.65,
}
"""Characters for one of English. Chinese is measured on 500 lines of NTREX-128, where 16 languages
in eight other scripts have from 0.95 (Arabic) to 1.20 (Yoruba); the others are rough."""
_SLACK = 10
"""Characters of English added to both: two short lines differ by a word."""


def length_ratio(given: str, source: Language, text: str, target: Language) -> float:
    """The length of a text over that of the given one, each as characters of English.

    Args:
        given: the line that it was made of.
        source: its language.
        text: the output.
        target: its language.
    """
    return (_length(text, target) + _SLACK) / (_length(given, source) + _SLACK)


def density(language: Language) -> float:
    """Characters of a language for one of English."""
    return _DENSITY.get(language.script or "", 1.0)


def _length(text: str, language: Language) -> float:
    return len(text) / density(language)
