"""`wikipedia:PATH`: articles of a MediaWiki XML dump, such as `enwiki-…-pages-articles.xml.bz2`.

A dump is one `<mediawiki xml:lang="en">` with a `<siteinfo>` (the wiki's name, and what its
namespaces are called in its language) and then a `<page>` for each title:

    <page><title>…</title><ns>0</ns><id>12</id>[<redirect/>]
      <revision><id>…</id><timestamp>…</timestamp><text>wikitext</text></revision></page>

Articles are namespace 0; discussion, users, files, templates and redirects are passed over. PATH is
a file, a directory or a glob: large wikis come in numbered pieces, each a part here. The XML is
read as a stream in the memory of one page. Take the dumps of current revisions
("pages-articles", also multistream), not those of full histories.

Metadata: `wikipedia.title`, `wikipedia.language`, `wikipedia.revision`, `wikipedia.timestamp`,
`wikipedia.url`. The text does not repeat the title, as in the data sets of RedPajama-1T and of
Hugging Face; `wikitext` says what of a page is text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from urllib.parse import quote

from xgen_core import Document, InputError
from xgen_core.records import Scalar
from xgen_data.recipe import SourceConfig
from xgen_data.sources.files import DamageError, group_files, list_files, part_files
from xgen_data.sources.reader import Part
from xgen_data.sources.wikitext import DEFAULT_DROPPED, wikitext_to_text
from xgen_data.sources.xml import Element, local_name, read_elements
from xgen_data.steps import Drop, Item

__all__ = ["WikipediaReader"]

_DUMP = re.compile(r"\.xml(-p\d+p\d+)?(\.(gz|bz2|zst|xz))?$")
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_REDIRECT = re.compile(r"\s*#\w+\s*:?\s*\[\[")


@dataclass(slots=True)
class _Site:
    """What a dump says of its wiki before the first page."""

    name: str = ""
    language: str = ""
    base: str = ""
    dropped: frozenset[str] = field(default=DEFAULT_DROPPED)


@dataclass(frozen=True, slots=True)
class WikipediaReader:
    """Reads `wikipedia:PATH`."""

    def plan(self, config: SourceConfig) -> tuple[Part, ...]:
        """One part a file.

        Raises:
            InputError: no such file.
        """
        try:
            listing = list_files(config.rest)
        except InputError as error:
            raise InputError(f"wikipedia:{error}") from error
        files = tuple(f for f in listing.files if listing.single or _DUMP.search(f.name))
        return group_files(replace(listing, files=files), max_files=1)

    def read(self, part: Part, config: SourceConfig) -> Iterator[Item]:
        """Yield one document an article; its id is wiki and page number, such as `enwiki/12`.

        Raises:
            InputError: no such file, or not a MediaWiki dump.
            MissingExtraError: mwparserfromhell is not installed.
        """
        for _, path in part_files(part):
            try:
                yield from _read_dump(path, config.name)
            except DamageError as damage:
                example = f"{path}:{damage.offset}"
                yield Drop(reason=damage.reason, example=example, damaged=True)


def _read_dump(path: str, source: str) -> Iterator[Item]:
    site = _Site()
    for element in read_elements(path, "siteinfo", "page"):
        name = local_name(element.tag)
        if name == "mediawiki":
            site.language = element.get(_LANG, "")
        elif name == "siteinfo":
            _read_site(element, site)
        elif name == "page":
            yield _read_page(element, site, path, source)
        else:
            raise InputError(f"{path}: expected a MediaWiki dump, found <{name}>")


def _children(element: Element) -> dict[str, Element]:
    return {local_name(child.tag): child for child in element}


def _read_site(element: Element, site: _Site) -> None:
    children = _children(element)
    if "dbname" in children:
        site.name = children["dbname"].text or ""
    if "base" in children:
        site.base = (children["base"].text or "").rpartition("/")[0]
    if "namespaces" in children:
        local = [
            (namespace.text or "").lower()
            for namespace in children["namespaces"]
            if namespace.get("key") in ("-2", "6", "14")  # media, files, categories
        ]
        site.dropped = DEFAULT_DROPPED.union(name for name in local if name)


def _read_page(page: Element, site: _Site, path: str, source: str) -> Item:
    children = _children(page)
    revision = _children(children["revision"]) if "revision" in children else {}

    def text(elements: dict[str, Element], name: str) -> str:
        return (elements[name].text or "") if name in elements else ""

    identity, title = text(children, "id"), text(children, "title")
    example = identity or title or path
    if not identity or not revision:
        return Drop(reason="a page without id or revision", example=example, damaged=True)
    if text(children, "ns") not in ("", "0"):
        return Drop(reason="not an article", example=example)
    wikitext = text(revision, "text")
    if "redirect" in children or _REDIRECT.match(wikitext):
        return Drop(reason="a redirect", example=example)
    try:
        content = wikitext_to_text(wikitext, site.dropped)
    except ValueError:
        return Drop(reason="wikitext with broken markup", example=example)
    if not content:
        return Drop(reason="no text", example=example)
    metadata: dict[str, Scalar] = {
        "wikipedia.title": title,
        "wikipedia.language": site.language,
        "wikipedia.revision": text(revision, "id"),
        "wikipedia.timestamp": text(revision, "timestamp"),
    }
    if site.base:
        metadata["wikipedia.url"] = f"{site.base}/{quote(title.replace(' ', '_'))}"
    name = site.name or site.language
    full = f"{name}/{identity}" if name else identity
    return Document(id=full, text=content, source=source, metadata=metadata)
