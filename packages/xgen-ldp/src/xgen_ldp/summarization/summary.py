"""What came of one article."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from xgen_core.lm.asker import Call
from xgen_core.records import Record
from xgen_ldp.finding import Finding
from xgen_ldp.methods import Preparation
from xgen_ldp.summarization.prompt import SummaryPair

__all__ = ["Summary", "SummaryPreparation"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary(Record):
    """An article's outcome.

    Attributes:
        id: the article's.
        text: the summary, which may have been rejected; empty where there is none.
        english_article: the article in English, for methods that go through it.
        english: the summary in English, likewise.
        findings: what is wrong with the summary or with what it was made of; none: accepted.
        notes: verdicts that refuse nothing, and what was left out.
        calls: all requests, in order.
    """

    id: str
    text: str
    english_article: str = ""
    english: str = ""
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    calls: tuple[Call, ...] = ()

    @property
    def accepted(self) -> bool:
        """Whether nothing is wrong with it."""
        return not self.findings


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryPreparation(Record):
    """What a method did before the first article.

    Attributes:
        pairs: exemplars of every prompt, in its order.
        candidates: synthetic summaries that were considered for them.
        steps: translators that it rests on, by direction: `"npi_Deva-eng_Latn"`.
        calls: all requests, in order.
    """

    pairs: tuple[SummaryPair, ...] = ()
    candidates: tuple[Summary, ...] = ()
    steps: Mapping[str, Preparation] = field(default_factory=dict[str, Preparation])
    calls: tuple[Call, ...] = ()
