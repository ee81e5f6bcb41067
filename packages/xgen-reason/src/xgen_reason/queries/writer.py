"""How a sentence becomes a query, and a query an answer: one writer for each language."""

from __future__ import annotations

from typing import Protocol

from xgen_core.lm.asker import Asker
from xgen_reason.evidence import Found, QueryLanguage
from xgen_reason.knowledge.source import Source
from xgen_reason.prompts import PromptSet
from xgen_reason.question import Question

__all__ = ["QueryWriter"]


class QueryWriter(Protocol):
    """Writes queries in one language, and mends them from what the source says of them."""

    @property
    def language(self) -> QueryLanguage:
        """Of its queries."""
        ...

    async def inquire(
        self,
        asker: Asker,
        prompts: PromptSet,
        source: Source,
        question: Question,
        sentence: str,
        *,
        step: int,
        limit: int,
    ) -> Found:
        """Ask a source about a sentence of a chain.

        Args:
            asker: the model; a tuned generator may hold a model of its own instead.
            prompts: with the stage of the language.
            source: of this language.
            question: that the chain answers.
            sentence: to be verified.
            step: number of the sentence, from 1.
            limit: pieces of evidence at most.

        Returns:
            What was found, with every wording that was tried; a model that writes no usable query
            ends in `failure`, never in an exception.

        Raises:
            ModelError: the model failed.
        """
        ...
