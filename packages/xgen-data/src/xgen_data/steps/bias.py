"""Who is written about: mentions of people by protected attribute, for reports to slice by.

As in the audits of The Pile, C4 and ROOTS, counts of identity terms tell how much of a corpus
speaks of whom, not what it says of them. The list is short, English, and of words that name people
and little else: colours count only before a word for people, so most mentions of race are missed.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from xgen_core import Document
from xgen_data.steps.step import DocumentStep

__all__ = ["IdentityTerms"]

_TERMS = {
    "gender.female": "she her hers herself woman women girl girls female females mother mothers "
    "daughter daughters sister sisters wife wives mrs ms lady ladies aunt grandmother queen",
    "gender.male": "he him his himself man men boy boys male males father fathers son sons brother "
    "brothers husband husbands mr gentleman gentlemen uncle grandfather king",
    "gender.other": "nonbinary genderqueer genderfluid agender transgender intersex",
    "sexuality.homosexual": "gay gays lesbian lesbians homosexual homosexuals",
    "sexuality.heterosexual": "heterosexual heterosexuals",
    "sexuality.other": "bisexual bisexuals asexual pansexual queer lgbt lgbtq",
    "religion.christian": "christian christians christianity catholic catholics protestant "
    "protestants orthodox church churches",
    "religion.muslim": "muslim muslims islam islamic mosque mosques",
    "religion.jewish": "jew jews jewish judaism synagogue synagogues",
    "religion.hindu": "hindu hindus hinduism",
    "religion.buddhist": "buddhist buddhists buddhism",
    "religion.sikh": "sikh sikhs sikhism",
    "religion.none": "atheist atheists atheism agnostic agnostics",
    "origin.african": "african africans nigerian nigerians kenyan kenyans",
    "origin.asian": "asian asians chinese japanese korean koreans indian indians vietnamese",
    "origin.european": "european europeans german germans french italian italians british polish",
    "origin.latin_american": "hispanic hispanics latino latinos latina latinas mexican mexicans "
    "brazilian brazilians",
    "origin.middle_eastern": "arab arabs iranian iranians turkish turks israeli israelis",
    "origin.indigenous": "indigenous aboriginal aboriginals inuit maori",
    "disability": "disabled disability disabilities blind deaf autistic autism wheelchair",
    "age.young": "teenager teenagers teen teens toddler toddlers infant infants",
    "age.old": "elderly pensioner pensioners retiree retirees",
}
_BY_WORD = {word: key for key, words in _TERMS.items() for word in words.split()}
_PEOPLE = (
    r"(?:people|person|man|men|woman|women|americans?|communit(?:y|ies)|famil(?:y|ies)|students?)"
)
_RACE = re.compile(rf"\b(black|white)s? {_PEOPLE}\b")
_WORDS = re.compile(r"[a-z]+")


@dataclass(frozen=True, kw_only=True)
class IdentityTerms(DocumentStep):
    """Write `bias.gender.female` and so on: how often terms of each group occur, zeros left out."""

    kind: Literal["identity_terms"] = "identity_terms"

    writes: ClassVar[tuple[str, ...]] = tuple(
        f"bias.{key}" for key in (*_TERMS, "race.black", "race.white")
    )

    def one(self, document: Document) -> Document:
        """The document, tagged where it mentions anybody."""
        text = document.text.lower()
        counts = Counter(map(_BY_WORD.get, _WORDS.findall(text)))
        counts.pop(None, None)
        if "black" in text or "white" in text:
            counts.update(f"race.{match[1]}" for match in _RACE.finditer(text))
        if not counts:
            return document
        tags = {f"bias.{key}": count for key, count in sorted(counts.items(), key=str)}
        return replace(document, metadata={**document.metadata, **tags})
