"""Answers in the form that the question's kind asks for: a label, a letter, words."""

from __future__ import annotations

import re
from collections.abc import Mapping

from xgen_eval.metrics import normalize_answer
from xgen_eval.metrics.stemming import porter_stem
from xgen_reason.question import Question

__all__ = ["WRAPPING", "normal_form"]

WRAPPING = " \t\r\n\"'“”‘’`*_"
"""What may stand around an answer and is no part of it."""

_NEGATION = re.compile(r"\b(?:not|no|never|neither|nor|cannot)\b|n't\b", re.IGNORECASE)
_LETTER = re.compile(
    r"(?:option|choice|letter|answer)?[\s:]*[(\[]?([A-Za-z])"
    r"(?:[)\].:,;]|$|\s+(?=[(\-–:]|because\b|since\b|as\b))",
    re.IGNORECASE,
)


def normal_form(answer: str, question: Question) -> str:
    """An answer as the question's kind has it; empty where it is none of that kind.

    A label as the question writes it, whatever its case and ending (`supported` is `SUPPORTS`,
    `not enough information` is `NOT ENOUGH INFO`); the letter of an option, which may be given by
    its text; anything else without wrapping quotes and, unless it is a sentence, its full stop.
    """
    text = " ".join(answer.replace("**", "").split()).strip(WRAPPING)
    if question.kind == "sentence":
        return text
    text = text.strip(WRAPPING + ".,;:")
    if question.kind == "label":
        return _label(text, question.labels)
    if question.kind == "choice":
        return _letter(text, question.options)
    return text


def _label(text: str, labels: tuple[str, ...]) -> str:
    """The label that the text begins with; else the only one it names, if it denies nothing."""
    words = re.findall(r"[\w']+", text.lower())
    for label in sorted(labels, key=len, reverse=True):
        if _begins(words, label):
            return label
    named = [label for label in labels if any(_begins(words[i:], label) for i in range(len(words)))]
    if len(named) != 1 or (_NEGATION.search(text) and not _NEGATION.search(named[0])):
        return ""
    return named[0]


def _begins(words: list[str], label: str) -> bool:
    parts = re.findall(r"[\w']+", label.lower())
    return len(words) >= len(parts) and all(
        word == part or (len(part) > 3 and porter_stem(word).startswith(porter_stem(part)))
        for word, part in zip(words, parts, strict=False)
    )


def _letter(text: str, options: Mapping[str, str]) -> str:
    """The letter that the text begins with, or that of the option whose text it begins with."""
    letters = {letter.upper(): letter for letter in options}
    words = f"{normalize_answer(text)} "
    texts = {letter: normalize_answer(option) for letter, option in options.items()}
    same = [letter for letter, option in texts.items() if option and words == f"{option} "]
    if same:
        return same[0]
    begun = _LETTER.match(text)
    if begun and begun[1].upper() in letters:
        return letters[begun[1].upper()]
    first, _, rest = text.partition(" ")  # "B the spleen", but not "A spleen"
    if first in letters and (first != "A" or normalize_answer(rest) == texts[letters[first]]):
        return letters[first]
    begins = [
        letter for letter, option in texts.items() if option and words.startswith(f"{option} ")
    ]
    return begins[0] if len(begins) == 1 else ""
