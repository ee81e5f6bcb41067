"""Text cut into sentences by rules: no model, no download, the same everywhere.

A sentence ends at `.`, `!`, `?` or `…` (closing quotes and brackets go with it) if what follows may
begin one. A full stop does not end it after a title (`Dr.`), after an initial (`J. R. R. Tolkien`),
inside a number or a dotted abbreviation; after abbreviations that stand at ends too (`Inc.`,
`U.S.`) only a word that usually begins a sentence decides. A blank line always ends one.
"""

from __future__ import annotations

import re

__all__ = ["split_paragraphs", "split_sentences"]

_BLANK_LINE = re.compile(r"\n[ \t\r]*\n\s*")
_CLOSING = "\"'”’»)]}"
_END = re.compile(
    rf"(?:(?<![.!?…])[.!?…]+[{re.escape(_CLOSING)}]*(?:\[\d+\])*(?=\s))|[。！？]+[」』”’）]*"
)
_WORD_BEFORE = re.compile(r"[\w.'’&-]*$")
_LONGEST_WORD = 40
_OPENING = "\"'“‘«([{¿¡—–-*•"

_NEVER = frozenset(
    """mr mrs ms mx messrs dr prof rev fr sr hon gov sen rep pres gen col maj capt cmdr lt sgt cpl
    pvt adm brig st ste mt ft sir vs v cf e.g i.e viz al fig figs eq eqs sec secs ch chap vol
    vols no nos nr pp p ed eds trans approx ca c circa b d fl r op art arts dept univ assn bros
    ave blvd rd dist lat long lit pron est min max temp incl resp seq trad orig rel""".split()  # noqa: SIM905 - words, not quotes
)
"""Abbreviations that something belonging to them follows, as a rule."""

_SOMETIMES = frozenset(
    """inc ltd co corp llc plc jr sr esq etc a.m p.m am pm ph.d phd m.d b.a m.a b.sc m.sc u.s u.k
    u.n e.u u.s.a u.s.s.r d.c a.d b.c b.c.e c.e jan feb mar apr jun jul aug sep sept oct nov dec
    mon tue wed thu fri sat sun ft in oz lb lbs km kg cm mm hr hrs sq""".split()  # noqa: SIM905 - words, not quotes
)
"""Abbreviations that may stand at the end of a sentence."""

_STARTERS = frozenset(
    """a after all also although an and another as at because before both but by despite during
    each every few finally first for from he her here his how however i if in into is it its
    later like many most much my no not now of on once one only other our over she since so some
    such that the their then there these they this those though through thus to today two under
    until upon we what when where which while who why with within without yet you your""".split()  # noqa: SIM905 - words, not quotes
)
"""Words that begin a sentence where they are capitalised, rather than a name."""


def split_paragraphs(text: str) -> tuple[str, ...]:
    """Parts between blank lines, without space around them; none is empty."""
    return tuple(part.strip() for part in _BLANK_LINE.split(text) if part.strip())


def split_sentences(text: str) -> tuple[str, ...]:
    """Sentences in order, every run of white space one space; none is empty."""
    found: list[str] = []
    for part in split_paragraphs(text):
        paragraph = " ".join(part.split())
        begin = 0
        for end in _END.finditer(paragraph):
            if _ends(paragraph, begin, end):
                found.append(paragraph[begin : end.end()].strip())
                begin = end.end()
        found.append(paragraph[begin:].strip())
    return tuple(sentence for sentence in found if sentence)


def _ends(text: str, begin: int, end: re.Match[str]) -> bool:
    mark = end[0]
    if mark[0] in "。！？":
        return True
    follows = text[end.end() :].lstrip()
    word = follows.lstrip(_OPENING)
    if not word:
        return bool(follows)
    if not (word[0].isupper() or word[0].isdigit() or _letter_without_case(word[0])):
        return False
    if mark[0] != "." or mark.startswith(".."):
        return True
    before = _WORD_BEFORE.search(text, max(begin, end.start() - _LONGEST_WORD), end.start())
    return _full_stop_ends(before[0] if before else "", word, number=word[0].isdigit())


def _full_stop_ends(before: str, after: str, *, number: bool) -> bool:
    """Whether a full stop between two words ends a sentence; `after` may begin one."""
    bare = before.strip(".'’&-").lower()
    next_word = re.split(r"[\W_]", after, maxsplit=1)[0].lower()
    starts = next_word in _STARTERS
    if len(bare) == 1 and before[-1:].isupper():  # an initial, or "vitamin C."
        return starts and next_word not in ("a", "i")
    if bare in _SOMETIMES or (re.fullmatch(r"(?:\w\.)+\w", bare) and bare not in _NEVER):
        return starts
    if bare in _NEVER:
        return bare in ("no", "d", "b", "c", "p", "max", "min", "long", "art") and (
            starts and not number
        )
    return True


def _letter_without_case(character: str) -> bool:
    return character.isalpha() and character.lower() == character.upper()
