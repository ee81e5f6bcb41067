"""What a run over articles comes to, as `results.json` says it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from xgen_core.concurrency import Failure
from xgen_core.files import write_json
from xgen_core.records import Record
from xgen_eval.metrics import RougeUnit, rouge
from xgen_eval.statistics import mean_stderr
from xgen_eval.task import Metric
from xgen_ldp.languages import Language
from xgen_ldp.summarization.article import Article
from xgen_ldp.summarization.summary import Summary

__all__ = ["SummaryResults", "rouge_unit"]

_FORMAT = "xgen-ldp-summaries"
_VERSION = 1
_SHOWN = ("rougeL", "rouge1", "rouge2")

_NO_SPACES = frozenset({"Hani", "Hans", "Hant", "Jpan", "Thai", "Laoo", "Khmr", "Mymr", "Tibt"})
"""Scripts that are written without spaces between words."""


def rouge_unit(language: Language) -> RougeUnit:
    """What ROUGE counts: characters where words have no spaces between them, else words."""
    return "character" if language.script in _NO_SPACES else "word"


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryResults(Record):
    """A run in figures.

    Attributes:
        method: that summarised.
        language: code.
        articles: how many were asked for.
        accepted: of them.
        rejected: the others that have a summary, by the first reason.
        failed: those without a result, by the error.
        unit: what ROUGE counts; figures of two units cannot be compared.
        metrics: ROUGE F-measures over the articles that have a reference. A rejected summary is
            scored as it was written; one that is not there scores 0.
    """

    method: str
    language: str
    articles: int
    accepted: int
    rejected: Mapping[str, int]
    failed: Mapping[str, int]
    unit: RougeUnit
    metrics: Mapping[str, Metric]

    @classmethod
    def of(
        cls,
        method: str,
        language: Language,
        articles: Sequence[Article],
        made: Sequence[Summary | Failure],
    ) -> SummaryResults:
        """The figures of articles and what came of them, in the same order."""
        unit = rouge_unit(language)
        summaries = [one for one in made if isinstance(one, Summary)]
        failures = [one for one in made if isinstance(one, Failure)]
        scores = [
            rouge(one.text if isinstance(one, Summary) else "", article.summary, unit=unit)
            for article, one in zip(articles, made, strict=True)
            if article.summary
        ]
        return cls(
            method=method,
            language=language.code,
            articles=len(articles),
            accepted=sum(one.accepted for one in summaries),
            rejected=_counted([one.findings[0].reason for one in summaries if one.findings]),
            failed=_counted([f"{one.kind}: {one.reason}" for one in failures]),
            unit=unit,
            metrics={
                name: Metric.of(mean_stderr([score[name] for score in scores]))
                for name in _SHOWN
                if scores
            },
        )

    def write(self, path: Path) -> None:
        """Write `results.json`; equal results, equal bytes."""
        write_json(path, {"format": _FORMAT, "version": _VERSION, **self.to_json()})

    def text(self) -> str:
        """For people."""
        lines = [f"{self.method}  {self.language}  {self.articles:,} articles", ""]
        for name, metric in self.metrics.items():
            lines.append(
                f"{name}  {metric.value:.4f}  {metric.uncertainty}  n = {metric.n}, by {self.unit}"
            )
        if not self.metrics:
            lines.append("no article has a reference summary: nothing is scored")
        lines.append(f"accepted: {self.accepted:,} of {self.articles:,}")
        lines += [f"rejected: {count:,} × {reason}" for reason, count in self.rejected.items()]
        lines += [f"failed: {count:,} × {reason}" for reason, count in self.failed.items()]
        return "\n".join(lines)


def _counted(names: Sequence[str]) -> dict[str, int]:
    """The most frequent first, then by name."""
    return dict(sorted(Counter(names).items(), key=lambda pair: (-pair[1], pair[0])))
