"""Wikidata against a server on this machine: what it is sent, and what becomes of its answers."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from xgen_core import InputError
from xgen_core.lm.asker import Asker
from xgen_core.lm.scripted import Rule, ScriptedModel
from xgen_reason import Found, Prompt, PromptSet, Query, Question
from xgen_reason.knowledge.polite import Manners
from xgen_reason.knowledge.recordings import Recordings
from xgen_reason.knowledge.wikidata import WikidataSource, open_wikidata
from xgen_reason.queries.sparql import SparqlQueries

QUESTION = Question(id="1", text="Who wrote Emma?")
QUICK = Manners(pause=0, longest_pause=0, attempts=2)
LABELS = {"Q1": "Emma", "Q2": "Emma", "Q3": "Jane Austen", "P50": "author"}
SEARCH = {
    ("Emma", "item"): [
        {"id": "Q1", "label": "Emma", "description": "given name"},
        {"id": "Q2", "label": "Emma", "description": "novel that somebody wrote"},
    ],
    ("author", "property"): [{"id": "P50", "label": "author", "description": "main creator"}],
}
WROTE = "SELECT ?who WHERE { wd:/Emma/ wdt:/author/ ?who }"


class Wikidata:
    """The endpoint and the API, as far as the source asks them."""

    def __init__(self) -> None:
        self.queries: list[str] = []
        self.asked: list[str] = []
        self.busy = 0
        self.now = self.most = 0

    async def sparql(self, request: web.Request) -> web.Response:
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0)
        self.now -= 1
        assert request.headers["User-Agent"].startswith("xgen-reason/")
        form = await request.post()
        query = f"{form['query']}"
        self.queries.append(query)
        if self.busy:
            self.busy -= 1
            return web.Response(status=429, headers={"Retry-After": "0"})
        if "broken" in query:
            return web.json_response({"unexpected": True})
        if "ASK" in query:
            return web.json_response({"head": {}, "boolean": True})
        found = "wd:Q2 wdt:P50" in query
        row = {"who": {"type": "uri", "value": "http://www.wikidata.org/entity/Q3"}}
        return web.json_response(
            {"head": {"vars": ["who"]}, "results": {"bindings": [row] if found else []}}
        )

    async def api(self, request: web.Request) -> web.Response:
        query = request.query
        assert query["maxlag"] == "5"
        if query["action"] == "wbsearchentities":
            self.asked.append(query["search"])
            found = SEARCH.get((query["search"], query["type"]), [])
            return web.json_response({"search": found, "success": 1})
        ids = query["ids"].split("|")
        self.asked.append(query["ids"])
        assert len(ids) <= 50
        entities = {
            id: {"id": id, "labels": {"en": {"language": "en", "value": LABELS[id]}}}
            if id in LABELS
            else {"id": id, "missing": ""}
            for id in ids
        }
        return web.json_response({"entities": entities, "success": 1})


def served(work, server: Wikidata | None = None, **settings):
    """What `work(source, server)` gives."""
    wikidata = server or Wikidata()

    async def run():
        app = web.Application()
        app.router.add_post("/sparql", wikidata.sparql)
        app.router.add_get("/api", wikidata.api)
        async with TestServer(app) as local:
            source = WikidataSource(
                endpoint=str(local.make_url("/sparql")),
                api=str(local.make_url("/api")),
                **{"manners": QUICK, **settings},
            )
            async with source:
                return await work(source, wikidata)

    return asyncio.run(run())


async def asked(source: WikidataSource, text: str) -> Found:
    return await source.search(Query(text=text, language="sparql"), QUESTION, limit=3)


async def inquired(source: WikidataSource, server: Wikidata, query: str = WROTE) -> Found:
    model = ScriptedModel([Rule(pattern="", replies=(query,))])
    prompts = PromptSet(name="t", prompts={"sparql": Prompt(layout="{sentence}\nQuery: {query}")})
    return await SparqlQueries().inquire(
        Asker(model), prompts, source, QUESTION, "A novel wrote itself.", step=1, limit=3
    )


def test_a_query_is_posted_with_its_prefixes_and_told_with_labels() -> None:
    async def work(source: WikidataSource, server: Wikidata) -> Found:
        found = await asked(source, "SELECT ?who WHERE { wd:Q2 wdt:P50 ?who }")
        assert server.queries == [
            "PREFIX wd: <http://www.wikidata.org/entity/>\n"
            "PREFIX wdt: <http://www.wikidata.org/prop/direct/>\n"
            "SELECT ?who WHERE { wd:Q2 wdt:P50 ?who }"
        ]
        assert server.asked == ["P50|Q2|Q3"]
        return found

    (piece,) = served(work).evidence
    assert piece.text == "Emma – author – Jane Austen"
    assert piece.retrieved
    assert piece.locator.endswith(
        "#SELECT%20%3Fwho%20WHERE%20%7B%20wd%3AQ2%20wdt%3AP50%20%3Fwho%20%7D"
    )


def test_names_are_linked_by_its_search_and_the_context() -> None:
    found = served(inquired)
    assert [a.text for a in found.attempts] == ["SELECT ?who WHERE { wd:Q2 wdt:P50 ?who }"]
    assert found.evidence[0].text == "Emma – author – Jane Austen"


def test_requests_go_one_at_a_time_and_again_when_it_is_busy() -> None:
    async def work(source: WikidataSource, server: Wikidata) -> None:
        server.busy = 1
        texts = [f"ASK {{ wd:Q{n} wdt:P50 wd:Q3 }}" for n in range(6)]
        found = await asyncio.gather(*(asked(source, text) for text in texts))
        assert all(f.evidence[0].text.endswith("Jane Austen: true") for f in found)
        assert len(server.queries) == 7
        assert server.most == 1

    served(work)


def test_what_goes_wrong_out_there_is_a_failure() -> None:
    async def work(source: WikidataSource, server: Wikidata) -> None:
        broken = await asked(source, "SELECT ?who { ?who wdt:P50 'broken' }")
        assert broken.failure.endswith("answers no SPARQL results in JSON")
        server.busy = 9
        busy = await asked(source, "ASK { wd:Q9 wdt:P50 wd:Q3 }")
        assert "answers 429" in busy.failure
        assert busy.attempts[0].outcome == busy.failure

    served(work)


def test_a_search_that_does_not_answer_is_no_unknown_name(tmp_path: Path) -> None:
    Recordings(tmp_path / "empty.db").close()
    recordings = Recordings(tmp_path / "empty.db", "replay")
    found = served(inquired, recordings=recordings)
    assert "not recorded, and this is a replay" in found.failure
    assert found.evidence == ()


def test_nothing_that_is_refused_or_malformed_is_sent() -> None:
    async def work(source: WikidataSource, server: Wikidata) -> None:
        for text in ("SELECT * { SERVICE <http://x/> { ?s ?p ?o } }", "CLEAR ALL", "ASK {"):
            assert await source.check(text)
        for text in ("SELECT * { SERVICE <http://x/> { ?s ?p ?o } }", "CLEAR ALL"):
            assert (await asked(source, text)).failure
        found = await inquired(source, server, "SELECT ?who { wd:/Emma/ ")
        assert found.failure.startswith("the model wrote no usable query")
        assert not server.queries
        assert not server.asked

    served(work)


def test_a_recorded_run_is_replayed_without_the_server(tmp_path: Path) -> None:
    server = Wikidata()
    path = tmp_path / "replies.db"

    async def twice(source: WikidataSource, server: Wikidata) -> tuple[Found, Found]:
        first = await inquired(source, server)
        count = len(server.queries) + len(server.asked)
        second = await inquired(source, server)
        assert len(server.queries) + len(server.asked) == count
        return first, second

    first, second = served(twice, server, recordings=Recordings(path))
    assert first == second


def test_settings_are_read() -> None:
    source = open_wikidata("?language=de&endpoint=https://qlever.example/api/wikidata")
    assert source.fingerprint == "wikidata:https://qlever.example/api/wikidata:de"
    assert source.summary == "the graph of Wikidata at qlever.example"
    with pytest.raises(InputError, match="unknown setting 'lang'"):
        open_wikidata("?lang=de")
