"""Lines of a web page that are about the page: banners, menus, footers.

Extraction from HTML leaves some of them. Only short lines are looked at, so that an article about
cookies keeps its paragraphs; the rules are our own, and English.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from xgen_core import Document
from xgen_data.steps.step import DocumentStep, Drop

__all__ = ["Boilerplate"]

_PHRASES = re.compile(
    r"\b(?:(?:we|site|website|page) (?:also )?uses? (?:\w+ )?cookies|accept (?:all )?cookies"
    r"|cookie (?:policy|settings|preferences|notice)|manage (?:cookies|consent)|privacy policy"
    r"|terms (?:of (?:use|service)|and conditions|& conditions)|all rights reserved"
    r"|(?:enable|turn on) javascript|javascript (?:is|must be|seems to be) (?:disabled|enabled)"
    r"|skip to (?:main )?(?:content|navigation)|sign up for (?:our|the) newsletter"
    r"|subscribe to our|follow us on|share (?:this )?on (?:facebook|twitter|linkedin|x)"
    r"|click here to|read more|back to top|powered by wordpress|leave a (?:comment|reply)"
    r"|you must be logged in|log ?in or register|forgot (?:your )?password|add to (?:cart|basket)"
    r"|previous post|next post|related (?:posts|articles)|loading\.\.\.)",
    re.IGNORECASE,
)
_COPYRIGHT = re.compile(r"(?:©|\(c\)|copyright)\s*(?:©\s*)?(?:19|20)\d\d", re.IGNORECASE)
_SEPARATED = re.compile(r"\s*(?:[|»›•·>]|\s/\s)\s*")


@dataclass(frozen=True, kw_only=True)
class Boilerplate(DocumentStep):
    """Cut banners, navigation, copyright lines and lines that come again and again.

    Writes `boilerplate.lines`, how many lines were cut, where there are any.

    Attributes:
        max_line: characters; longer lines are text.
        navigation: least number of short entries between `|`, `»`, `›` and the like in a menu line.
        repeats: a line of letters that occurs so often goes altogether, as a page's header or
            footer does in a document of many pages.
        max_share: a document that would lose more of its characters is dropped.
    """

    kind: Literal["boilerplate"] = "boilerplate"
    max_line: int = 200
    navigation: int = 4
    repeats: int = 4
    max_share: float = 0.5

    writes: ClassVar[tuple[str, ...]] = ("boilerplate.lines",)

    def one(self, document: Document) -> Document | Drop:
        """The document without those lines, or that there is little else."""
        lines = document.text.split("\n")
        counts = Counter(line.strip() for line in lines)
        often = {
            line
            for line, count in counts.items()
            if count >= self.repeats and len(line) >= 12 and any(map(str.isalpha, line))
        }
        kept = [line for line in lines if not self._unwanted(line.strip(), often)]
        if len(kept) == len(lines):
            return document
        text = "\n".join(kept).strip("\n")
        if len(text) < (1 - self.max_share) * len(document.text) or not text.strip():
            return Drop(reason="mostly boilerplate")
        metadata = {**document.metadata, "boilerplate.lines": len(lines) - len(kept)}
        return replace(document, text=text, metadata=metadata)

    def _unwanted(self, line: str, often: set[str]) -> bool:
        if not line or len(line) > self.max_line:
            return False
        if line in often or _PHRASES.search(line) or _COPYRIGHT.match(line):
            return True
        if not any(mark in line for mark in "|»›•·>/"):
            return False
        entries = _SEPARATED.split(line)
        return len(entries) >= self.navigation and max(map(len, entries)) <= 25
