"""Reading what a model that chats puts around a text: tags in bold, quotes."""

from __future__ import annotations

import re

__all__ = ["after_tag", "unquoted"]

_QUOTES = ('""', "“”", "„“", "«»", "「」")


def after_tag(tag: str, line: str) -> str | None:
    """What follows a tag at the beginning of a line; None where the tag is not there.

    Args:
        tag: with or without its colon; an empty one stands nowhere.
        line: without white space around it.
    """
    if not tag:
        return None
    form = rf"[*_]*{re.escape(tag.removesuffix(':'))}[*_]*\s*[:\uff1a][*_]*(.*)"
    match = re.fullmatch(form, line, re.IGNORECASE)
    return match[1].strip() if match else None


def unquoted(text: str) -> str:
    """A text without the one pair of quotes that it stands in as a whole."""
    for opening, closing in _QUOTES:
        inner = text[1:-1]
        if len(text) > 1 and text[0] == opening and text[-1] == closing:
            return text if opening in inner or closing in inner else inner.strip()
    return text
