"""What a method has at hand for a question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from xgen_core.lm.asker import Asker
from xgen_reason.evidence import Found, Query, QueryLanguage
from xgen_reason.knowledge.source import Source
from xgen_reason.prompts import PromptSet
from xgen_reason.queries.writer import QueryWriter
from xgen_reason.question import Question

__all__ = ["Tools"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """Model, prompts and knowledge for one question.

    Nothing in here depends on what a model or a source says: evidence can choose neither tools nor
    sources.

    Attributes:
        asker: the model, with this question's trace.
        prompts: of the data set.
        sources: entered, by name, in the order in which they are asked.
        domains: names of sources by domain (`factual`, `medical`, `physical`, `biology`).
        writers: by language.
    """

    asker: Asker
    prompts: PromptSet
    sources: Mapping[str, Source] = field(default_factory=dict[str, Source])
    domains: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    writers: Mapping[QueryLanguage, QueryWriter] = field(
        default_factory=dict[QueryLanguage, QueryWriter]
    )

    async def inquire(
        self, question: Question, sentence: str, source: str, *, step: int, limit: int = 3
    ) -> Found:
        """Ask one source about a sentence, in the source's language; see `QueryWriter.inquire`.

        What is found goes by the source's name here, which may be other than its own: two indexes
        of text are told apart so.
        """
        asked = self.sources[source]
        writer = self.writers[asked.language]
        found = await writer.inquire(
            self.asker, self.prompts, asked, question, sentence, step=step, limit=limit
        )
        return _named(found, source)

    async def search(self, question: Question, text: str, source: str, *, limit: int = 3) -> Found:
        """Ask a source of text in exactly these words, by which it ranks what it finds."""
        found = await self.sources[source].search(Query(text=text), question, limit=limit)
        return _named(found, source)


def _named(found: Found, source: str) -> Found:
    pieces = tuple(replace(piece, source=source) for piece in found.evidence)
    return replace(found, source=source, evidence=pieces)
