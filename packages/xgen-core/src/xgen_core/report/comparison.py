"""Two texts line by line: what was removed, what was added, and a little of what stayed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = ["Change", "compare"]

_CONTEXT = 3
# Beyond these, marking words costs more time than it gives insight.
_LONGEST_MARKED_LINE = 1000
_MOST_MARKED_LINES = 200
_WORDS = re.compile(r"\w+|\s+|[^\w\s]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One line of a comparison.

    Attributes:
        sign: `"-"` removed, `"+"` added, `" "` kept, `"…"` stands for lines left out.
        before, after: line numbers from 1, where the line exists.
        parts: the text in pieces, each with whether it is what changed inside the line.
    """

    sign: Literal["-", "+", " ", "…"]
    before: int | None
    after: int | None
    parts: tuple[tuple[str, bool], ...]


def compare(before: str, after: str) -> list[Change]:
    """All changed lines, with up to three lines of context on either side."""
    old, new = before.split("\n"), after.split("\n")
    matcher = difflib.SequenceMatcher(None, old, new)
    changes: list[Change] = []
    reached = 0
    for group in matcher.get_grouped_opcodes(_CONTEXT):
        skipped = group[0][1] - reached
        if skipped:
            changes.append(_gap(skipped))
        for tag, i1, i2, j1, j2 in group:
            if tag == "equal":
                changes += [
                    Change(sign=" ", before=i + 1, after=j + 1, parts=((old[i], False),))
                    for i, j in zip(range(i1, i2), range(j1, j2), strict=True)
                ]
                continue
            marked = _mark(old[i1:i2], new[j1:j2])
            changes += [
                Change(sign="-", before=i1 + k + 1, after=None, parts=parts)
                for k, parts in enumerate(marked[0])
            ]
            changes += [
                Change(sign="+", before=None, after=j1 + k + 1, parts=parts)
                for k, parts in enumerate(marked[1])
            ]
        reached = group[-1][2]
    if changes and reached < len(old):
        changes.append(_gap(len(old) - reached))
    return changes


def _gap(lines: int) -> Change:
    text = f"{lines:,} unchanged line" + "s" * (lines != 1)
    return Change(sign="…", before=None, after=None, parts=((text, False),))


_Parts = tuple[tuple[str, bool], ...]


def _mark(old: Sequence[str], new: Sequence[str]) -> tuple[list[_Parts], list[_Parts]]:
    """Mark the words that differ, where as many lines went as came."""
    if (
        len(old) != len(new)
        or len(old) > _MOST_MARKED_LINES
        or any(len(t) > _LONGEST_MARKED_LINE for t in (*old, *new))
    ):
        return [((line, False),) for line in old], [((line, False),) for line in new]
    pairs = [_mark_line(a, b) for a, b in zip(old, new, strict=True)]
    return [a for a, _ in pairs], [b for _, b in pairs]


def _mark_line(old: str, new: str) -> tuple[_Parts, _Parts]:
    a, b = _WORDS.findall(old), _WORDS.findall(new)
    matcher = difflib.SequenceMatcher(None, a, b, autojunk=False)
    if matcher.ratio() < 0.4:  # another line altogether: marks on all of it would say nothing
        return ((old, False),), ((new, False),)
    codes = matcher.get_opcodes()
    left = tuple(("".join(a[i:j]), tag != "equal") for tag, i, j, _, _ in codes if j > i)
    right = tuple(("".join(b[i:j]), tag != "equal") for tag, _, _, i, j in codes if j > i)
    return left, right
