"""LDP: exemplars in the language itself, whose summaries came through English.

The exemplars are articles that nobody summarised, each with the summary that English-pivot makes of
it, both translators being LDP's. With them before it, an article is summarised without leaving its
language.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

from xgen_core import InputError
from xgen_core.concurrency import Failure, gather
from xgen_core.lm.asker import Asker
from xgen_ldp.finding import Finding
from xgen_ldp.languages import Language
from xgen_ldp.order import shuffled
from xgen_ldp.summarization.article import Article
from xgen_ldp.summarization.pivot import PivotSummaries
from xgen_ldp.summarization.prompt import SummaryPair, SummaryPrompt
from xgen_ldp.summarization.prompted import PromptedSummarizer
from xgen_ldp.summarization.summarizer import SummaryMaterial
from xgen_ldp.summarization.summary import Summary, SummaryPreparation

__all__ = ["LdpSummaries"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LdpSummaries:
    """Synthetic pairs of article and summary, the same before every article.

    The papers do not say how many pairs there are or how long: these defaults are ours.

    Attributes:
        shots: pairs in a prompt; fewer where fewer are accepted.
        considered: articles that are summarised for them.
        pivot: how.
        longest: characters of an article in a prompt: its first sentences.
        max_tokens: of a summary.
    """

    name: ClassVar[str] = "ldp"

    shots: int = 2
    considered: int = 6
    pivot: PivotSummaries = field(default_factory=lambda: PivotSummaries(first="ldp", second="ldp"))
    longest: int = 1200
    max_tokens: int = 512

    def __post_init__(self) -> None:
        if not 1 <= self.shots <= self.considered:
            raise ValueError(
                f"expected 1 ≤ shots ≤ considered, got {self.shots} and {self.considered}"
            )

    async def prepare(self, asker: Asker, material: SummaryMaterial) -> PromptedSummarizer:
        """Make the exemplars, and take the first that are accepted, in a seeded order.

        Raises:
            InputError: no unlabelled articles, none of their summaries is accepted, or the
                translators lack something.
            ModelError: the model failed before the first article; on an article, it refuses that.
        """
        given = shuffled(material.articles(1), material.seed, lambda one: one.id)
        articles = given[: self.considered]
        pivot = await self.pivot.prepare(asker.branch(), material)
        branches = [(asker.branch(), article) for article in articles]
        made = await gather(branches, lambda branch: pivot.summarize(*branch))
        candidates = _different(
            [
                _failed(article, one, material.language) if isinstance(one, Failure) else one
                for article, one in zip(articles, made, strict=True)
            ],
            material.language,
        )
        pairs = [
            SummaryPair(id=article.id, article=article.lead(self.longest), summary=made.text)
            for article, made in zip(articles, candidates, strict=True)
            if made.accepted
        ]
        if not pairs:
            raise InputError(_refused(material.language.code, candidates))
        return PromptedSummarizer(
            stage=self.name,
            prompt=SummaryPrompt(language=material.language, tags=material.tags),
            checker=material.summary_checker,
            longest=self.longest,
            max_tokens=self.max_tokens,
            preparation=SummaryPreparation(
                pairs=tuple(pairs[: self.shots]),
                candidates=tuple(replace(made, calls=()) for made in candidates),
                steps=pivot.preparation.steps,
                calls=asker.calls,
            ),
        )


def _failed(article: Article, failure: Failure, language: Language) -> Summary:
    finding = Finding(reason="failed", language=language.code, detail=failure.reason)
    return Summary(id=article.id, text="", findings=(finding,))


def _different(candidates: Sequence[Summary], language: Language) -> list[Summary]:
    """A model that always says the same teaches nothing: of equal summaries the first stays."""
    first: dict[str, str] = {}
    for made in candidates:
        if made.accepted:
            first.setdefault(made.text, made.id)

    def looked_at(made: Summary) -> Summary:
        if not made.accepted or first[made.text] == made.id:
            return made
        detail = f"of {first[made.text]}"
        finding = Finding(reason="duplicate", language=language.code, detail=detail)
        return replace(made, findings=(finding,))

    return [looked_at(made) for made in candidates]


def _refused(code: str, candidates: Sequence[Summary]) -> str:
    reasons = Counter(made.findings[0].reason for made in candidates)
    why = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
    return (
        f"{code}: none of {len(candidates)} synthetic summaries is accepted ({why}): "
        "give more articles with --unlabelled, --set considered=N, or another model"
    )
