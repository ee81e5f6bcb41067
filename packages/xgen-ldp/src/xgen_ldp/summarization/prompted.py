"""The plainest summarizer: always the same prompt before the article; one request an article."""

from __future__ import annotations

from dataclasses import dataclass

from xgen_core.lm.asker import Asker
from xgen_ldp.languages import Language
from xgen_ldp.summarization.article import Article
from xgen_ldp.summarization.checking import SummaryChecker
from xgen_ldp.summarization.prompt import SummaryPrompt
from xgen_ldp.summarization.summary import Summary, SummaryPreparation

__all__ = ["PromptedSummarizer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptedSummarizer:
    """A summarizer for one language.

    Attributes:
        stage: what its requests are called in the trace.
        prompt: with the language.
        checker: that looks at every summary.
        longest: characters of an article in a prompt.
        max_tokens: of a summary.
        preparation: with the exemplars of every prompt.
    """

    stage: str
    prompt: SummaryPrompt
    checker: SummaryChecker
    longest: int
    max_tokens: int
    preparation: SummaryPreparation

    @property
    def language(self) -> Language:
        """Of articles and summaries."""
        return self.prompt.language

    async def summarize(self, asker: Asker, article: Article) -> Summary:
        """Ask greedily for one line, and look at it.

        Raises:
            ModelError: the model failed.
        """
        pairs = self.preparation.pairs
        lead = article.lead(self.longest)
        whole = len(" ".join(article.sentences))
        [completion] = await asker.ask(
            self.stage, self.prompt.render(pairs, lead), max_tokens=self.max_tokens, stop=("\n",)
        )
        text = self.prompt.parse(completion.text)
        checked = self.checker.check(
            lead,
            text,
            self.language,
            shown=[pair.summary for pair in pairs],
            truncated=completion.finish_reason == "length",
        )
        cut = f"the first {len(lead):,} of {whole:,} characters were read"
        return Summary(
            id=article.id,
            text=text,
            findings=checked.findings,
            notes=checked.notes + ((cut,) if len(lead) < whole else ()),
            calls=asker.calls,
        )
