"""ROUGE (Lin 2004): how much of a reference summary's words and word orders a text has.

Numbers equal those of the package `rouge-score`: lower-case ASCII words and numbers, every other
character a space; words of more than three characters are stemmed if asked for. So two equal texts
in another script score 0 there; they are compared by Unicode's words, or by characters.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

from xgen_eval.metrics.stemming import porter_stem

__all__ = ["RougeUnit", "rouge"]

RougeUnit = Literal["ascii", "word", "character"]
"""What is counted: `rouge-score`'s words; words of any script; characters, for scripts that are
written without spaces."""

_OTHER = re.compile(r"[^a-z0-9]+")
_JOINERS = "\u200c\u200d"
"""Stand inside words of Persian and of Indic scripts."""


def rouge(
    text: str, reference: str, *, stemming: bool = False, unit: RougeUnit = "ascii"
) -> dict[str, float]:
    """Compare a text with one reference.

    Args:
        text: by the model.
        reference: what it should say.
        stemming: compare stems (Porter), as most published figures do; of English.
        unit: what is counted. Words of any script are runs of letters, marks and digits, folded
            to one case and to Unicode NFKC.

    Returns:
        F-measures (2PR / (P + R)) from 0 to 1: `rouge1` and `rouge2` of words and pairs of words,
        each counted as often as both have it; `rougeL` of the longest common subsequence of words;
        `rougeLsum` of the union of those of every reference line with all lines of the text.

    Raises:
        ValueError: stems of other words than `rouge-score`'s.
    """
    if stemming and unit != "ascii":
        raise ValueError(f"Porter's stems are of English words: no stemming with unit {unit!r}")
    split: Callable[[str], list[str]] = (
        partial(_ascii_words, stemming=stemming) if unit == "ascii" else _SPLIT[unit]
    )
    words, wanted = split(text), split(reference)
    lines = [split(line) for line in text.split("\n") if line]
    references = [split(line) for line in reference.split("\n") if line]
    return {
        "rouge1": _ngram_f(words, wanted, 1),
        "rouge2": _ngram_f(words, wanted, 2),
        "rougeL": _f(_subsequence_length(words, wanted), len(words), len(wanted)),
        "rougeLsum": _f(_union_hits(lines, references), len(words), len(wanted)),
    }


def _ascii_words(text: str, *, stemming: bool) -> list[str]:
    words = _OTHER.sub(" ", text.lower()).split()
    return [porter_stem(w) if len(w) > 3 else w for w in words] if stemming else words


def _words(text: str) -> list[str]:
    """Words of any script; a vowel sign of Devanagari, which `\\w` leaves out, is part of one."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(c if _is_word(c) else " " for c in folded if c not in _JOINERS).split()


def _characters(text: str) -> list[str]:
    return list("".join(_words(text)))


_SPLIT: dict[RougeUnit, Callable[[str], list[str]]] = {"word": _words, "character": _characters}


def _is_word(character: str) -> bool:
    return unicodedata.category(character)[0] in "LMN"


def _f(common: int, given: int, wanted: int) -> float:
    """2PR / (P + R), where P is common / given and R is common / wanted."""
    return 2 * common / (given + wanted) if common else 0.0


def _ngram_f(words: Sequence[str], wanted: Sequence[str], n: int) -> float:
    given, reference = (
        Counter(zip(*(side[i:] for i in range(n)), strict=False)) for side in (words, wanted)
    )
    return _f((given & reference).total(), given.total(), reference.total())


def _subsequence_length(a: Sequence[str], b: Sequence[str]) -> int:
    """Length of the longest common subsequence, a row of the table as one integer of bits.

    Hyyrö 2004: bit j of `row` is 0 where the table grows between columns j and j + 1.
    """
    where: dict[str, int] = {}
    for j, word in enumerate(b):
        where[word] = where.get(word, 0) | 1 << j
    everything = (1 << len(b)) - 1
    row = everything
    for word in a:
        matches = row & where.get(word, 0)
        row = ((row + matches) | (row - matches)) & everything
    return len(b) - row.bit_count()


def _union_hits(lines: Sequence[Sequence[str]], references: Sequence[Sequence[str]]) -> int:
    """Words of the references that some longest common subsequence has, none counted twice."""
    left = [Counter(w for line in side for w in line) for side in (lines, references)]
    hits = 0
    for reference in references:
        union = {i for line in lines for i in _subsequence(reference, line)}
        for word in (reference[i] for i in sorted(union)):
            if all(counts[word] > 0 for counts in left):
                hits += 1
                for counts in left:
                    counts[word] -= 1
    return hits


def _subsequence(a: Sequence[str], b: Sequence[str]) -> list[int]:
    """Indices into `a` of one longest common subsequence: the one that `rouge-score` takes."""
    table = [[0] * (len(b) + 1)]
    for word in a:
        above, row = table[-1], [0]
        for j, other in enumerate(b):
            row.append(above[j] + 1 if word == other else max(above[j + 1], row[j]))
        table.append(row)
    found: list[int] = []
    i, j = len(a), len(b)
    while i and j:
        if a[i - 1] == b[j - 1]:
            found.append(i - 1)
            i, j = i - 1, j - 1
        elif table[i][j - 1] > table[i - 1][j]:
            j -= 1
        else:
            i -= 1
    return found
