"""Whether a piece of evidence is about a sentence at all: the content words that they share."""

from __future__ import annotations

from xgen_eval.metrics.stemming import porter_stem
from xgen_reason.knowledge.words import STOP_WORDS, words

__all__ = ["content_sequence", "content_words", "relevance"]


def content_sequence(text: str) -> tuple[str, ...]:
    """Stems of the words that say what a text is about, in order."""
    return tuple(_stem(word) for word in words(text) if word not in STOP_WORDS)


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
    return porter_stem(word) if word.isascii() and word.isalpha() else word
