"""In which scripts a text is written, by the names that Unicode gives its letters.

Scripts are ISO 15924 codes; vowel signs of a script count as its letters. What belongs to no one
script (`Zyyy`, `Zinh`: modifier letters, mathematical alphabets, accents) does not count. Japanese
and Korean are written in several scripts at once, and the two Chinese standards share one: `Jpan`,
`Kore`, `Hang`, `Hans` and `Hant` say what a language is written in, while a letter is `Hira`,
`Kana`, `Hani` or `Hang`.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from functools import lru_cache

__all__ = ["dominant_script", "script_share", "script_shares"]

_COMMON = "Zyyy"
_BY_NAME = {  # first word of a letter's Unicode name
    "ADLAM": "Adlm",
    "ARABIC": "Arab",
    "ARMENIAN": "Armn",
    "BALINESE": "Bali",
    "BENGALI": "Beng",
    "BOPOMOFO": "Bopo",
    "BUGINESE": "Bugi",
    "CANADIAN": "Cans",
    "CHAKMA": "Cakm",
    "CHAM": "Cham",
    "CHEROKEE": "Cher",
    "CJK": "Hani",
    "COPTIC": "Copt",
    "CYRILLIC": "Cyrl",
    "DEVANAGARI": "Deva",
    "ETHIOPIC": "Ethi",
    "GEORGIAN": "Geor",
    "GLAGOLITIC": "Glag",
    "GOTHIC": "Goth",
    "GREEK": "Grek",
    "GUJARATI": "Gujr",
    "GURMUKHI": "Guru",
    "HANGUL": "Hang",
    "HEBREW": "Hebr",
    "HIRAGANA": "Hira",
    "JAVANESE": "Java",
    "KANNADA": "Knda",
    "KATAKANA": "Kana",
    "KHMER": "Khmr",
    "LAO": "Laoo",
    "LATIN": "Latn",
    "LEPCHA": "Lepc",
    "LIMBU": "Limb",
    "LISU": "Lisu",
    "MALAYALAM": "Mlym",
    "MEETEI": "Mtei",
    "MONGOLIAN": "Mong",
    "MYANMAR": "Mymr",
    "NKO": "Nkoo",
    "OL": "Olck",
    "ORIYA": "Orya",
    "OSMANYA": "Osma",
    "RUNIC": "Runr",
    "SAMARITAN": "Samr",
    "SINHALA": "Sinh",
    "SUNDANESE": "Sund",
    "SYRIAC": "Syrc",
    "TAGALOG": "Tglg",
    "TAI": "Tale",
    "TAMIL": "Taml",
    "TELUGU": "Telu",
    "THAANA": "Thaa",
    "THAI": "Thai",
    "TIBETAN": "Tibt",
    "TIFINAGH": "Tfng",
    "VAI": "Vaii",
    "YI": "Yiii",
}
_WIDTHS = ("FULLWIDTH ", "HALFWIDTH ")
_WRITTEN_IN = {
    "Jpan": frozenset({"Hira", "Kana", "Hani"}),
    "Kore": frozenset({"Hang", "Hani"}),
    "Hang": frozenset({"Hang", "Hani"}),
    "Hans": frozenset({"Hani", "Bopo"}),
    "Hant": frozenset({"Hani", "Bopo"}),
}
"""What other scripts a language's script stands for (ISO 15924's own groupings)."""


@lru_cache(maxsize=1 << 16)
def _script(letter: str) -> str:
    """The script of one character; `Zyyy` for one that is no letter of a script."""
    if unicodedata.category(letter)[0] not in "LM":
        return _COMMON
    name = unicodedata.name(letter, "")
    for width in _WIDTHS:
        name = name.removeprefix(width)
    return _BY_NAME.get(name.split(" ", 1)[0], _COMMON)


def script_shares(text: str) -> dict[str, float]:
    """Share of the letters in each script, most first, those of equal share by code.

    Empty for a text without letters.
    """
    counts = Counter[str]()
    for letter, count in Counter(text).items():
        counts[_script(letter)] += count
    counts.pop(_COMMON, None)
    total = counts.total()
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return {script: count / total for script, count in ordered}


def dominant_script(text: str) -> str | None:
    """The script of most letters; None for a text without letters."""
    return next(iter(script_shares(text)), None)


def script_share(text: str, script: str) -> float | None:
    """Share of the letters that a language written in `script` has.

    Args:
        text: any.
        script: ISO 15924, of a language: `Jpan` takes kana and Han characters. `Hans` and `Hant`
            both take all Han characters: no letter says which standard it is from.

    Returns:
        None for a text without letters.
    """
    shares = script_shares(text)
    if not shares:
        return None
    within = _WRITTEN_IN.get(script, frozenset({script}))
    return sum(share for found, share in shares.items() if found in within)
