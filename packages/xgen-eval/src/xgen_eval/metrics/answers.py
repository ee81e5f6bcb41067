"""Is a short answer right? Matching as SQuAD, HotpotQA, Lost in the Middle and RULER do it.

Every function takes the answer and its references, and gives a number from 0 to 1.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

__all__ = [
    "best_subspan_em",
    "exact_match",
    "hotpot_f1",
    "normalize_answer",
    "string_match_all",
    "string_match_part",
    "token_f1",
]

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)
_CONTROL = re.compile(r"[\x00-\x1f]")
_VERDICTS = frozenset({"yes", "no", "noanswer"})


def normalize_answer(text: str) -> str:
    """SQuAD's normal form: lower case, no ASCII punctuation, no articles, single spaces."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact_match(answer: str, references: Sequence[str]) -> float:
    """1 if the answer equals a reference in SQuAD's normal form."""
    _check(references)
    return float(normalize_answer(answer) in map(normalize_answer, references))


def token_f1(answer: str, references: Sequence[str]) -> float:
    """SQuAD 1.1's F1 over the words of the normal forms; the best over the references.

    Nothing in common is 0, also where both are empty.
    """
    _check(references)
    words = normalize_answer(answer).split()
    return max(_f1(words, normalize_answer(reference).split()) for reference in references)


def hotpot_f1(answer: str, references: Sequence[str]) -> float:
    """HotpotQA's F1: `yes`, `no` and `noanswer` are right or wrong as a whole."""
    _check(references)
    given = normalize_answer(answer)
    best = 0.0
    for reference in map(normalize_answer, references):
        if given != reference and (given in _VERDICTS or reference in _VERDICTS):
            continue
        best = max(best, _f1(given.split(), reference.split()))
    return best


def best_subspan_em(answer: str, references: Sequence[str]) -> float:
    """1 if a reference stands in the answer's first line, both in SQuAD's normal form.

    Lost in the Middle (Liu et al. 2023): the lines after the first do not count, since a model
    could else score by copying its documents.
    """
    _check(references)
    first = normalize_answer(answer.split("\n", maxsplit=1)[0])
    return float(any(normalize_answer(reference) in first for reference in references))


def string_match_all(answer: str, references: Sequence[str]) -> float:
    """The part of the references that stand in the answer, whatever their case (RULER)."""
    _check(references)
    found = _cleaned(answer)
    return sum(reference.lower() in found for reference in references) / len(references)


def string_match_part(answer: str, references: Sequence[str]) -> float:
    """1 if any reference stands in the answer, whatever its case (RULER's questions)."""
    _check(references)
    found = _cleaned(answer)
    return float(any(reference.lower() in found for reference in references))


def _f1(words: Sequence[str], reference: Sequence[str]) -> float:
    common = sum((Counter(words) & Counter(reference)).values())
    if not common:
        return 0.0
    precision, recall = common / len(words), common / len(reference)
    return 2 * precision * recall / (precision + recall)


def _cleaned(answer: str) -> str:
    """As RULER does it: control characters are line breaks."""
    return _CONTROL.sub("\n", answer.strip()).strip().lower()


def _check(references: Sequence[str]) -> None:
    if isinstance(references, str) or not references:
        raise ValueError(f"expected a list of references, got {references!r:.60}")
