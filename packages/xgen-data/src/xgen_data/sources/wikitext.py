"""Wikitext to plain text, by way of `mwparserfromhell` (`pip install 'xgen-data[wikipedia]'`).

What stays: prose, headings (the title alone, on a line of its own), list items, the text of links,
code, preformatted text. What goes: templates, tables, references, comments, files, galleries,
formulas, categories, links to other languages, magic words, and headings with nothing left below
them. That is the set of the `wikipedia` data set of Hugging Face, which RedPajama-1T took, apart
from list markers and empty headings.

Templates are only dropped, not expanded; where one stood in brackets at the beginning of an article
(a pronunciation, say), the empty brackets go too.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any

from xgen_core import MissingExtraError

__all__ = ["DEFAULT_DROPPED", "wikitext_to_text"]

DEFAULT_DROPPED = frozenset({"file", "image", "media", "category"})
"""Namespaces whose links are dropped, in the names that every wiki knows."""

_EMPTY_REFERENCE = re.compile(r"<ref\b[^<>]*/>", re.IGNORECASE)
_REFERENCE = re.compile(r"<ref\b[^<>/]*>[^<>]*</ref\s*>", re.IGNORECASE)
_TEMPLATE = re.compile(r"\{\{[^{}]*\}\}")
_TABLE = re.compile(r"(?m)^[ \t:]*\{\|(?:(?!\{\||\|\}).)*\|\}", re.DOTALL)
_VERBATIM = re.compile(r"<(?:nowiki|math|pre|source|syntaxhighlight|code)\b", re.IGNORECASE)
_EMPHASIS = re.compile("'{2,5}")
_MAGIC = re.compile(r"__[A-Z]{4,}__")
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[a-z-]+)?")
_EMPTY_BRACKETS = re.compile(r" ?\((?:[\s;,:/]|\u00a0)*\)")
_OPENED = re.compile(r"\((?:[;,:]\s*|\s)+")
_DROPPED_TAGS = frozenset({"ref", "references", "table", "br", "hr", "templatestyles"})
_OPENING = re.compile(r"<(?!br\b|hr\b|li\b|wbr\b)[a-zA-Z][^<>]*(?<!/)>", re.IGNORECASE)
_MAX_OPEN = 300
"""Tags or brackets without an end: the parser's time grows with their square. Pages
have few."""
_HEADING = "\x00"


def wikitext_to_text(wikitext: str, dropped: Collection[str] = DEFAULT_DROPPED) -> str:
    """The plain text of a page.

    Args:
        wikitext: a revision's text.
        dropped: lower-case names of the namespaces whose links are not text: files, categories. A
            dump's `<siteinfo>` has them in the wiki's own language.

    Raises:
        ValueError: the markup is broken: hundreds of tags or brackets without an end.
        MissingExtraError: mwparserfromhell is not installed.
    """
    try:
        import mwparserfromhell
        from mwparserfromhell.parser import ParserError
    except ImportError as error:
        raise MissingExtraError("reading wikitext", "xgen-data[wikipedia]") from error
    text = _without_bulk(wikitext)
    still_open = [text.count(begin) - text.count(end) for begin, end in ("[]", "{}")]
    still_open.append(len(_OPENING.findall(text)) - text.count("</"))
    if max(*still_open, text.count("<!--")) > _MAX_OPEN:
        raise ValueError("the markup is broken")
    try:
        code: Any = mwparserfromhell.parse(text, skip_style_tags=True)
    except ParserError as error:
        raise ValueError("the markup is broken") from error
    return _tidy("".join(_text(code, dropped)))


def _without_bulk(text: str) -> str:
    """Drop most of what is dropped anyway: regular expressions do that more quickly."""
    text = _without_comments(text).replace(_HEADING, "")
    if _VERBATIM.search(text):  # braces need not be markup there; the parser decides
        return text
    for pattern in (_EMPTY_REFERENCE, _TEMPLATE, _REFERENCE, _TABLE):
        count = 1
        while count:  # the innermost go first
            text, count = pattern.subn("", text)
    return text


def _without_comments(text: str) -> str:
    pieces: list[str] = []
    at = 0
    while (begin := text.find("<!--", at)) >= 0 and (end := text.find("-->", begin + 4)) >= 0:
        pieces.append(text[at:begin])
        at = end + 3
    return "".join([*pieces, text[at:]])


def _text(code: Any, dropped: Collection[str]) -> Iterator[str]:
    from mwparserfromhell import nodes

    for node in code.nodes:
        match node:
            case nodes.Text():
                yield _EMPHASIS.sub("", node.value)
            case nodes.Wikilink():
                yield from _link(node, dropped)
            case nodes.ExternalLink():
                if node.title is not None:
                    yield from _text(node.title, dropped)
                elif not node.brackets:
                    yield str(node.url)
            case nodes.HTMLEntity():
                yield node.normalize()
            case nodes.Heading():
                title = "".join(_text(node.title, dropped)).strip()
                yield f"\n\n{_HEADING}{node.level}{title}\n\n"
            case nodes.Tag():
                yield from _tag(node, dropped)
            case _:  # templates, their arguments, comments
                pass


def _link(node: Any, dropped: Collection[str]) -> Iterator[str]:
    title = str(node.title).strip()
    prefix, colon, _ = title.partition(":")
    name = prefix.strip().lower().replace("_", " ")
    if colon and name and (name in dropped or _LANGUAGE.fullmatch(prefix.strip())):
        return
    if node.text is None or not str(node.text).strip():
        yield title.removeprefix(":").replace("_", " ")
    else:
        yield from _text(node.text, dropped)


def _tag(node: Any, dropped: Collection[str]) -> Iterator[str]:
    from mwparserfromhell.definitions import is_visible

    name = str(node.tag).strip().lower()
    if node.wiki_markup in ("*", "#"):
        yield "*"
    elif name == "br":
        yield "\n"
    elif name in _DROPPED_TAGS or not is_visible(name) or node.contents is None:
        return
    elif name in ("nowiki", "pre", "source", "syntaxhighlight"):
        yield str(node.contents)
    else:
        yield from _text(node.contents, dropped)


def _tidy(text: str) -> str:
    text = _MAGIC.sub("", text)
    text = _OPENED.sub("(", _EMPTY_BRACKETS.sub("", text))
    blocks: list[str] = []
    waiting: list[tuple[int, str]] = []
    for block in re.split(r"\n[ \t\u00a0]*\n\s*", text):
        if block.startswith(_HEADING):
            level = int(block[1])
            waiting = [heading for heading in waiting if heading[0] < level]
            waiting.append((level, block[2:].strip()))
            continue
        lines = [line.rstrip() for line in block.split("\n")]
        body = "\n".join(line for line in lines if line.strip("*: \t"))
        if body.strip():
            blocks += [title for _, title in waiting if title]
            waiting = []
            blocks.append(body.strip("\n"))
    return "\n\n".join(blocks).strip()
