"""How a request for a summary looks: pairs of article and summary, then the article.

Nepali article: …                 <- exemplars, one a block, in the language itself
Nepali summary: …

Nepali article: …                 <- the article, at the end
Nepali summary:                   <- where the model goes on
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xgen_core.records import Record
from xgen_ldp.languages import Language
from xgen_ldp.prompts import Tags
from xgen_ldp.prompts.reading import after_tag, unquoted

__all__ = ["SummaryPair", "SummaryPrompt", "instruction"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryPair(Record):
    """An article with a summary, in one language: an exemplar.

    Attributes:
        id: the article's.
        article: its first sentences, one line.
        summary: one line; a model's.
    """

    id: str
    article: str
    summary: str


def instruction(language: Language) -> str:
    """What is asked for, in a sentence; the language is named whatever the tags are."""
    return (
        f"Summarize the following article in one or two sentences in {language.name}. Write only "
        "the summary, on one line."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryPrompt(Record):
    """Prompts of one form; the same arguments give the same bytes.

    Attributes:
        language: of articles and summaries.
        tags: what stands before them: `Nepali article`, `Article`, or nothing.
        instruction: before the exemplars, a paragraph of its own; may be empty.
    """

    language: Language
    tags: Tags = "name"
    instruction: str = ""

    def render(self, pairs: Sequence[SummaryPair], article: str) -> str:
        """The prompt.

        Args:
            pairs: before the article.
            article: one line.
        """
        above, below = self._tags
        blocks = [self.instruction] if self.instruction else []
        blocks += [f"{_row(above, pair.article)}\n{_row(below, pair.summary)}" for pair in pairs]
        return "\n\n".join([*blocks, f"{_row(above, article)}\n{below}"])

    def parse(self, answer: str) -> str:
        """The first line with text in it, without tag and quotes; empty where there is none."""
        for line in answer.splitlines():
            said = line.strip()
            rest = after_tag(self._tags[1], said)
            text = unquoted(said if rest is None else rest)
            if text:
                return text
        return ""

    @property
    def _tags(self) -> tuple[str, str]:
        if self.tags == "none":
            return "", ""
        if self.tags == "generic":
            return "Article:", "Summary:"
        return f"{self.language.name} article:", f"{self.language.name} summary:"


def _row(tag: str, text: str) -> str:
    return f"{tag} {text}" if tag else text
