"""Compact Language Detector 2 (Sites 2013): quadgrams of letters, 165 languages, in C++.

It answers a text alone. Its hints (a top-level domain, a language) are not used: they move the
verdict towards what was expected, and it is asked whether that is so.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from xgen_data.language.codes import standard_code
from xgen_data.language.verdict import UNKNOWN, Verdict

__all__ = ["cld2_codes", "cld2_guess", "cld2_verdict"]

_REFUSED = {"Cc", "Cs", "Cn", "Co"}
"""Categories of code points that cld2 takes for damage and raises at."""
_NOBODY = "un"
_A_SCRIPT = "xx"
"""Begins codes that name only a script, for one that it has no language of."""


def cld2_verdict(text: str) -> Verdict:
    """What it says of one line, `UNKNOWN` where it calls its own answer unreliable."""
    verdict, reliable = cld2_guess(text)
    return verdict if reliable else Verdict(UNKNOWN, 0.0)


def cld2_guess(text: str) -> tuple[Verdict, bool]:
    """Its first guess, and whether it calls that reliable.

    Args:
        text: one line in Unicode NFC; code points that stand for nothing are passed over.
    """
    import pycld2

    reliable, _, details = pycld2.detect(_clean(text), isPlainText=True)
    _, code, percent, _ = details[0]
    if code == _NOBODY or code.startswith(_A_SCRIPT):
        return Verdict(UNKNOWN, 0.0), False
    return Verdict(standard_code(code), percent / 100), bool(reliable)


def _clean(text: str) -> str:
    if text.isprintable():  # nearly every line
        return text
    return "".join(" " if unicodedata.category(c) in _REFUSED else c for c in text)


@lru_cache(maxsize=1)
def cld2_codes() -> frozenset[str]:
    """Standard codes of the languages that its tables can say."""
    import pycld2

    detected = frozenset(pycld2.DETECTED_LANGUAGES)
    return frozenset(
        standard_code(code)
        for name, code in pycld2.LANGUAGES
        if name in detected and not code.startswith(_A_SCRIPT)
    )
