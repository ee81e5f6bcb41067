"""Looks at a summary beside its article: script, language and loops as for a translation."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from xgen_core.records import Record
from xgen_ldp.checking import Checked, Checker
from xgen_ldp.exemplars import Side
from xgen_ldp.finding import Finding, Reason
from xgen_ldp.languages import Language

__all__ = ["SummaryChecker", "SummaryLimits"]

_OF_TRANSLATIONS: tuple[Reason, ...] = ("too-short", "too-long")
"""A summary is much shorter than its article: its limits are its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryLimits(Record):
    """What is still taken.

    Attributes:
        shortest: characters of a summary.
        longest: characters of a summary for each of its article, above `shortest`.
    """

    shortest: int = 10
    longest: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryChecker:
    """Checks summaries.

    Attributes:
        checker: of lines.
        limits: of length.
    """

    checker: Checker
    limits: SummaryLimits = field(default_factory=SummaryLimits)

    def check(
        self,
        article: str,
        summary: str,
        language: Language,
        *,
        shown: Collection[str] = (),
        truncated: bool = False,
    ) -> Checked:
        """Look at one summary.

        A sentence of the article, word for word, is a copy.

        Args:
            article: one line, in the same language.
            summary: one line; may be empty.
            language: that both should be in.
            shown: summaries in the prompt.
            truncated: whether it was cut off at its greatest length.
        """
        given = Side(language=language, text=article)
        checked = self.checker.check(given, summary, language, shown=shown, truncated=truncated)
        findings = [one for one in checked.findings if one.reason not in _OF_TRANSLATIONS]
        reasons = {one.reason for one in findings}
        if summary and "copy" not in reasons and summary in article:
            detail = "word for word in the article"
            findings.append(Finding(reason="copy", language=language.code, detail=detail))
        length = self._length(article, summary)
        if length is not None and "empty" not in reasons:
            detail = f"{len(summary)} characters for {len(article)}"
            findings.append(Finding(reason=length, language=language.code, detail=detail))
        return Checked(findings=tuple(findings), notes=checked.notes)

    def _length(self, article: str, summary: str) -> Reason | None:
        if len(summary) < self.limits.shortest:
            return "too-short"
        longest = max(self.limits.longest * len(article), 2 * self.limits.shortest)
        return "too-long" if len(summary) > longest else None
