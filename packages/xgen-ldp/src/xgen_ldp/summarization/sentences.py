"""Sentences of a text in any script, told by the marks that end them."""

from __future__ import annotations

import re

__all__ = ["sentences"]

_LONGEST = 400
"""Characters: what has no such marks (Thai) is cut at a space before this."""

_AT_ONCE = "。！？｡"
"""End a sentence wherever they stand; scripts that use them have no space after them."""

_BEFORE_SPACE = ".!?…।॥۔؟։።፧។៕။᠃᙮᱾"
"""End a sentence where white space follows, so that `3.5` is no end."""

_CLOSING = "\"'”’»）)\\]」』"

_END = re.compile(
    rf"(?:(?<=[{_AT_ONCE}])|(?<=[{_AT_ONCE}][{_CLOSING}]))(?![{_AT_ONCE}{_CLOSING}])"
    rf"|(?:(?<=[{_BEFORE_SPACE}])|(?<=[{_BEFORE_SPACE}][{_CLOSING}]))\s+"
)


def sentences(text: str) -> tuple[str, ...]:
    """Split a text; a line break ends a sentence too.

    An abbreviation with a full stop ends one as well: what is wanted is pieces that a translator
    takes one by one, not grammar.
    """
    found: list[str] = []
    for line in text.splitlines():
        for piece in _END.split(line):
            found += _cut(" ".join(piece.split()))
    return tuple(found)


def _cut(text: str) -> list[str]:
    """Pieces of at most `_LONGEST` characters, cut at spaces where there are any."""
    pieces: list[str] = []
    while len(text) > _LONGEST:
        place = text.rfind(" ", 1, _LONGEST + 1)
        place = place if place > 0 else _LONGEST
        pieces.append(text[:place].rstrip())
        text = text[place:].lstrip()
    return [*pieces, text] if text else pieces
