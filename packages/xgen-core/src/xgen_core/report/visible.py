"""Characters that hide or reorder text, made visible.

Text by a model may hold a right-to-left override that shows `exe.txt` for `txt.exe`, a character of
no width, a control character, or half of a surrogate pair that no UTF-8 file can hold. The page
shows each as its code point. Line feed, tab, joiners (emoji and Persian need them) and variation
selectors stay.
"""

from __future__ import annotations

import re

__all__ = ["HIDDEN", "code_point", "visible"]

HIDDEN = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls but tab and line feed
    "\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"
    "\U000e0000-\U000e007f"  # tags: a whole hidden alphabet
    + "".join(f"{chr(0x10000 * p + 0xFFFE)}{chr(0x10000 * p + 0xFFFF)}" for p in range(1, 17))
    + "]"
)
"""One character that a reader would not see, or would be misled by."""


def code_point(character: str) -> str:
    """`U+202E` for that character."""
    return f"U+{ord(character):04X}"


def visible(text: str) -> str:
    """The text with every hidden character written as `⟨U+202E⟩`; always valid UTF-8 and XML."""
    return HIDDEN.sub(lambda match: f"⟨{code_point(match.group())}⟩", text)
