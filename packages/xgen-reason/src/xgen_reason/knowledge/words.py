"""Words as ranking and indexing count them: folded, without stop words, as stems."""

from __future__ import annotations

import re
import unicodedata

from xgen_eval.metrics.stemming import porter_stem

__all__ = ["STOP_WORDS", "content_words", "words"]

_WORD = re.compile(r"[^\W_]+")

STOP_WORDS = frozenset(
    """a about above after again against all also am an and any are as at be because been before
    being below between both but by can cannot could d did do does doing don down during each
    few for from further had has have having he her here hers herself him himself his how i if
    in into is it its itself just ll may me might more most must my myself no nor not now of off
    on once only or other our ours ourselves out over own re s same shall she should so some
    such t than that the their theirs them themselves then there these they this those through
    to too under until up upon us ve very was we were what when where which while who whom whose
    why will with would you your yours yourself yourselves""".split()  # noqa: SIM905 - words, not quotes
)
"""English words that say nothing of what a text is about."""


def words(text: str) -> list[str]:
    """Lower-case words in order, accents taken off."""
    parts = unicodedata.normalize("NFKD", text.lower())
    plain = "".join(c for c in parts if not unicodedata.combining(c))
    return _WORD.findall(unicodedata.normalize("NFC", plain))


def content_words(text: str) -> list[str]:
    """Stems in order of the words that are no stop words."""
    return [_stem(word) for word in words(text) if word not in STOP_WORDS]


def _stem(word: str) -> str:
    return porter_stem(word) if word.isascii() and word.isalpha() else word
