"""A text's profile: how often it has which n-grams of letters, and whether a line is like it.

The second opinion where no model knows a language (Tumbuka, Kikuyu, Bambara, Fon), and between
languages that models take for each other: all it needs is a few hundred lines of your own. Lines
are scored by a back-off model of 4-grams (stupid back-off, Brants et al. 2007). The bound under
which a line is refused is found on the same text, each fifth scored by the other four.

It tells alphabets and syllabaries apart, of which a few hundred lines show all letters; of Chinese
characters they do not, and such a profile refuses little.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from xgen_core import InputError
from xgen_core.records import Record

__all__ = ["Profile", "build_profile"]

_ORDER = 4
_BACK_OFF = math.log(0.4)
_MOST_LINES = 5000
"""More change nothing that is seen; they are taken evenly from the whole text."""
_FEWEST_LINES = 50
_FEWEST_CHARACTERS = 12
_FOLDS = 5
_REFUSED = 0.01
"""Share of the text's own lines that may fall under the bound."""
_NO_LETTERS = re.compile(r"[\W\d_]+")


@dataclass(frozen=True, kw_only=True)
class Profile(Record):
    """N-grams of a text and the bound of what is like it.

    Attributes:
        lines: that it is made of.
        counts: of n-grams of 1 to 4 characters; words in small letters between spaces.
        mean: mean log-probability of a character, over lines that the counts have not seen.
        bound: how far under the mean a line may lie, times the root of its characters: a short
            line may lie further off.
    """

    lines: int
    counts: Mapping[str, int]
    mean: float
    bound: float

    @cached_property
    def _scores(self) -> dict[str, float]:
        return _logarithms(self.counts)

    def score(self, text: str) -> float | None:
        """Mean log-probability of a character, in nats; None for a text with hardly a letter."""
        letters = _letters(text)
        return None if len(letters) < _FEWEST_CHARACTERS else _mean(self._scores, letters)

    def is_like(self, text: str, rivals: Sequence[Profile] = ()) -> bool | None:
        """Whether a line is like the text.

        Args:
            text: one line.
            rivals: profiles of languages that it could be in as well; a line is not like this text
                where it is likelier in one of those.

        Returns:
            None for a line with hardly a letter, which is like any.
        """
        letters = _letters(text)
        if len(letters) < _FEWEST_CHARACTERS:
            return None
        own = _mean(self._scores, letters)
        if (own - self.mean) * math.sqrt(len(letters)) < self.bound:
            return False
        return all(own >= _mean(rival._scores, letters) for rival in rivals)


def build_profile(lines: Sequence[str]) -> Profile:
    """The profile of a text in one language.

    Args:
        lines: 50 or more with letters in them; of more than 5,000, every so many-th.

    Raises:
        InputError: fewer.
    """
    texts = [text for line in lines if len(text := _letters(line)) >= _FEWEST_CHARACTERS]
    if len(texts) < _FEWEST_LINES:
        raise InputError(
            f"a profile needs {_FEWEST_LINES} lines with text in them, got {len(texts)}"
        )
    if len(texts) > _MOST_LINES:
        texts = [texts[i * len(texts) // _MOST_LINES] for i in range(_MOST_LINES)]
    ends = [fold * len(texts) // _FOLDS for fold in range(_FOLDS + 1)]
    folds = [texts[begin:end] for begin, end in pairwise(ends)]  # neighbours share their subject
    parts = [_count(fold) for fold in folds]
    whole = sum(parts, Counter[str]())
    held: list[tuple[float, int]] = []
    for fold, part in zip(folds, parts, strict=True):
        scores = _logarithms(whole - part)
        held += [(_mean(scores, text), len(text)) for text in fold]
    mean = sum(score * length for score, length in held) / sum(length for _, length in held)
    distances = sorted((score - mean) * math.sqrt(length) for score, length in held)
    return Profile(
        lines=len(texts),
        counts=dict(sorted(whole.items())),
        mean=mean,
        bound=distances[int(_REFUSED * len(distances))],
    )


def _letters(text: str) -> str:
    """Words in small letters, a space before, between and after them."""
    line = unicodedata.normalize("NFC", text).casefold()
    return f" {_NO_LETTERS.sub(' ', line).strip()} "


def _count(texts: Sequence[str]) -> Counter[str]:
    counts = Counter[str]()
    for text in texts:
        for order in range(1, _ORDER + 1):
            counts.update(text[i : i + order] for i in range(len(text) - order + 1))
    return counts


def _logarithms(counts: Mapping[str, int]) -> dict[str, float]:
    """Log-probability of the last character of each n-gram after those before it."""
    total = sum(count for gram, count in counts.items() if len(gram) == 1)
    logarithms = {
        gram: math.log(count / (counts[gram[:-1]] if len(gram) > 1 else total))
        for gram, count in counts.items()
    }
    logarithms[""] = -math.log(2 * total)  # a character that the text does not have
    return logarithms


def _mean(scores: Mapping[str, float], letters: str) -> float:
    total, get = 0.0, scores.get
    for end in range(2, len(letters) + 1):
        for back, begin in enumerate(range(max(end - _ORDER, 0), end + 1)):
            score = get(letters[begin:end])
            if score is not None:
                total += score + back * _BACK_OFF
                break
    return total / (len(letters) - 1)
