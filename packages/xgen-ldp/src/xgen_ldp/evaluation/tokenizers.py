"""Which tokenizer BLEU has for a language: fixed by the language, never by what is installed."""

from __future__ import annotations

from typing import NamedTuple

from sacrebleu.metrics.bleu import BLEU

from xgen_core import InputError, MissingExtraError
from xgen_core.codec import unknown_name
from xgen_ldp.languages import Language

__all__ = ["Tokenizer", "bleu_tokenizer", "check_tokenizer"]

_USUAL = "13a"
_CHINESE = {"zho", "zh", "yue", "cmn"}
_NO_SPACES = {"jpn", "ja", "tha", "th", "khm", "km", "lao", "lo", "mya", "my", "bod", "bo"}
_NO_SPACES |= {"dzo", "dz", "shn"}
_MECAB = {"jpn": "ja-mecab", "ja": "ja-mecab", "kor": "ko-mecab", "ko": "ko-mecab"}
_EXTRAS = {"ja-mecab": "ja", "ko-mecab": "ko"}
_PIECES = ("spm", "flores101", "flores200", "spBLEU-1K")


class Tokenizer(NamedTuple):
    """A choice.

    Attributes:
        name: sacrebleu's.
        note: why it is not the usual one; empty where it is.
    """

    name: str
    note: str = ""


def bleu_tokenizer(language: Language) -> Tokenizer:
    """The tokenizer for a target language, by sacrebleu's name.

    `13a`, as for most published scores; `zh` for Chinese; `char` for languages that are written
    without spaces, of which `13a` would make one word a sentence. Japanese and Korean have
    tokenizers of their own that need a dictionary: those are used only when asked for, so that a
    score does not depend on what happens to be installed.
    """
    codes = {language.code.partition("_")[0], *language.codes}
    if codes & _CHINESE:
        return Tokenizer("zh", f"BLEU of {language.name} by sacrebleu's zh: each character a word")
    advice = next((f", its own tokenizer is {_MECAB[c]}" for c in _MECAB if c in codes), "")
    if codes & _NO_SPACES:
        note = f"BLEU of {language.name}, written without spaces, counts characters{advice}"
        return Tokenizer("char", note)
    if advice:
        return Tokenizer(_USUAL, f"BLEU of {language.name} by {_USUAL}{advice}")
    return Tokenizer(_USUAL)


def check_tokenizer(name: str) -> str:
    """The name, if BLEU can tokenize so.

    Raises:
        InputError: sacrebleu has no such tokenizer, or it is spBLEU's.
        MissingExtraError: its dictionary is not installed.
    """
    if name in _PIECES:
        raise InputError(f"{name!r} is spBLEU's: give its file, --spm-file PATH --spm-name {name}")
    names = [known for known in BLEU.TOKENIZERS if known not in _PIECES]
    if name not in names:
        raise InputError(unknown_name(name, names, "tokenizer"))
    try:
        BLEU(tokenize=name)
    except RuntimeError as error:  # sacrebleu's word for a dictionary that is not there
        raise MissingExtraError(f"{name} tokenization", f"sacrebleu[{_EXTRAS[name]}]") from error
    return name
