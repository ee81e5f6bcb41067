"""Looks at a model's line beside what it was made of; every reason to refuse it is named."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from xgen_core.records import Record
from xgen_data.language import Profile, dominant_script, script_share, without_names
from xgen_ldp.checking.copies import is_mostly_copied, is_names, is_same, plain
from xgen_ldp.checking.language import language_opinion
from xgen_ldp.checking.lengths import density, length_ratio
from xgen_ldp.checking.loops import find_loop
from xgen_ldp.exemplars.exemplar import Side
from xgen_ldp.finding import Finding, Reason
from xgen_ldp.languages import Language

__all__ = ["Checked", "Checker", "Limits"]

_NAMES_LETTERS = 10
"""Letters outside names, of English, that make a line more than its names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits(Record):
    """What is still taken.

    Attributes:
        shortest, longest: length of an output over that of its source, both as characters of
            English (Chinese has 0.36 for one), ten added to both.
        script: least share of the letters that are of the language's script.
    """

    shortest: float = 0.33
    longest: float = 3.0
    script: float = 0.5


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
        profiles: of the user's own texts, by language code: a second opinion on the language.
    """

    limits: Limits = field(default_factory=Limits)
    profiles: Mapping[str, Profile] = field(default_factory=dict[str, Profile])

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

        The findings stand in the order of what they explain: a copy is also in the wrong language,
        a loop also too long; the first is the one that is counted.

        Args:
            given: the line that it was made of.
            text: the output, one line; may be empty.
            language: that it should be in.
            shown: outputs of the exemplars in its prompt.
            truncated: whether it was cut off at its greatest length.
        """
        notes: list[str] = []
        reasons: list[tuple[Reason, str]] = []
        if not text.strip():
            reasons.append(("empty", ""))
        else:
            reasons += _copied(given, text, language, notes)
            if not reasons and _is_shown(text, shown):
                reasons.append(("exemplar", ""))
            if (loop := find_loop(text)) is not None and find_loop(given.text) is None:
                reasons.append(("loop", loop))
            reasons += self._in_language(text, language, notes)
            reasons += self._length(given, text, language)
        if truncated:
            reasons.append(("truncated", ""))
        findings = (
            Finding(reason=reason, language=language.code, detail=detail)
            for reason, detail in reasons
        )
        return Checked(findings=tuple(findings), notes=tuple(notes))

    def _in_language(
        self, text: str, language: Language, notes: list[str]
    ) -> list[tuple[Reason, str]]:
        rest = without_names(text, keep_first=False)
        enough = sum(map(str.isalpha, rest)) >= _NAMES_LETTERS * density(language)
        telling = rest if enough else text
        share = script_share(telling, language.script) if language.script else None
        if share is not None and share < self.limits.script:
            if not enough and is_names(text):
                notes.append(f"nothing but names and figures, not in {language.script}")
                return []
            return [("wrong-script", f"{1 - share:.0%} of its letters, most {_most(telling)}")]
        if dominant_script(text) is None:
            notes.append("no letter in it")
            return []
        opinion = language_opinion(text, language, self.profiles)
        if opinion.verdict == "wrong":
            return [("wrong-language", opinion.detail)]
        if opinion.verdict == "unknown":
            notes.append(f"language: {opinion.detail}")
        return []

    def _length(self, given: Side, text: str, language: Language) -> list[tuple[Reason, str]]:
        ratio = length_ratio(given.text, given.language, text, language)
        detail = f"{ratio:.2f} of the length that is usual"
        if ratio < self.limits.shortest:
            return [("too-short", detail)]
        return [("too-long", detail)] if ratio > self.limits.longest else []


def _copied(
    given: Side, text: str, language: Language, notes: list[str]
) -> list[tuple[Reason, str]]:
    if is_same(given.text, text):
        if not is_names(given.text):
            return [("copy", "")]
        notes.append("the source again, which is names and figures")
    elif given.language != language and is_mostly_copied(given.text, text):
        return [("copy", "nearly all of it is out of the source")]
    return []


def _is_shown(text: str, shown: Collection[str]) -> bool:
    key = plain(text)
    return bool(key) and any(plain(other) == key for other in shown)


def _most(text: str) -> str:
    return f"in {dominant_script(text)}"
