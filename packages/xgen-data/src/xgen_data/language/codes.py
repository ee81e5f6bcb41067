"""Codes of languages as models spell them, brought to one spelling; and which are hard to tell."""

from __future__ import annotations

__all__ = ["close_languages", "standard_code"]

_STANDARD = {
    # retired spellings, and ISO 639-3 where ISO 639-1 has a code
    "iw": "he",
    "jw": "jv",
    "in": "id",
    "kik": "ki",
    "gug": "gn",
    "tw": "ak",
    "twi": "ak",
    "uzs": "uz",
    "sdh": "ku",
    "hbo": "he",
    "sr-ME": "sr",
    "bh": "bho",
    # varieties that one written standard covers: a model that tells them apart is guessing
    "arz": "ar",
    "ary": "ar",
    "zh-Hant": "zh",
    "wuu": "zh",
    "yue": "zh",
    "nb": "no",
    "nn": "no",
    "nob": "no",
    "nno": "no",
    "fuv": "ff",
}
_CLOSE = (
    frozenset({"zu", "xh", "nr", "ss"}),  # Nguni
    frozenset({"st", "tn", "nso"}),  # Sotho-Tswana
    frozenset({"rn", "rw"}),
    frozenset({"hr", "bs", "sr"}),
    frozenset({"id", "ms"}),
    frozenset({"da", "no"}),
    frozenset({"cs", "sk"}),
    frozenset({"hi", "bho", "mai", "mag", "awa", "hne"}),
    frozenset({"bo", "dz"}),
    frozenset({"mfe", "crs", "ht"}),
    frozenset({"en", "sco"}),
    frozenset({"el", "grc"}),
    frozenset({"gl", "pt"}),
    frozenset({"tt", "ba"}),
)


def standard_code(code: str) -> str:
    """The spelling that verdicts of `cld2` and `votes` have: ISO 639-1 where there is one.

    Varieties whose written form is one (Egyptian and Moroccan Arabic, Wu, Cantonese, the two
    Norwegians) have the code of the whole.
    """
    return _STANDARD.get(code, code)


def close_languages(code: str) -> frozenset[str]:
    """Languages that models take for this one in a line of text, and this one with them.

    They are families in which the written languages share most of their words; Zulu and Xhosa say.
    A verdict inside one is worth little: a `Profile` of a text of your own may say more.
    """
    code = standard_code(code)
    return next((family for family in _CLOSE if code in family), frozenset({code}))
