"""From a sentence to SQL over a table, mended from what the table says of it.

sentence ─▶ query ─▶ rows
▲  │ error: asked again with it, twice at most
└──┤
│ empty (the source has tried its strings as the table writes them)
▼
rows that share words with the sentence, or nothing
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from xgen_core.lm.asker import Asker
from xgen_reason.evidence import Attempt, Found, Query, QueryLanguage
from xgen_reason.knowledge.source import Source
from xgen_reason.knowledge.tables import SqlSource
from xgen_reason.prompts import PromptSet
from xgen_reason.question import Question

__all__ = ["SqlQueries", "sql_in"]

_STAGE = "sql"
_FENCE = re.compile(r"```(?:\w+\n)?(.*?)(?:```|\Z)", re.DOTALL)
_QUERY = re.compile(
    r"\b(?:select\b|with\s+(?:recursive\s+)?\S+\s*(?:\([^()]*\)\s*)?as\s*\().*",
    re.IGNORECASE | re.DOTALL,
)
_EMPTY = "empty"
_SHOWN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlQueries:
    """Writes SQL by a few-shot prompt, the stage `sql` of a set.

    Attributes:
        repairs: how often the model is asked again with the error of its query.
        rows: whether a query that finds nothing is followed by a search for rows by words.
    """

    repairs: int = 2
    rows: bool = True

    def __post_init__(self) -> None:
        if self.repairs < 0:
            raise ValueError(f"repairs must not be negative, got {self.repairs}")

    @property
    def language(self) -> QueryLanguage:
        """SQL."""
        return "sql"

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
            InputError: the prompts have no stage `sql`.
            ModelError: the model failed.
        """
        asked = Query(text=sentence, language="text", topic=sentence)
        layout = await source.layout(question) if isinstance(source, SqlSource) else ""
        if not layout:
            return Found(source=source.name, query=asked, failure="the question has no table")
        prompt = prompts.prompt(_STAGE)
        fields = {"table": layout, "question": question.full, "sentence": sentence}
        text = prompts.render(_STAGE, fields)
        attempts: list[Attempt] = []
        error = ""
        for _ in range(self.repairs + 1):
            found = await asker.ask(
                _STAGE, text, max_tokens=prompt.max_tokens, stop=prompt.stop, step=step
            )
            sql = sql_in(found[0].text)
            if sql:
                query = Query(text=sql, language="sql", topic=sentence)
                answer = await source.search(query, question, limit=limit)
                asked = answer.query
                attempts += answer.attempts
                if answer.evidence:
                    return replace(answer, attempts=tuple(attempts))
                error = answer.failure or answer.attempts[0].outcome
            else:
                error = "no SELECT in the model's answer"
                shown = " ".join(found[0].text.split())[:_SHOWN]
                attempts.append(Attempt(text=shown, outcome=error))
            if error == _EMPTY:
                break
            text = f"{text} {sql}\nThis query fails: {error}.\nCorrected query:"
        if self.rows:
            query = Query(text=sentence, language="text", topic=sentence)
            answer = await source.search(query, question, limit=limit)
            attempts += answer.attempts
            if answer.evidence:
                return replace(answer, attempts=tuple(attempts))
        failure = "" if error == _EMPTY else error
        return Found(source=source.name, query=asked, attempts=tuple(attempts), failure=failure)


def sql_in(text: str) -> str:
    """The query in a model's answer: inside a fence or after other words, up to a blank line."""
    fence = _FENCE.search(text)
    found = _QUERY.search(fence[1] if fence else text)
    if found is None:
        return ""
    return re.split(r"\n\s*\n|```", found[0], maxsplit=1)[0].strip().rstrip(";").rstrip()
