"""What a knowledge source is, and how one is opened."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol, cast, runtime_checkable

from xgen_core import CapabilityError
from xgen_core.codec import unknown_name
from xgen_core.plugins import available, load
from xgen_reason.evidence import Found, Query, QueryLanguage
from xgen_reason.question import Question

__all__ = ["Source", "open_source", "source_schemes"]

_GROUP = "xgen.knowledge"


@runtime_checkable
class Source(Protocol):
    """Something that answers queries with citable evidence; entered before it is asked.

    It is asked concurrently. It keeps its own deadline and politeness.
    """

    @property
    def name(self) -> str:
        """Short and unique in a run: `"text"`, `"wikidata"`."""
        ...

    @property
    def language(self) -> QueryLanguage:
        """What its queries are written in."""
        ...

    @property
    def summary(self) -> str:
        """What it knows, in one line: for prompts and for people."""
        ...

    @property
    def fingerprint(self) -> str:
        """Changes when its answers could: a checksum of an index; the address of a live one."""
        ...

    async def search(self, query: Query, question: Question, *, limit: int) -> Found:
        """Ask.

        Args:
            query: in its language.
            question: the whole question, for sources that come with it (its paragraphs, its table).
            limit: pieces of evidence at most.

        Returns:
            What was found, best first. Whatever goes wrong out there (deadline, connection,
            refusal, a query that does not parse) is said in `failure` or in an attempt; nothing is
            raised for it.
        """
        ...


def source_schemes() -> list[str]:
    """Schemes that installed packages know, sorted."""
    return sorted(available(_GROUP))


def open_source(uri: str) -> AbstractAsyncContextManager[Source]:
    """A source by URI, `SCHEME:REST`; enter it before use.

    `text:INDEX`, `tfidf:INDEX`, `paragraphs:`, `wikipedia:en`, `web:PROVIDER`, `rdf:FILE`,
    `wikidata:`, `table:FILE`, and whatever the entry-point group `xgen.knowledge` adds: functions
    that take the rest.

    Raises:
        CapabilityError: nobody knows the scheme.
        InputError: the rest names nothing usable.
        MissingExtraError: an extra is not installed.
    """
    scheme, colon, rest = uri.partition(":")
    if not colon or scheme not in source_schemes():
        known = source_schemes()
        raise CapabilityError(f"source {uri!r}: " + unknown_name(scheme, known, "scheme"))
    return cast("AbstractAsyncContextManager[Source]", load(_GROUP, scheme)(rest))
