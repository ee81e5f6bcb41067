"""What every way to summarise offers: it prepares itself for a language, then takes articles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from xgen_core import InputError
from xgen_core.lm.asker import Asker
from xgen_data.language import build_profile
from xgen_ldp.checking import Checker
from xgen_ldp.exemplars import Bank, open_bank
from xgen_ldp.languages import ENGLISH, Language
from xgen_ldp.line import Direction, Line
from xgen_ldp.methods import Material, Tested
from xgen_ldp.prompts import Tags
from xgen_ldp.summarization.article import Article
from xgen_ldp.summarization.checking import SummaryChecker, SummaryLimits
from xgen_ldp.summarization.summary import Summary, SummaryPreparation

__all__ = ["Summarizer", "SummaryMaterial", "SummaryMethod"]

_FEWEST = 200
"""Sentences that make a profile of their language."""

_SHORTEST, _LONGEST = 20, 300
"""Characters of a sentence in an exemplar: headings and by-lines below, lists above."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryMaterial:
    """All that a method may use for one language.

    Attributes:
        language: of articles and summaries.
        unlabelled: articles whose summaries nobody knows, none of them tested.
        bank, tested, checker, tags, seed: as in `Material`.
        limits: of a summary's length.
    """

    language: Language
    unlabelled: tuple[Article, ...] = ()
    bank: Bank = field(default_factory=open_bank)
    tested: Tested = field(default_factory=Tested)
    checker: Checker = field(default_factory=Checker)
    limits: SummaryLimits = field(default_factory=SummaryLimits)
    tags: Tags = "name"
    seed: int = 0

    def testing(self, articles: Sequence[Article]) -> SummaryMaterial:
        """The same without what these articles forbid.

        Of the unlabelled articles, one that is tested or that holds a tested summary is left out;
        of all others the summary is. The checker learns from them what the language looks like,
        where there are enough.
        """
        summaries = {article.summary for article in articles if article.summary}
        tested = Tested(
            ids=frozenset(article.id for article in articles),
            texts=frozenset({article.text for article in articles} | summaries),
        )
        others = tuple(
            replace(article, summary=None)
            for article in self.unlabelled
            if article.id not in tested.ids
            and article.text not in tested.texts
            and not any(summary in article.text for summary in summaries)
        )
        return replace(
            self, tested=tested, unlabelled=others, checker=self._knowing(others, self.checker)
        )

    def _knowing(self, articles: Sequence[Article], checker: Checker) -> Checker:
        lines = [line.text for line in _lines(articles)]
        if len(lines) < _FEWEST or self.language.code in checker.profiles:
            return checker
        profiles = {**checker.profiles, self.language.code: build_profile(lines)}
        return replace(checker, profiles=profiles)

    @property
    def summary_checker(self) -> SummaryChecker:
        """That looks at every summary."""
        return SummaryChecker(checker=self.checker, limits=self.limits)

    def into_english(self) -> Material:
        """For a translator of articles.

        Raises:
            InputError: the language is English.
        """
        return self._material(Direction(source=self._foreign(), target=ENGLISH))

    def from_english(self) -> Material:
        """For a translator of summaries.

        Raises:
            InputError: the language is English.
        """
        return self._material(Direction(source=ENGLISH, target=self._foreign()))

    def articles(self, fewest: int) -> tuple[Article, ...]:
        """Unlabelled articles.

        Raises:
            InputError: there are fewer.
        """
        if len(self.unlabelled) < fewest:
            raise InputError(
                f"{self.language.code}: this method needs {fewest} articles whose summaries are "
                f"not tested, {len(self.unlabelled)} given: --unlabelled FILE.jsonl"
            )
        return self.unlabelled

    def _foreign(self) -> Language:
        if self.language == ENGLISH:
            raise InputError("English articles need no way through English: use --method zero-shot")
        return self.language

    def _material(self, direction: Direction) -> Material:
        return Material(
            direction=direction,
            bank=self.bank,
            unlabelled={self.language.code: tuple(_lines(self.unlabelled))},
            tested=self.tested,
            checker=self.checker,
            tags=self.tags,
            seed=self.seed,
        )


def _lines(articles: Sequence[Article]) -> list[Line]:
    """Their sentences, of a length that makes an exemplar."""
    return [
        Line(id=f"{article.id}#{number}", text=sentence)
        for article in articles
        for number, sentence in enumerate(article.sentences, 1)
        if _SHORTEST <= len(sentence) <= _LONGEST
    ]


class Summarizer(Protocol):
    """A method that is ready for one language."""

    @property
    def preparation(self) -> SummaryPreparation:
        """What it rests on."""
        ...

    async def summarize(self, asker: Asker, article: Article) -> Summary:
        """Summarise one article; what goes wrong with an answer is a finding, not an error.

        Raises:
            ModelError: the model failed.
        """
        ...


class SummaryMethod(Protocol):
    """A way to summarise. Its fields are its settings, and part of a run's recipe."""

    @property
    def name(self) -> str:
        """Under which `load_summary_method` knows it."""
        ...

    async def prepare(self, asker: Asker, material: SummaryMaterial) -> Summarizer:
        """Choose or make exemplars.

        Raises:
            InputError: the material lacks what the method needs.
            ModelError: the model failed.
        """
        ...
