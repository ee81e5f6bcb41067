"""Queries written by a model of their own, tuned for it, in the place of the one that answers."""

from __future__ import annotations

from xgen_core import Model
from xgen_core.lm.asker import Asker
from xgen_reason.evidence import Found, QueryLanguage
from xgen_reason.knowledge.source import Source
from xgen_reason.prompts import PromptSet
from xgen_reason.queries.writer import QueryWriter
from xgen_reason.question import Question

__all__ = ["TunedQueries"]


class TunedQueries:
    """A writer that asks another model; its requests stand in the question's trace as all others.

    Args:
        writer: of the language.
        model: entered, for as long as this is used.
        chat: send it prompts as a user's message.
    """

    def __init__(self, writer: QueryWriter, model: Model, *, chat: bool = False) -> None:
        self._writer = writer
        self._model = model
        self._chat = chat

    @property
    def language(self) -> QueryLanguage:
        """Of its queries."""
        return self._writer.language

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
        """As `QueryWriter.inquire`."""
        other = asker.through(self._model, chat=self._chat)
        return await self._writer.inquire(
            other, prompts, source, question, sentence, step=step, limit=limit
        )
