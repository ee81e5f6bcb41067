"""Whether a line is in the language that it should be in, or nobody can tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

from xgen_core import MissingExtraError
from xgen_data.language import (
    UNKNOWN,
    Profile,
    close_languages,
    identify,
    recognised,
    standard_code,
    without_names,
)
from xgen_ldp.checking.lengths import density
from xgen_ldp.languages import Language, find_language

__all__ = ["LanguageOpinion", "language_opinion"]

_FEWEST_LETTERS = 20
"""Outside names, of English; a line with fewer is never refused."""
_SURE = 0.9
"""How sure a verdict must be that a line in a language which no model knows is another's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageOpinion:
    """What is thought of one line.

    Attributes:
        verdict: `right`, `wrong`, or `unknown`, which is never a reason to refuse.
        detail: why, in words; empty where it is right.
        found: standard code of the language that it was taken for; empty where it was not.
    """

    verdict: Literal["right", "wrong", "unknown"]
    detail: str = ""
    found: str = ""


def language_opinion(
    text: str, language: Language, profiles: Mapping[str, Profile]
) -> LanguageOpinion:
    """Ask the identifier where it knows the language, and the profile where it does not.

    The identifier is two models' votes. It takes some languages for their neighbours (Zulu and
    Xhosa, Rundi and Rwanda): between those a profile decides, and without one the line is let pass.
    In a language that no model knows, a line may still surely be another's, English above all.

    Args:
        text: one line with a letter in it; with few, it may be right but not wrong.
        language: that it should be in.
        profiles: of the user's own texts, by language code.
    """
    opinion = _opinion(text, language, profiles)
    if opinion.verdict == "right":
        return opinion
    letters = sum(map(str.isalpha, without_names(text)))
    if letters < _FEWEST_LETTERS * density(language):
        return LanguageOpinion(verdict="unknown", detail="too few words to tell its language")
    return opinion


def _opinion(text: str, language: Language, profiles: Mapping[str, Profile]) -> LanguageOpinion:
    try:
        [(found, probability)] = identify([text], backend="votes")
    except MissingExtraError as error:
        return _by_profile(text, language, profiles, str(error))
    expected, family = _near(language)
    if found in expected:
        return LanguageOpinion(verdict="right")
    if found in family:
        why = f"taken for {_name(found)}, which is hard to tell from {language.name}"
        return _by_profile(text, language, profiles, why)
    if found == UNKNOWN:
        return _by_profile(text, language, profiles, "nobody recognises its language")
    if _is_known(language) or (probability >= _SURE and found == _ENGLISH):
        return LanguageOpinion(verdict="wrong", detail=f"taken for {_name(found)}", found=found)
    return _by_profile(text, language, profiles, f"no identifier knows {language.name}")


_ENGLISH = standard_code("en")


def _by_profile(
    text: str, language: Language, profiles: Mapping[str, Profile], why: str
) -> LanguageOpinion:
    profile = profiles.get(language.code)
    if profile is None:
        return LanguageOpinion(verdict="unknown", detail=why)
    rivals = [profiles[code] for code in profiles if _is_neighbour(code, language)]
    like = profile.is_like(text, rivals)
    if like is None:
        return LanguageOpinion(verdict="unknown", detail=why)
    if like:
        return LanguageOpinion(verdict="right")
    return LanguageOpinion(verdict="wrong", detail=f"{why}; not like the text given")


@cache
def _near(language: Language) -> tuple[frozenset[str], frozenset[str]]:
    """Standard codes of a language; and these with those of languages that it is taken for."""
    codes = frozenset(map(standard_code, language.codes))
    return codes, codes.union(*map(close_languages, codes))


@cache
def _is_neighbour(code: str, language: Language) -> bool:
    return code != language.code and bool(_near(language)[1] & _near(find_language(code))[0])


@cache
def _is_known(language: Language) -> bool:
    return bool(_near(language)[0] & recognised("votes"))


@cache
def _name(code: str) -> str:
    found = find_language(code)
    return found.name if found.known else code
