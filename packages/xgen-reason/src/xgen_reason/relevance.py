"""Whether a piece of evidence is about a sentence at all: the content words that they share."""

from __future__ import annotations

from xgen_reason.knowledge.words import content_words

__all__ = ["relevance"]


def relevance(sentence: str, evidence: str) -> float:
    """The part of a sentence's content words that stand in a piece of evidence, from 0 to 1.

    A sentence without content words asks for nothing in particular: everything is relevant to it.
    """
    wanted = set(content_words(sentence))
    return len(wanted.intersection(content_words(evidence))) / len(wanted) if wanted else 1.0
