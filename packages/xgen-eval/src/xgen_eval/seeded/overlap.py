"""Which texts share most words with a question: a retriever of a few lines."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

__all__ = ["WordIndex"]

_WORD = re.compile(r"\w+")


class WordIndex:
    """Texts by the words that they have.

    Args:
        texts: what is looked through.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._where: dict[str, list[int]] = {}
        for number, text in enumerate(texts):
            for word in dict.fromkeys(_WORD.findall(text.lower())):
                self._where.setdefault(word, []).append(number)
        self._count = len(texts)

    def ranked(self, question: str) -> list[int]:
        """Numbers of the texts that share a word with the question, the most alike first.

        A shared word is worth log(texts / texts that have it), to three decimals, so that the order
        is the same on every machine; of equal texts the earlier is first.
        """
        worth: Counter[int] = Counter()
        for word in dict.fromkeys(_WORD.findall(question.lower())):
            found = self._where.get(word, [])
            for number in found:
                worth[number] += round(1000 * math.log(self._count / len(found)))
        return sorted(worth, key=lambda number: (-worth[number], number))
