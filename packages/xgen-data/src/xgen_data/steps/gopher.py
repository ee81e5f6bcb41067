"""The MassiveText rules: is this prose, and does it repeat itself?

Rae et al. 2021, *Scaling Language Models* (Gopher), appendix A.1.1 and table A1. Where the paper
leaves something open, what datatrove does is followed, as FineWeb was made so: words that are only
punctuation do not count as words for length, repeated characters are taken as a share of the whole
text (white space included), and repeated n-grams are counted without overlap, first ones free.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from xgen_core import Document
from xgen_data.steps.step import DocumentStep, Drop
from xgen_data.steps.words import Words, paragraphs, words_of

__all__ = ["GopherQuality", "GopherRepetition"]

_LINES = re.compile("\n+")


@dataclass(frozen=True, kw_only=True)
class GopherQuality(DocumentStep):
    """Drop what is not prose, by counts of words, symbols and lines.

    Attributes:
        min_words, max_words: of words that are more than punctuation.
        min_mean_length, max_mean_length: characters of these words.
        max_symbols: share of `#`, and of ellipses, to words.
        max_bullets: share of lines that begin with a bullet or a hyphen.
        max_ellipses: share of lines that end with an ellipsis.
        min_alphabetic: share of words that have a letter.
        count_symbols: whether a punctuation mark is one of these words, as datatrove and so FineWeb
            have it. With it, prose full of code, links or brackets fails at 0.8; off, the rule is
            about words between spaces, as one reads it in the paper.
        min_stop_words: how many different words of `stop_words` there must be.
        stop_words: in this case of letters, as datatrove has it ("The" is not "the").
    """

    kind: Literal["gopher_quality"] = "gopher_quality"
    min_words: int = 50
    max_words: int = 100_000
    min_mean_length: float = 3.0
    max_mean_length: float = 10.0
    max_symbols: float = 0.1
    max_bullets: float = 0.9
    max_ellipses: float = 0.3
    min_alphabetic: float = 0.8
    count_symbols: bool = True
    min_stop_words: int = 2
    stop_words: tuple[str, ...] = ("the", "be", "to", "of", "and", "that", "have", "with")

    def one(self, document: Document) -> Document | Drop:
        """The document, or the first rule that it breaks."""
        words = words_of(document.text)
        reason = self._length(words) or self._symbols(words) or self._language(words)
        return Drop(reason=reason) if reason else document

    def _length(self, words: Words) -> str | None:
        proper = ~words.symbols
        count = int(np.count_nonzero(proper))
        if count == 0 or count < self.min_words:
            return "too few words"
        if count > self.max_words:
            return "too many words"
        mean = int(words.lengths[proper].sum()) / count
        if mean < self.min_mean_length:
            return "words too short"
        return "words too long" if mean > self.max_mean_length else None

    def _symbols(self, words: Words) -> str | None:
        text, total = words.text, len(words)
        if text.count("#") / total > self.max_symbols:
            return "too many #"
        dots = text.count("...") + text.count("…")
        if dots / total > self.max_symbols:
            return "too many ellipses"
        lines = words.lines
        bullets = self.max_bullets * len(lines)
        if text.count("-") + text.count("•") > bullets:  # else no need to look at any line
            found = sum(line.lstrip().startswith(("•", "-")) for line in lines)
            if found > bullets:
                return "too many bullet lines"
        ellipses = self.max_ellipses * len(lines)
        if dots > ellipses:
            found = sum(line.rstrip().endswith(("...", "…")) for line in lines)
            if found > ellipses:
                return "too many lines end in an ellipsis"
        return None

    def _language(self, words: Words) -> str | None:
        total = len(words)
        if not self.count_symbols:
            total -= int(np.count_nonzero(words.symbols))
        if words.alphabetic < self.min_alphabetic * total:
            return "too few alphabetic words"
        found = 0
        for word in self.stop_words:
            if found >= self.min_stop_words:
                return None
            found += words.has(word)
        return None if found >= self.min_stop_words else "too few stop words"


@dataclass(frozen=True, kw_only=True)
class GopherRepetition(DocumentStep):
    """Drop what repeats itself; every limit is a share (table A1 of the paper).

    Attributes:
        lines, paragraphs: of lines and paragraphs that occurred before, among all.
        line_characters, paragraph_characters: of their characters in the text's.
        top: per n: of characters in the most frequent n-gram, all its occurrences.
        repeated: per n: of characters in n-grams that occurred before.
    """

    kind: Literal["gopher_repetition"] = "gopher_repetition"
    lines: float = 0.30
    line_characters: float = 0.20
    paragraphs: float = 0.30
    paragraph_characters: float = 0.20
    top: tuple[tuple[int, float], ...] = ((2, 0.20), (3, 0.18), (4, 0.16))
    repeated: tuple[tuple[int, float], ...] = (
        (5, 0.15), (6, 0.14), (7, 0.13), (8, 0.12), (9, 0.11), (10, 0.10),
    )  # fmt: skip

    def one(self, document: Document) -> Document | Drop:
        """The document, or the first rule that it breaks."""
        text = document.text
        if not text.strip():
            return Drop(reason="no text")
        reason = self._lines(text) or self._words(words_of(text))
        return Drop(reason=reason) if reason else document

    def _lines(self, text: str) -> str | None:
        parts = paragraphs(text)
        count, characters = repeated_parts(parts)
        if count > self.paragraphs * len(parts):
            return "repeated paragraphs"
        if characters > self.paragraph_characters * len(text):
            return "characters in repeated paragraphs"
        parts = _LINES.split(text)
        count, characters = repeated_parts(parts)
        if count > self.lines * len(parts):
            return "repeated lines"
        if characters > self.line_characters * len(text):
            return "characters in repeated lines"
        return None

    def _words(self, words: Words) -> str | None:
        size = len(words.text)
        for n, limit in self.top:
            if len(words) >= n and _top_characters(words, n) > limit * size:
                return f"most frequent {n}-gram"
        if not self.repeated:
            return None
        lowest = min(limit for _, limit in self.repeated)
        for i, (n, limit) in enumerate(sorted(self.repeated)):
            repeats = _Repeats.of(words, n)
            if repeats is None:  # then no longer n-gram repeats either
                return None
            most = repeats.covered()
            if most > limit * size and repeats.characters() > limit * size:
                return f"repeated {n}-grams"
            if i == 0 and most <= lowest * size:
                return None  # what longer n-grams repeat, these do too
        return None


def repeated_parts(parts: Sequence[str]) -> tuple[int, int]:
    """How many strings occurred before in the sequence, and how many characters they have."""
    seen = set(parts)
    if len(seen) == len(parts):
        return 0, 0
    return len(parts) - len(seen), sum(map(len, parts)) - sum(map(len, seen))


def _top_characters(words: Words, n: int) -> int:
    """Characters, spaces between words included, of all occurrences of the commonest n-gram."""
    hashes = words.ngrams(n)
    ordered = np.sort(hashes)
    edges = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1], [True]]))
    counts = np.diff(edges)
    most = int(counts.max())
    if most == 1:
        first = 0
    else:
        tops = ordered[edges[:-1][counts == most]]
        first = min(int((hashes == top).argmax()) for top in tops[:64])
    return most * (int(words.lengths[first : first + n].sum()) + n - 1)


@dataclass(frozen=True)
class _Repeats:
    """The n-grams of a text that occur more than once.

    Attributes:
        where: their positions, ascending.
        hashes: of each.
        later: `[w - n + 1]`: whether the n-gram there occurred before.
    """

    words: Words
    n: int
    where: npt.NDArray[np.intp]
    hashes: npt.NDArray[np.uint64]
    later: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, words: Words, n: int) -> _Repeats | None:
        """None where every n-gram is there once."""
        hashes = words.ngrams(n)
        ordered = np.sort(hashes)
        if not (ordered[1:] == ordered[:-1]).any():
            return None
        order = np.argsort(hashes, kind="stable")
        ordered = hashes[order]
        equal = ordered[1:] == ordered[:-1]
        later = np.zeros(len(hashes), np.bool_)
        later[order[1:]] = equal
        member = later.copy()
        member[order[:-1]] |= equal
        where = np.flatnonzero(member)
        return cls(words, n, where, hashes[where], later)

    def covered(self) -> int:
        """Characters of all words in some n-gram that occurred before: no count is above it."""
        covered = np.zeros(len(self.words), np.bool_)
        for i in range(self.n):
            covered[i : i + len(self.later)] |= self.later
        return int(self.words.lengths[covered].sum())

    def characters(self) -> int:
        """Characters of n-grams that occurred before, going on behind each one that is found."""
        ends = np.concatenate([[0], np.cumsum(self.words.lengths)])
        sizes = (ends[self.where + self.n] - ends[self.where]).tolist()
        seen: set[int] = set()
        total = free = 0
        for position, value, size in zip(
            self.where.tolist(), self.hashes.tolist(), sizes, strict=True
        ):
            if position < free:
                continue
            if value in seen:
                total += size
                free = position + self.n
            else:
                seen.add(value)
        return total
