"""Characters beyond ASCII made comparable: case, marks, digits, space; `words` has the rules."""

from __future__ import annotations

import re
import unicodedata

import numpy as np
from numpy.typing import NDArray

__all__ = ["fold", "fold_bytes"]

_NON_ASCII = re.compile(r"[^\x00-\x7f]+")
_CACHED = 2**16  # runs remembered: most of them are words, or punctuation
_CACHED_BYTES = 64  # of a run: longer ones, of scripts without spaces, seldom come again
_SPACE = ("P", "Z", "C")  # first letters of Unicode's categories that separate words
_UNSPACED = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x3040, 0x30FF),  # Hiragana, Katakana
    (0x31F0, 0x31FF),  # Katakana extensions
    (0x3400, 0x4DBF),  # Han, extension A
    (0x4E00, 0x9FFF),  # Han
    (0xF900, 0xFAFF),  # Han, compatibility
    (0x20000, 0x323AF),  # Han, further extensions
)


class _Table(dict[int, str]):
    """What each code point becomes, found out when it is first met."""

    def __missing__(self, point: int) -> str:
        folded = self[point] = _fold_point(point)
        return folded


def _fold_point(point: int) -> str:
    result: list[str] = []
    for character in unicodedata.normalize("NFD", chr(point).casefold()):
        category = unicodedata.category(character)
        if category == "Mn":
            continue
        if category == "Nd":
            result.append(str(unicodedata.digit(character)))
        elif category[0] in _SPACE:
            result.append(" ")
        elif any(first <= ord(character) <= last for first, last in _UNSPACED):
            result.append(f" {character} ")
        else:
            result.append(character)
    return "".join(result)


_TABLE = _Table()
_RUNS: dict[bytes, bytes] = {}


def fold(text: str) -> str:
    """Fold the characters beyond ASCII; ASCII stays, capitals included."""
    return _NON_ASCII.sub(lambda match: match.group().translate(_TABLE), text)


def fold_bytes(data: bytes, marks: NDArray[np.int64]) -> tuple[bytes, NDArray[np.int64]]:
    """`fold` for valid UTF-8: runs beyond ASCII are found by numpy and replaced from a cache.

    Args:
        data: begins and ends with ASCII.
        marks: ascending positions in `data`, none inside a run.

    Returns:
        the folded bytes, and where the marks are in them.
    """
    if data.isascii():
        return data, marks
    high = np.frombuffer(data, np.int8) < 0
    edges = np.flatnonzero(high[1:] != high[:-1]) + 1
    begins, ends = edges[0::2], edges[1::2]
    pieces: list[bytes] = []
    growth = np.zeros(len(begins) + 1, np.int64)
    done = 0
    for number, (begin, end) in enumerate(zip(begins.tolist(), ends.tolist(), strict=True), 1):
        run = data[begin:end]
        folded = _RUNS.get(run)
        if folded is None:
            folded = _fold_run(run)
        pieces.append(data[done:begin])
        pieces.append(folded)
        growth[number] = len(folded) - len(run)
        done = end
    pieces.append(data[done:])
    moved = np.cumsum(growth)[np.searchsorted(begins, marks)]
    return b"".join(pieces), marks + moved


def _fold_run(run: bytes) -> bytes:
    folded = run.decode("utf-8").translate(_TABLE).encode("utf-8", "replace")
    if len(run) <= _CACHED_BYTES:
        if len(_RUNS) >= _CACHED:
            _RUNS.clear()
        _RUNS[run] = folded
    return folded
