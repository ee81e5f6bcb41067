"""Text of WikiText as people write it: its tokenizer left spaces around marks and numbers.

The replacements, and their order, are those of the WikiText perplexities that are published; each
works on what the ones before it left. Only the counts of words and bytes are of the raw text.
"""

from __future__ import annotations

import re

__all__ = ["detokenize_wikitext"]

_RULES: tuple[tuple[str, str], ...] = (
    (r"s '", "s'"),
    (r"/' [0-9]/", "/'[0-9]/"),  # a slip that belongs to the published procedure
    *((f" @{mark}@ ", mark) for mark in "-,"),
    (r" @\.@ ", "."),
    *((f" {re.escape(mark)} ", f"{mark} ") for mark in ":;.!?,"),
    (r"\(\s*([^\)]*?)\s*\)", r"(\1)"),
    (r"\[\s*([^\]]*?)\s*\]", r"[\1]"),
    (r"{\s*([^}]*?)\s*}", r"{\1}"),
    (r"\"\s*([^\"]*?)\s*\"", r'"\1"'),
    (r"'\s*([^']*?)\s*'", r"'\1'"),
    *((" ".join("=" * n), "=" * n) for n in (4, 3, 2)),
    (r" ° ", "°"),
    (r" \n", "\n"),
    (r"\n ", "\n"),
    (r" N ", " 1 "),
    (r" 's", "'s"),
)


def detokenize_wikitext(page: str) -> str:
    """A page of WikiText without the spaces that its tokenizer put in."""
    for pattern, replacement in _RULES:
        page = re.sub(pattern, replacement, page)
    return page
