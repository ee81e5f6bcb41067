"""Word counts (RULER): which words of a long list, or of a long coded text, are the most common?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from xgen_eval.inputs import Inputs
from xgen_eval.seeded.draws import integer, rank
from xgen_eval.seeded.ruler import Ruler, Sample
from xgen_eval.seeded.words import phrases

__all__ = ["RulerCwe", "RulerFwe"]

_COMMON = (
    "Below is a numbered list of words. In these words, some appear more often than others. "
    "Memorize the ones that appear most often.\n{context}\nQuestion: What are the 10 most common "
    "words in the above list? Answer: The top 10 words that appear most often in the list are:"
)
_FREQUENT = (
    "Read the following coded text and track the frequency of each coded word. Find the three "
    "most frequently appeared coded words. {context}\nQuestion: Do not provide any explanation. "
    "Please ignore the dots '....'. What are the three most frequently appeared words in the "
    "above coded text? Answer: According to the coded text above, the three most frequently "
    "appeared words are:"
)
_TOP = 10
_LONG = 4096
"""From this length on RULER repeats words more often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RulerCwe(Ruler):
    """The ten common words of a numbered list, where every other word is rare.

    As in RULER, common words come 30 times and others 3 times, 6 and 1 below 4,096 tokens; a
    solved short example stands before. Words are pairs such as `amber-lantern`.
    """

    max_tokens: int = 120

    name: ClassVar[str] = "ruler_cwe"
    procedure: ClassVar[str] = "common-words-v1"
    summary: ClassVar[str] = "the ten most common words of a long list (RULER)"
    title: ClassVar[str] = "Common words"
    caption: ClassVar[str] = "string_match_all: the part of the ten common words that was written."

    def smallest(self) -> int:
        """One rare word beside the common ones."""
        return _TOP + 1

    def sample(self, inputs: Inputs, length: int, case: int, number: int, size: int) -> Sample:
        """A list of `size` different words."""
        often, rarely = (30, 3) if length >= _LONG else (6, 1)
        shown = (40, 10, 3) if length >= _LONG else (20, 3, 1)
        example, solved = _list(inputs.seed, *shown, "example", length)
        prompt, common = _list(inputs.seed, size, often, rarely, "list", length, number)
        return Sample(prompt=f"{example} {_numbered(solved)}\n{prompt}", references=tuple(common))


@dataclass(frozen=True, slots=True, kw_only=True)
class RulerFwe(Ruler):
    """The three most frequent coded words of a text whose frequencies follow a power law.

    The word of rank k comes k^-alpha as often as the first, which is the noise `...`.

    Attributes:
        alpha: of the power law.
    """

    alpha: float = 2.0
    max_tokens: int = 50

    name: ClassVar[str] = "ruler_fwe"
    procedure: ClassVar[str] = "frequent-words-v1"
    summary: ClassVar[str] = "the three most frequent words of a coded text (RULER)"
    title: ClassVar[str] = "Frequent words"
    caption: ClassVar[str] = "string_match_all: the part of the three words that was written."

    def __post_init__(self) -> None:
        Ruler.__post_init__(self)
        if self.alpha <= 1:
            raise ValueError(f"alpha must be above 1, got {self.alpha}")

    def smallest(self) -> int:
        """Words enough to tell the third rank from the fourth."""
        size = 1
        while True:
            counts = self._counts(size, 8)
            if counts[3] < counts[2] < counts[1]:
                return size
            size += 1

    def sample(self, inputs: Inputs, length: int, case: int, number: int, size: int) -> Sample:
        """A text of about `size` words."""
        key = (inputs.seed, "coded", length, number)
        words = ["...", *_coded(max(length // 50, 8) - 1, *key)]
        counts = self._counts(size, len(words))
        text = [w for w, count in zip(words, counts, strict=True) for _ in range(count)]
        order = sorted(range(len(text)), key=lambda i: rank(*key, "place", i))
        context = " ".join(text[i] for i in order)
        return Sample(
            prompt=_FREQUENT.format(context=context),
            references=tuple(words[1:4]),
            attributes={"alpha": self.alpha},
        )

    def _counts(self, size: int, words: int) -> list[int]:
        weights = [k**-self.alpha for k in range(1, words + 1)]
        total = sum(weights)
        return [int(size * w / total) for w in weights]


def _list(seed: int, size: int, often: int, rarely: int, *key: str | int) -> tuple[str, list[str]]:
    words = phrases(size, seed, "cwe", *key)
    common = words[:_TOP]
    text = common * often + words[_TOP:] * rarely
    order = sorted(range(len(text)), key=lambda i: rank(seed, *key, "place", i))
    return _COMMON.format(context=_numbered([text[i] for i in order])), common


def _numbered(words: Sequence[str]) -> str:
    return " ".join(f"{i}. {word}" for i, word in enumerate(words, 1))


def _coded(count: int, seed: int, *key: str | int) -> list[str]:
    found: dict[str, None] = {}
    draw = 0
    while len(found) < count:
        letters = (integer(26, seed, *key, draw, i) for i in range(6))
        found.setdefault("".join(chr(97 + letter) for letter in letters))
        draw += 1
    return list(found)
