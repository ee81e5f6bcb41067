"""A line without its names and figures, which say nothing of its language."""

from __future__ import annotations

import re

__all__ = ["without_names"]

_CASELESS = "\u0590-\u1dff\u3000-\U0010ffff"
_BETWEEN = r"(?=[^\w\s]*[{}])"
_SEAM = re.compile(
    f"(?<=[A-Za-z]){_BETWEEN.format(_CASELESS)}|(?<=[{_CASELESS}]){_BETWEEN.format('A-Za-z')}"
)
"""Between a Latin name and text in a script that has no capitals, and perhaps no spaces."""


def without_names(line: str, *, keep_first: bool = True) -> str:
    """The words of a line that are no names and no figures, single spaces between.

    Left out are words with a capital or a digit in them: `BBC`, `uTrump`, `London`, `2018`. In
    scripts without capitals nearly all words stay; German loses its nouns, and keeps enough.

    Args:
        line: one line.
        keep_first: take the capital that begins a line for that of a sentence.
    """
    words = (line if line.isascii() else _SEAM.sub(" ", line)).split()
    numbered = enumerate(words)
    return " ".join(w for place, w in numbered if not _is_name(w, keep_first and place == 0))


def _is_name(word: str, first: bool) -> bool:
    if any(map(str.isupper, word[first:])):
        return True
    return word.isascii() and any(map(str.isdigit, word))
