r"""Documents as sequences of hashed words, a whole batch at a time.

What counts as a word, and as the same word, follows the text normalisation that datatrove 0.10
uses before MinHash by default, so that figures can be compared:

- case is folded; canonical decomposition, then non-spacing marks go (`É` and `e` are one letter);
- ASCII punctuation and controls, and Unicode's punctuation, separators and controls, are space;
- numbers become one `0`: digits of any script, with `.` or `,` between digits inside the number.

Two things differ. A number's decimal marks may repeat (`1.234.567` is one number). And there is no
language-dependent tokenizer: words are cut at space, while in scripts written without spaces (Han,
Kana, Thai, Lao, Myanmar, Khmer) each character is a word.

Text never becomes Python words: bytes are classified, cut and hashed in numpy, all but the runs of
characters beyond ASCII, which `folding` replaces before.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from xgen_data.overlap.folding import fold, fold_bytes
from xgen_data.overlap.mixing import U64, mix

__all__ = ["Words", "hash_word", "hash_words", "split_words"]

_BLOCK = 2**16  # bytes looked at together: 64-bit intermediates of a block fit an L2 cache
_NUMBER = re.compile(r"[0-9]+(?:[.,][0-9]+)*")


class Words(NamedTuple):
    """Hashed words of several documents, one after the other.

    Attributes:
        hashes: uint64 `[words]`.
        offsets: int64 `[documents + 1]`; document i has words `offsets[i]` to `offsets[i + 1]`.
    """

    hashes: U64
    offsets: NDArray[np.int64]


def _letter(byte: int) -> int:
    if byte >= 128:
        return byte
    return ord(chr(byte).lower()) if chr(byte).isalnum() else 0


_LETTERS = bytes(map(_letter, range(256)))  # byte → byte of a word, or 0 where a word ends
_ZEROS = _LETTERS.translate(bytes(48 if 48 <= byte < 58 else byte for byte in range(256)))
_BASE = 0x2545F4914F6CDD1D  # odd, so it has an inverse modulo 2**64; = 5 mod 8, of maximal order
_INVERSE = pow(_BASE, -1, 2**64)


class _Powers:
    """Powers of the base and of its inverse, as long as the longest block so far."""

    def __init__(self) -> None:
        self.up = self.down = np.ones(1, np.uint64)

    def reach(self, length: int) -> None:
        if len(self.up) < length:
            size = 1 << (length - 1).bit_length()
            up = np.full(size, _BASE, np.uint64)
            down = np.full(size, _INVERSE, np.uint64)
            up[0] = down[0] = 1
            self.up = np.multiply.accumulate(up)
            self.down = np.multiply.accumulate(down)


_POWERS = _Powers()


def split_words(text: str, *, numbers: bool = True) -> list[str]:
    """The words of one document as text: the plain form of what `hash_words` hashes.

    Args:
        text: any text; lone surrogates count as space.
        numbers: whether every number becomes `0`.
    """
    folded = fold(text)
    if numbers:
        folded = _NUMBER.sub("0", folded)
    data = folded.encode("utf-8", "replace").translate(_LETTERS)
    return [word.decode("utf-8") for word in data.split(b"\0") if word]


def hash_word(word: str) -> int:
    """The hash that `hash_words` gives this one word."""
    data = word.encode("utf-8")
    total = sum(b * pow(_BASE, i, 2**64) for i, b in enumerate(data)) % 2**64
    return int(mix(np.asarray([total], np.uint64))[0])


def hash_words(texts: Sequence[str], *, numbers: bool = True) -> Words:
    """Cut documents into words and hash each to 64 bits; how they are batched does not matter.

    The hash is a polynomial in the word's bytes modulo 2**64, mixed. It is fit for sketches and
    look-ups of text; it is not cryptographic, so words that collide can be constructed.

    Args:
        texts: documents; a document may be of any length.
        numbers: whether every number becomes `0`, so that pages which differ in counters and dates
            are alike.
    """
    parts = [text.encode("utf-8", "replace") for text in texts]
    starts = np.ones(len(parts) + 1, np.int64)  # of documents, each after a line end
    starts[1:] += np.cumsum(np.fromiter(map(len, parts), np.int64, len(parts)) + 1)
    data, starts = fold_bytes(b"\n".join([b"", *parts, b""]), starts)
    pieces: list[U64] = []
    offsets = np.zeros(len(parts) + 1, np.int64)
    sums = np.empty(_BLOCK + 1, np.uint64)  # reused, as fresh pages cost more than the sums
    begin = count = 0
    while begin < len(data):
        end = _cut(data, begin)
        first, last = np.searchsorted(starts, (begin, end))
        hashes, before = _hash_block(data[begin:end], starts[first:last] - begin, numbers, sums)
        offsets[first:last] = before + count
        count += len(hashes)
        pieces.append(hashes)
        begin = end
    offsets[-1] = count
    return Words(np.concatenate(pieces), offsets)


def _cut(data: bytes, begin: int) -> int:
    """Where the block from `begin` ends: at white space, because that is never inside a number."""
    end = begin + _BLOCK
    if end >= len(data):
        return len(data)
    cut = max(data.rfind(b" ", begin + 1, end), data.rfind(b"\n", begin + 1, end))
    if cut < 0:  # one word longer than a block
        found = [p for p in (data.find(b" ", end), data.find(b"\n", end)) if p >= 0]
        cut = min(found)  # the line end after the last document, if nothing else
    return cut


def _hash_block(
    data: bytes, marks: NDArray[np.int64], numbers: bool, sums: U64
) -> tuple[U64, NDArray[np.int64]]:
    """Hash the words of a block that begins with a space.

    Returns:
        their hashes, and for each of `marks` (ascending positions) how many words begin before it.
    """
    letters = np.frombuffer(data.translate(_ZEROS if numbers else _LETTERS), np.uint8)
    if numbers:
        gone = _inside_numbers(np.frombuffer(data, np.uint8))
        letters = np.delete(letters, gone)
        marks = marks - np.searchsorted(gone, marks)
    inside = np.zeros(len(letters) + 1, np.bool_)
    np.not_equal(letters, 0, out=inside[:-1])
    edges = np.flatnonzero(inside[1:] != inside[:-1])
    starts, ends = edges[0::2], edges[1::2]  # of the bytes before a word, and of its last
    _POWERS.reach(len(letters) + 1)
    sums = sums[: len(letters)] if len(letters) <= len(sums) else np.empty(len(letters), np.uint64)
    np.copyto(sums, letters)
    sums *= _POWERS.up[: len(letters)]
    np.cumsum(sums, out=sums)
    hashes = sums[ends]
    hashes -= sums[starts]
    hashes *= _POWERS.down[starts + 1]
    return mix(hashes), np.searchsorted(starts + 1, marks)


def _inside_numbers(data: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Positions of all bytes of numbers but each number's first, which is a digit."""
    number = (data - np.uint8(48)) < 10  # wraps below "0"
    mark = (data[1:-1] == 44) | (data[1:-1] == 46)
    mark &= number[:-2]
    mark &= number[2:]
    number[1:-1] |= mark
    return np.flatnonzero(number[1:] & number[:-1]) + 1
