"""Two models that fail in different places, asked together: for lines in little-known languages.

cld2 knows most languages and gives up often; py3langid knows fewer and never does. Both see the
line in Unicode NFC, without which Yoruba is in no language. cld2 sees it without names and figures,
which it takes for English. Then

- the same answer from both is the verdict, whether cld2 calls its own reliable or not;
- of a language that py3langid has not learnt, its answer means nothing: cld2's is the verdict if
  reliable, else nobody knows;
- else py3langid's is the verdict where it is sure, more so where cld2 has no reliable answer; then
  cld2's if reliable; else nobody knows.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from xgen_data.language.cld2 import cld2_guess
from xgen_data.language.codes import standard_code
from xgen_data.language.langid import langid_codes, langid_verdict
from xgen_data.language.names import without_names
from xgen_data.language.verdict import UNKNOWN, Verdict

__all__ = ["votes_verdict"]

_AGAINST = 0.6
"""How sure py3langid must be to win against a reliable answer of cld2."""
_ALONE = 0.8
"""And to be believed where cld2 has none. In a language that neither knows (Bambara, Fon) cld2
mostly has none, and py3langid mostly says something that it is less sure of."""
_LETTERS = 15
"""A line with fewer letters outside its names is looked at whole."""


def votes_verdict(text: str) -> Verdict:
    """What both say of one line; codes are standard ones."""
    line = unicodedata.normalize("NFC", text)
    if line.isupper():  # else all of it would be names
        line = line.lower()
    first, reliable = cld2_guess(_telling(line))
    code, probability = langid_verdict(line)
    second = Verdict(standard_code(code), probability)
    if first.code == second.code:
        doubt = (1 - first.probability) if reliable else 0.5
        return Verdict(first.code, 1 - doubt * (1 - second.probability))
    if first.code != UNKNOWN and first.code not in _learnt():
        return first if reliable else Verdict(UNKNOWN, 0.0)
    if second.probability >= (_AGAINST if reliable else _ALONE):
        return second
    return first if reliable else Verdict(UNKNOWN, 0.0)


def _telling(line: str) -> str:
    """The line without its names, if something is left."""
    rest = without_names(line)
    return rest if sum(map(str.isalpha, rest)) >= _LETTERS else line


@lru_cache(maxsize=1)
def _learnt() -> frozenset[str]:
    return frozenset(map(standard_code, langid_codes()))
