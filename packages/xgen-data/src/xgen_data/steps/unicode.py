"""Characters that one cannot see, and letters that went through the wrong encoding.

Off by default in a build: the basic cleaning keeps text as people wrote it. These steps are for
crawled pages. Zero-width joiners stay between characters that need them (Indic scripts, emoji).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from xgen_core import Document
from xgen_data.steps.step import DocumentStep, Drop

__all__ = ["Mojibake", "Unicode", "clean_unicode", "repair_mojibake"]

_BIDI = "\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069"
_INVISIBLE = re.compile(
    f"[{_BIDI}\u200b\u2060-\u2064\u206a-\u206f\ufeff\u00ad\U000e0000-\U000e007f\ufff9-\ufffb]"
)
_JOINERS = re.compile("[\u200c\u200d]")
_JOINERS_IN_ASCII = re.compile("(?<![^\x00-\u024f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\u024f])")
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")
_SPACES = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_BREAKS = re.compile("\x85|\u2028|\u2029")
_EMPTY_FLAG = re.compile("[\U000e0020-\U000e007f]")


def clean_unicode(text: str, *, nfc: bool = True) -> str:
    """Drop what is invisible, make every kind of space a space; optionally compose (NFC).

    Directional marks, zero-width spaces, soft hyphens, controls and tag characters go; U+2028 and
    its like become line breaks. Joiners stay, save beside Latin letters. Doing it twice changes
    nothing.
    """
    if text.isascii():
        return _CONTROLS.sub("", text)
    text = _INVISIBLE.sub("", text)
    if _JOINERS.search(text):
        text = _JOINERS_IN_ASCII.sub("", text)
    text = _BREAKS.sub("\n", text)
    text = _CONTROLS.sub("", _SPACES.sub(" ", text))
    if nfc and not unicodedata.is_normalized("NFC", text):
        text = unicodedata.normalize("NFC", text)
    return text


@dataclass(frozen=True, kw_only=True)
class Unicode(DocumentStep):
    """`clean_unicode` as a step.

    Attributes:
        nfc: compose letters and their marks.
    """

    kind: Literal["unicode"] = "unicode"
    nfc: bool = True

    def one(self, document: Document) -> Document:
        """The document, the same object where there is nothing to do."""
        text = clean_unicode(document.text, nfc=self.nfc)
        return document if text == document.text else replace(document, text=text)


# The bytes of UTF-8 read as Windows-1252: a lead byte C2–F4 as a Latin letter, then as many
# continuation bytes 80–BF as it announces, each as the character that Windows-1252 shows for it.
_CONTINUATIONS = "".join(
    bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in range(0x80, 0xC0)
)
_ANY = f"[{re.escape(_CONTINUATIONS)}\x80-\x9f]"
_DAMAGED = re.compile(
    f"[\u00c2-\u00df]{_ANY}|[\u00e0-\u00ef]{_ANY}{{2}}|[\u00f0-\u00f4]{_ANY}{{3}}"
)
_BYTES = {bytes([b]).decode("cp1252", "ignore") or chr(b): b for b in range(0x80, 0x100)}


def repair_mojibake(text: str) -> tuple[str, int]:
    """Undo UTF-8 that was read as Windows-1252 or Latin-1, sequence by sequence.

    Only a sequence that is whole, valid UTF-8 is replaced; "Ã©" becomes "é" and "â€™" becomes "’",
    while "Â" in front of a letter stays. Two rounds undo double damage. (ftfy does this and more,
    by a model of what is plausible; this is the part that needs no guess.)

    Returns:
        The text, and how many sequences were replaced in the first round.
    """
    if text.isascii() or not _DAMAGED.search(text):
        return text, 0
    first = 0
    for i in range(2):
        text, count = _repair(text)
        first = count if i == 0 else first
        if not count:
            break
    return text, first


def _repair(text: str) -> tuple[str, int]:
    count = 0

    def restore(match: re.Match[str]) -> str:
        nonlocal count
        try:
            fixed = bytes(_BYTES.get(c, ord(c)) for c in match[0]).decode("utf-8")
        except (UnicodeDecodeError, ValueError):  # it only looked like it: leave it alone
            return match[0]
        if unicodedata.category(fixed) in ("Cc", "Cn", "Co"):
            return match[0]
        count += 1
        return fixed

    return _DAMAGED.sub(restore, text), count


@dataclass(frozen=True, kw_only=True)
class Mojibake(DocumentStep):
    """Repair text that was read in the wrong encoding; drop what cannot be.

    Writes `unicode.repaired`, the number of sequences, where there are any.

    Attributes:
        max_replacement: share of U+FFFD, the mark of bytes lost for good, above which to drop.
    """

    kind: Literal["mojibake"] = "mojibake"
    max_replacement: float = 0.001

    writes: ClassVar[tuple[str, ...]] = ("unicode.repaired",)

    def one(self, document: Document) -> Document | Drop:
        """The document, repaired, or that too much of it is lost."""
        text = document.text
        if text.count("\ufffd") > self.max_replacement * len(text):
            return Drop(reason="undecodable characters")
        text, count = repair_mojibake(text)
        if not count:
            return document
        metadata = {**document.metadata, "unicode.repaired": count}
        return replace(document, text=text, metadata=metadata)
