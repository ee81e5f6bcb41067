"""Whether a piece of evidence is about a sentence at all: the content words that they share."""

from __future__ import annotations

import re

from xgen_eval.metrics.stemming import porter_stem

__all__ = ["content_sequence", "content_words", "relevance"]

_WORD = re.compile(r"[^\W_]+(?:[.,'’-][^\W_]+)*")
_FUNCTION_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
        a about after all also am an and any are as at be because been before being between both but
        by can could did do does during each for from had has have he her hers him his how i if in
        into is it its itself may me might more most much must my no nor not of on one only or other
        our ours over same shall she should so some such than that the their theirs them then there
        these they this those through to too under until up upon us very was we were what when where
        which while who whom whose why will with would you your yours
        """,
    )
)


def content_sequence(text: str) -> tuple[str, ...]:
    """Stems of the words that say what a text is about, in order; numbers without comma groups."""
    words = (word.lower().replace("’", "'").removesuffix("'s") for word in _WORD.findall(text))
    return tuple(_stem(word) for word in words if word not in _FUNCTION_WORDS)


def content_words(text: str) -> frozenset[str]:
    """The same, each once."""
    return frozenset(content_sequence(text))


def relevance(sentence: str, evidence: str) -> float:
    """The part of a sentence's content words that stand in a piece of evidence, from 0 to 1.

    A sentence without content words asks for nothing in particular: everything is relevant to it.
    """
    wanted = content_words(sentence)
    return len(wanted & content_words(evidence)) / len(wanted) if wanted else 1.0


def _stem(word: str) -> str:
    if word[0].isdigit():
        return word.replace(",", "")
    return porter_stem(word) if word.isascii() and word.isalpha() else word
