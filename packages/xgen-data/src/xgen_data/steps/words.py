"""A text's words, lines and paragraphs, split once and shared by all steps that ask.

Words become integers at once: every distinct stretch between white space is looked at one single
time, and what a filter asks of a document (how many words, how long, which repeat) is then
arithmetic on one array.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from functools import cached_property, lru_cache
from itertools import chain

import numpy as np
import numpy.typing as npt

from xgen_data.steps.word_rules import split_chunk

__all__ = ["Words", "count_sentences", "paragraphs", "split_words", "words_of"]

_MAX_WORDS = 2**19
_MAX_CHARACTERS = 2**25
_SYMBOL, _ALPHABETIC = np.uint8(1), np.uint8(2)
_ENDS = frozenset(".!?…。！？؟।॥։።᙮᱾᱿")
_PARAGRAPH = re.compile(r"\n{2,}")


class _Vocabulary(dict[str, tuple[int, ...]]):
    """What every stretch between white space consists of, by the numbers of its words.

    It is bounded: `words_of` begins a new one when this is full, and documents already split keep
    the one that they were split with.
    """

    def __init__(self) -> None:
        super().__init__()
        self.numbers: dict[str, int] = {}
        self.words: list[str] = []
        self.characters = 0
        self.lengths: npt.NDArray[np.int32] = np.empty(2**14, np.int32)
        self.marks: npt.NDArray[np.uint8] = np.empty(2**14, np.uint8)
        self._lock = threading.Lock()

    def __missing__(self, chunk: str) -> tuple[int, ...]:
        with self._lock:
            found = self[chunk] = tuple(map(self._number, split_chunk(chunk)))
            self.characters += len(chunk)
        return found

    def _number(self, word: str) -> int:
        number = self.numbers.get(word)
        if number is None:
            number = len(self.words)
            if number == len(self.lengths):
                self.lengths = np.concatenate([self.lengths, np.empty_like(self.lengths)])
                self.marks = np.concatenate([self.marks, np.empty_like(self.marks)])
            self.lengths[number] = len(word)
            self.marks[number] = _marks(word)
            self.words.append(word)
            self.numbers[word] = number
        return number

    @property
    def full(self) -> bool:
        return len(self) > _MAX_WORDS or self.characters > _MAX_CHARACTERS


def _marks(word: str) -> int:
    if word.isalpha():
        return int(_ALPHABETIC)
    if any(map(str.isalpha, word)):
        return int(_ALPHABETIC)
    symbol = all(unicodedata.category(c)[0] in "PSC" for c in word)
    return int(_SYMBOL) if symbol else 0


class Words:
    """The words of one text.

    Attributes:
        text: the text.
        numbers: `[w]` int32, one number a word; equal words, equal numbers.
    """

    def __init__(self, text: str, vocabulary: _Vocabulary) -> None:
        self.text = text
        self._vocabulary = vocabulary
        chunks = text.split()
        self.numbers: npt.NDArray[np.int32] = np.fromiter(
            chain.from_iterable(map(vocabulary.__getitem__, chunks)), np.int32
        )

    def __len__(self) -> int:
        return len(self.numbers)

    @cached_property
    def lengths(self) -> npt.NDArray[np.int32]:
        """`[w]`: characters of each word."""
        return self._vocabulary.lengths[self.numbers]

    @cached_property
    def _marks(self) -> npt.NDArray[np.uint8]:
        return self._vocabulary.marks[self.numbers]

    @cached_property
    def symbols(self) -> npt.NDArray[np.bool_]:
        """`[w]`: whether the word has nothing but punctuation, symbols and controls."""
        return self._marks == _SYMBOL

    @cached_property
    def alphabetic(self) -> int:
        """How many words have at least one letter."""
        return int(np.count_nonzero(self._marks == _ALPHABETIC))

    @cached_property
    def strings(self) -> list[str]:
        """The words themselves."""
        return [self._vocabulary.words[i] for i in self.numbers.tolist()]

    @cached_property
    def lines(self) -> list[str]:
        """The text's lines, as `str.splitlines` has them."""
        return self.text.splitlines()

    def has(self, word: str) -> bool:
        """Whether the word occurs, in this case of letters."""
        number = self._vocabulary.numbers.get(word)
        return number is not None and bool((self.numbers == number).any())

    def ngrams(self, n: int) -> npt.NDArray[np.uint64]:
        """`[max(w - n + 1, 0)]`: a 64-bit hash of every n-gram; equal n-grams, equal hashes."""
        count = max(len(self.numbers) - n + 1, 0)
        hashes = np.zeros(count, np.uint64)
        numbers = self.numbers.astype(np.uint64) + np.uint64(1)
        for i in range(n):  # a polynomial in one large odd number, modulo 2**64
            hashes *= np.uint64(0x9E3779B97F4A7C15)
            hashes += numbers[i : i + count]
        return hashes


_vocabulary = _Vocabulary()


@lru_cache(maxsize=512)
def words_of(text: str) -> Words:
    """The words of a text, remembered for as long as a batch goes through its steps."""
    global _vocabulary  # noqa: PLW0603 - a cache that is begun afresh
    if _vocabulary.full:
        _vocabulary = _Vocabulary()
    return Words(text, _vocabulary)


def split_words(text: str) -> list[str]:
    """The words of a text; punctuation marks are words of their own."""
    return words_of(text).strings


def count_sentences(text: str) -> int:
    """How many sentences there are: a new one begins at the first word after an end mark.

    What counts is a mark that is a word of its own, so the dot of "e.g." ends nothing.
    """
    sentences, ended = 0, True
    for word in split_words(text):
        if word in _ENDS:
            ended = ended or sentences > 0
            sentences = max(sentences, 1)
        elif ended and (sentences == 0 or any(map(str.isalnum, word))):
            sentences, ended = sentences + 1, False
    return sentences


def paragraphs(text: str) -> list[str]:
    """Stretches between blank lines."""
    return _PARAGRAPH.split(text.strip())
