"""`wikipedia:en`: live Wikipedia, as Verify-and-Edit asks it.

For each name that a query mentions and for the whole query, the search gives five titles; the first
five sentences of each page are candidates, ranked by the query. A disambiguation page stands for
the pages it links to whose titles fit the query best. Pages that others link to are not fetched.

Settings: `?record=FILE` or `replay=FILE`, `rank=…` as for `text:`, `seconds=N` for each request.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast
from urllib.parse import quote, urlsplit

from xgen_core import InputError
from xgen_core.codec import JSON
from xgen_reason.evidence import Evidence, Found, Query, QueryLanguage
from xgen_reason.knowledge.mentions import mentions
from xgen_reason.knowledge.opened import Opened
from xgen_reason.knowledge.polite import Manners, NoAnswerError, PoliteClient, Request
from xgen_reason.knowledge.ranking import Bm25, best_evidence, open_ranker
from xgen_reason.knowledge.recordings import Recordings, open_recordings
from xgen_reason.knowledge.reply import reply
from xgen_reason.knowledge.sentences import split_sentences
from xgen_reason.knowledge.settings import positive, split_settings
from xgen_reason.question import Question

__all__ = ["WikipediaSource", "open_wikipedia"]

_TITLES = 5
"""For each search."""
_SENTENCES = 5
"""Of each page."""
_NAMES = 4
"""That are searched for, at most: each costs a request."""
_AT_ONCE = 20
"""Pages whose beginnings MediaWiki gives in one reply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _WikiPage:
    """The beginning of a page; `links` only of a disambiguation page."""

    title: str
    text: str
    retrieved: str
    links: tuple[str, ...] = field(default=())


class WikipediaSource(Opened):
    """One language's Wikipedia, or another MediaWiki with its extension TextExtracts.

    Args:
        language: as in its address.
        address: of another wiki; with it the language only names the source.
        manners: with the host.
        recordings: of its replies.
        rank: of sentences, as for `open_ranker`.

    Raises:
        InputError: no language of that form.
    """

    def __init__(
        self,
        language: str = "en",
        *,
        address: str = "",
        manners: Manners | None = None,
        recordings: Recordings | None = None,
        rank: str = "bm25",
    ) -> None:
        if not re.fullmatch(r"[a-z]{2,12}(-[a-z]{2,12})*", language):
            raise InputError(f"source 'wikipedia': {language!r} is not a language such as 'en'")
        self._address = (address or f"https://{language}.wikipedia.org").rstrip("/")
        self._ranker = open_ranker(rank)
        self._rank = rank
        host = urlsplit(self._address).netloc
        self._client = PoliteClient([host], manners=manners, recordings=recordings)
        super().__init__(self._client)

    @property
    def name(self) -> str:
        """`wikipedia`."""
        return "wikipedia"

    @property
    def language(self) -> QueryLanguage:
        """Words."""
        return "text"

    @property
    def summary(self) -> str:
        """What it knows."""
        return f"the encyclopedia at {urlsplit(self._address).netloc}"

    @property
    def fingerprint(self) -> str:
        """Its address: what it says today is in the recordings."""
        return f"wikipedia:{self._address}:{self._rank}"

    async def search(self, query: Query, question: Question, *, limit: int) -> Found:
        """Sentences; see `Source.search`."""
        try:
            pages = await self._pages(await self._titles(query.text))
            pages = await self._resolved(pages, query.topic or query.text)
        except NoAnswerError as error:
            return reply(self.name, query, failure=f"{error}")
        pieces = [
            Evidence(
                text=sentence,
                source=self.name,
                locator=f"{self._address}/wiki/{_in_address(page.title)}, sentence {number}",
                title=page.title,
                retrieved=page.retrieved,
            )
            for page in pages
            for number, sentence in enumerate(split_sentences(page.text)[:_SENTENCES], 1)
        ]
        topic = query.topic or query.text
        return reply(self.name, query, best_evidence(topic, pieces, self._ranker, limit=limit))

    async def _titles(self, text: str) -> list[str]:
        """Titles that searches give, each once, those for names first."""
        titles: dict[str, None] = {}
        for asked in dict.fromkeys((*mentions(text)[:_NAMES], text)):
            parameters = {"q": asked[:300], "limit": f"{_TITLES}"}
            url = f"{self._address}/w/rest.php/v1/search/page"
            value, _ = await self._client.json(Request(url=url, parameters=parameters))
            if not isinstance(value, Mapping) or "pages" not in value:
                raise NoAnswerError(f"{self._address}: its search answers {value!r:.120}")
            for page in _objects(value, "pages"):
                if isinstance(page.get("title"), str):
                    titles[cast("str", page["title"])] = None
        return list(titles)

    async def _pages(self, titles: Sequence[str]) -> list[_WikiPage]:
        """Beginnings of pages, in the order of their titles; those that do not exist left out."""
        pages: list[_WikiPage] = []
        for begin in range(0, len(titles), _AT_ONCE):
            asked = titles[begin : begin + _AT_ONCE]
            value, retrieved = await self._ask(
                {
                    "prop": "extracts|pageprops",
                    "titles": "|".join(asked),
                    "redirects": "1",
                    "exintro": "1",
                    "explaintext": "1",
                    "exlimit": "max",
                    "ppprop": "disambiguation",
                }
            )
            found = {page.get("title"): page for page in _objects(value, "query", "pages")}
            moved = {
                hop.get("from"): hop.get("to")
                for kind in ("normalized", "redirects")
                for hop in _objects(value, "query", kind)
            }
            for title in asked:
                target: object = title
                for _ in range(3):  # normalised, then redirected
                    target = moved.get(target, target)
                page = found.pop(target, None)
                if page is None or page.get("missing"):
                    continue
                text = page.get("extract")
                properties = page.get("pageprops")
                ambiguous = isinstance(properties, Mapping) and "disambiguation" in properties
                pages.append(
                    _WikiPage(
                        title=f"{target}",
                        text=text if isinstance(text, str) else "",
                        retrieved=retrieved,
                        links=await self._links(f"{target}") if ambiguous else (),
                    )
                )
        return pages

    async def _links(self, title: str) -> tuple[str, ...]:
        """Titles that a page links to."""
        parameters = {"prop": "links", "titles": title, "plnamespace": "0", "pllimit": "max"}
        value, _ = await self._ask(parameters)
        links = [
            link for page in _objects(value, "query", "pages") for link in _objects(page, "links")
        ]
        return tuple(f"{link['title']}" for link in links if link.get("title"))

    async def _ask(self, parameters: Mapping[str, str]) -> tuple[JSON, str]:
        common = {"action": "query", "format": "json", "formatversion": "2", "maxlag": "5"}
        url = f"{self._address}/w/api.php"
        request = Request(url=url, parameters={**common, **parameters})
        value, retrieved = await self._client.json(request)
        if not isinstance(value, Mapping) or "query" not in value:
            raise NoAnswerError(f"{self._address}: it answers {value!r:.120}")
        return value, retrieved

    async def _resolved(self, pages: Sequence[_WikiPage], topic: str) -> list[_WikiPage]:
        """Pages, with those that a disambiguation page links to in its place."""
        known = {page.title for page in pages}
        result: list[_WikiPage] = []
        for page in pages:
            if not page.links:
                result.append(page)
                continue
            scores = Bm25().scores(topic, page.links)
            order = sorted(range(len(page.links)), key=lambda place: -scores[place])
            best = [page.links[place] for place in order if page.links[place] not in known]
            linked = await self._pages(best[:_TITLES])
            known.update(one.title for one in linked)
            result.extend(replace(one, links=()) for one in linked if not one.links)
        return result


def _objects(value: object, *path: str) -> list[Mapping[str, JSON]]:
    """The objects of a list below a path of names; none where there is no such list."""
    for name in path:
        value = (
            cast("Mapping[str, object]", value).get(name) if isinstance(value, Mapping) else None
        )
    if not isinstance(value, list):
        return []
    held = cast("list[object]", value)
    return [cast("Mapping[str, JSON]", one) for one in held if isinstance(one, Mapping)]


def _in_address(title: str) -> str:
    return quote(title.replace(" ", "_"), safe="_(),:!'-.")


def open_wikipedia(rest: str) -> WikipediaSource:
    """The source `wikipedia:REST`."""
    language, settings = split_settings(rest, ("record", "replay", "rank", "seconds"))
    return WikipediaSource(
        language or "en",
        manners=Manners(deadline=positive(settings, "seconds", 30.0)),
        recordings=open_recordings(settings),
        rank=settings.get("rank", "bm25"),
    )
