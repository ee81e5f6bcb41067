"""From a sentence to a query in words, for sources of text."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from xgen_core.lm.asker import Asker
from xgen_reason.evidence import Attempt, Found, Query, QueryLanguage
from xgen_reason.knowledge.source import Source
from xgen_reason.prompts import PromptSet
from xgen_reason.question import Question

__all__ = ["TextQueries"]

_STAGE = "query"
_MARKS = "\"'“”‘’` "


@dataclass(frozen=True, slots=True, kw_only=True)
class TextQueries:
    """Writes a question by a few-shot prompt, the stage `query` of a set.

    A sentence that is a question already (Verify-and-Edit's verifying question) is asked as it is;
    so is every sentence whose query finds nothing, or for which the model writes none.

    Attributes:
        style: `question`: written by the model; `sentence`: the sentence itself.
    """

    style: Literal["question", "sentence"] = "question"

    def __post_init__(self) -> None:
        if self.style not in ("question", "sentence"):
            raise ValueError(f"style is 'question' or 'sentence', not {self.style!r}")

    @property
    def language(self) -> QueryLanguage:
        """Words."""
        return "text"

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
        """Ask about a sentence; see `QueryWriter.inquire`.

        Raises:
            InputError: the prompts have no stage `query`.
            ModelError: the model failed.
        """
        attempts: tuple[Attempt, ...] = ()
        if self.style == "question" and not sentence.rstrip(_MARKS).endswith(("?", "？", "؟")):
            written = await self._write(asker, prompts, question, sentence, step)
            if written:
                found = await source.search(Query(text=written), question, limit=limit)
                if found.evidence or found.failure or written == sentence:
                    return found
                attempts = found.attempts
            else:
                attempts = (Attempt(text="", outcome="the model writes no query"),)
        found = await source.search(Query(text=sentence), question, limit=limit)
        return replace(found, attempts=attempts + found.attempts)

    async def _write(
        self, asker: Asker, prompts: PromptSet, question: Question, sentence: str, step: int
    ) -> str:
        prompt = prompts.prompt(_STAGE)
        fields = {"question": question.full, "sentence": sentence}
        [completion] = await asker.ask(
            _STAGE,
            prompts.render(_STAGE, fields),
            max_tokens=prompt.max_tokens,
            stop=prompt.stop,
            step=step,
        )
        lines = completion.text.strip().splitlines()
        return lines[0].strip(_MARKS) if lines else ""
