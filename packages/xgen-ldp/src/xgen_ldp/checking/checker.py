"""Looks at a model's line beside what it was made of; every reason to refuse it is named."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from xgen_core.records import Record
from xgen_ldp.exemplars.exemplar import Side
from xgen_ldp.finding import Finding, Reason
from xgen_ldp.languages import Language

__all__ = ["Checked", "Checker", "Limits"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits(Record):
    """What is still taken.

    Attributes:
        shortest, longest: characters of an output for each character of its source.
    """

    shortest: float = 0.2
    longest: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What was found.

    Attributes:
        findings: what is wrong; none: accepted.
        notes: verdicts that refuse nothing.
    """

    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Checker:
    """Checks outputs.

    Attributes:
        limits: what is still taken.
    """

    limits: Limits = field(default_factory=Limits)

    def check(
        self,
        given: Side,
        text: str,
        language: Language,
        *,
        shown: Collection[str] = (),
        truncated: bool = False,
    ) -> Checked:
        """Look at one output.

        Args:
            given: the line that it was made of.
            text: the output, one line; may be empty.
            language: that it should be in.
            shown: outputs of the exemplars in its prompt.
            truncated: whether it was cut off at its greatest length.
        """
        reasons: list[tuple[Reason, str]] = []
        ratio = len(text) / len(given.text)
        if not text.strip():
            reasons.append(("empty", ""))
        elif text == given.text:
            reasons.append(("copy", ""))
        elif text in shown:
            reasons.append(("exemplar", ""))
        elif ratio < self.limits.shortest:
            reasons.append(("too-short", f"{ratio:.2f} characters a character"))
        elif ratio > self.limits.longest:
            reasons.append(("too-long", f"{ratio:.2f} characters a character"))
        if truncated:
            reasons.append(("truncated", ""))
        return Checked(
            findings=tuple(
                Finding(reason=reason, language=language.code, detail=detail)
                for reason, detail in reasons
            )
        )
