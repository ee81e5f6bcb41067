"""`wikidata:`: the live graph, asked as its operators want to be asked, and recorded.

One request at a time for each host, 60 seconds for each, `Retry-After` kept: see
`xgen_reason.knowledge.polite`. The endpoint holds the main graph alone; scholarly articles have had
one of their own since 9 May 2025, which `endpoint=` can name.

Settings: `?record=FILE` or `replay=FILE`, `language=…` of labels, `seconds=N` for each request,
`endpoint=URL` of another SPARQL endpoint with Wikidata's graph.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import cast
from urllib.parse import quote, urlsplit

from xgen_core.codec import JSON
from xgen_reason.evidence import Evidence, Found, Query, QueryLanguage
from xgen_reason.knowledge.graph_process import GraphProcess
from xgen_reason.knowledge.injection import suspicion
from xgen_reason.knowledge.labels import identifier, normal_form, word_overlap
from xgen_reason.knowledge.linking import Candidate, Mention
from xgen_reason.knowledge.opened import Opened
from xgen_reason.knowledge.polite import Manners, NoAnswerError, PoliteClient, Request
from xgen_reason.knowledge.recordings import Recordings, open_recordings
from xgen_reason.knowledge.reply import reply
from xgen_reason.knowledge.settings import positive, split_settings
from xgen_reason.knowledge.sparql_guard import refusal, with_prefixes, without_label_service
from xgen_reason.knowledge.verbalise import Answer, verbalise
from xgen_reason.question import Question

__all__ = ["ENDPOINT", "WikidataSource", "open_wikidata"]

ENDPOINT = "https://query.wikidata.org/sparql"
_API = "https://www.wikidata.org/w/api.php"
_ROWS = 200
_CANDIDATES = 5
_AT_ONCE = 50
"""Entities that one request may name."""

_SECONDS = 60.0
"""What the endpoint itself allows a query."""


def open_wikidata(rest: str) -> WikidataSource:
    """The source `wikidata:REST`.

    Raises:
        InputError: an unknown setting.
        MissingExtraError: pyoxigraph, which checks queries before they are sent, is not installed.
    """
    known = ("record", "replay", "language", "seconds", "endpoint")
    _, settings = split_settings(rest, known)
    return WikidataSource(
        language=settings.get("language", "en"),
        endpoint=settings.get("endpoint", ENDPOINT),
        manners=Manners(deadline=positive(settings, "seconds", _SECONDS)),
        recordings=open_recordings(settings),
    )


class WikidataSource(Opened):
    """Wikidata over HTTP; an async context manager.

    The same queries are refused as for a local graph, and what does not parse is not sent.

    Args:
        language: of labels.
        endpoint: address of the SPARQL endpoint.
        api: address of MediaWiki's API, where names are looked up.
        manners: with both hosts.
        recordings: of their replies.

    Raises:
        MissingExtraError: pyoxigraph is not installed.
    """

    def __init__(
        self,
        *,
        language: str = "en",
        endpoint: str = ENDPOINT,
        api: str = _API,
        manners: Manners | None = None,
        recordings: Recordings | None = None,
    ) -> None:
        self._speech = language
        self._endpoint = endpoint
        self._api = api
        self._parser = GraphProcess()
        self._client = PoliteClient(
            [urlsplit(endpoint).netloc, urlsplit(api).netloc],
            manners=manners or Manners(deadline=_SECONDS),
            recordings=recordings,
        )
        super().__init__(self._parser, self._client)

    @property
    def name(self) -> str:
        """`wikidata`."""
        return "wikidata"

    @property
    def language(self) -> QueryLanguage:
        """`"sparql"`."""
        return "sparql"

    @property
    def summary(self) -> str:
        """What it knows."""
        return f"the graph of Wikidata at {urlsplit(self._endpoint).netloc}"

    @property
    def fingerprint(self) -> str:
        """Its address: what it says today is in the recordings."""
        return f"wikidata:{self._endpoint}:{self._speech}"

    async def check(self, query: str) -> str:
        """What is wrong with a query before it is sent, in one line; empty where nothing is."""
        return await self._parser.check(query)

    async def link(self, mention: Mention, context: str) -> tuple[Candidate, ...]:
        """What a name may mean, by Wikidata's own search, the context counted in.

        Raises:
            NoAnswerError: nobody answers.
        """
        value = await self._ask(
            {
                "action": "wbsearchentities",
                "search": mention.label,
                "type": "item" if mention.kind == "entity" else "property",
                "language": self._speech,
                "uselang": self._speech,
                "limit": f"{_CANDIDATES}",
            }
        )
        found = [
            Candidate(
                id=f"{one['id']}",
                label=f"{one.get('label', '')}",
                score=_likeness(mention.label, one)
                * (0.8 + 0.2 * word_overlap(context, f"{one.get('description', '')}"))
                * (1 - 0.2 * place / _CANDIDATES),
            )
            for place, one in enumerate(_objects(value.get("search")))
            if re.fullmatch(r"[QP]\d+", f"{one.get('id')}")
        ]
        return tuple(sorted(found, key=lambda candidate: -candidate.score))

    async def search(self, query: Query, question: Question, *, limit: int) -> Found:
        """Run a query; see `Source.search`."""
        del question
        if query.language != "sparql":
            failure = f"{self.name} takes SPARQL, not {query.language}"
            return reply(self.name, query, failure=failure)
        text = without_label_service(query.text)
        if reason := refusal(text):
            return reply(self.name, query, failure=reason)
        request = Request(
            url=self._endpoint,
            parameters={"query": with_prefixes(text), "format": "json"},
            headers={"Accept": "application/sparql-results+json"},
            form=True,
        )
        try:
            value, retrieved = await self._client.json(request)
            answer = Answer.of_json(cast("Mapping[str, JSON]", value), most=_ROWS)
            labels = await self._labels(answer, text)
        except NoAnswerError as error:
            return reply(self.name, query, failure=f"{error}")
        except (KeyError, TypeError, AttributeError):
            failure = f"{urlsplit(self._endpoint).netloc}: answers no SPARQL results in JSON"
            return reply(self.name, query, failure=failure)

        def label(iri: str) -> str:
            return labels.get(identifier(iri), "")

        page = f"{self._endpoint.removesuffix('sparql')}#{quote(query.text, safe='')}"
        evidence = tuple(
            Evidence(
                text=sentence,
                source=self.name,
                locator=page,
                title="Wikidata",
                retrieved=retrieved,
                suspicious=suspicion(sentence),
            )
            for sentence in verbalise(answer, text, label, limit=limit)
        )
        return reply(self.name, query, evidence)

    async def _labels(self, answer: Answer, query: str) -> dict[str, str]:
        """What the ids of an answer and its query are called.

        Asked for anew each time, so that what is requested depends on the answer alone and a
        recorded run can be replayed in any order; the same request is answered from the record.
        """
        if not answer.rows and answer.boolean is None:
            return {}
        ids = {identifier(iri) for iri in answer.iris}
        ids |= set(re.findall(r"[QP]\d+", query))
        wanted = sorted(id for id in ids if re.fullmatch(r"[QP]\d+", id))
        labels: dict[str, str] = {}
        for begin in range(0, len(wanted), _AT_ONCE):
            value = await self._ask(
                {
                    "action": "wbgetentities",
                    "ids": "|".join(wanted[begin : begin + _AT_ONCE]),
                    "props": "labels",
                    "languages": self._speech,
                    "languagefallback": "1",
                }
            )
            for one in _objects(list(_mapping(value.get("entities")).values())):
                said = _mapping(_mapping(one.get("labels")).get(self._speech)).get("value")
                if isinstance(said, str):
                    labels[f"{one.get('id')}"] = said
        return labels

    async def _ask(self, parameters: Mapping[str, str]) -> Mapping[str, JSON]:
        common = {"format": "json", "formatversion": "2", "maxlag": "5"}
        request = Request(url=self._api, parameters={**common, **parameters})
        value, _ = await self._client.json(request)
        found = _mapping(value)
        if "search" not in found and "entities" not in found:
            raise NoAnswerError(f"{urlsplit(self._api).netloc}: it answers {value!r:.120}")
        return found


def _likeness(name: str, one: Mapping[str, JSON]) -> float:
    """As the scores of a local graph: 1 for the very label, 0.95 for an alias, less otherwise."""
    names: Sequence[JSON] = [one.get("label"), *_list(one.get("aliases"))]
    names = [*names, _mapping(one.get("match")).get("text")]
    for worth, known in zip((1.0, *[0.95] * len(names)), names, strict=False):
        if isinstance(known, str) and normal_form(known) == normal_form(name):
            return worth
    return 0.7


def _mapping(value: object) -> Mapping[str, JSON]:
    return cast("Mapping[str, JSON]", value) if isinstance(value, Mapping) else {}


def _list(value: object) -> list[JSON]:
    return cast("list[JSON]", value) if isinstance(value, list) else []


def _objects(value: object) -> list[Mapping[str, JSON]]:
    return [_mapping(one) for one in _list(value) if isinstance(one, Mapping)]
