"""From a sentence to evidence in a graph: written, mended, linked, relaxed, listed, or nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from xgen_core import Completion, GenerationRequest
from xgen_core.lm.asker import Asker
from xgen_core.lm.scripted import Rule, ScriptedModel
from xgen_reason import Found, Prompt, PromptSet, Query, Question
from xgen_reason.knowledge.rdf import RdfSource
from xgen_reason.queries.relaxation import relaxations
from xgen_reason.queries.reply import read_query, write_reply
from xgen_reason.queries.sparql import SparqlQueries

GRAPH = """
@prefix wd: <http://www.wikidata.org/entity/> .
@prefix wdt: <http://www.wikidata.org/prop/direct/> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix schema: <http://schema.org/> .
wd:Q1 rdfs:label "Ada Lovelace"@en ; wdt:P31 wd:Q5 ; wdt:P19 wd:Q2 ; wdt:P40 wd:Q7 .
wd:Q2 rdfs:label "London"@en ; schema:description "capital of England"@en ; wdt:P31 wd:Q3 .
wd:Q8 rdfs:label "London"@en ; schema:description "town in Ontario"@en ; wdt:P31 wd:Q9 .
wd:Q3 rdfs:label "metropolis"@en ; wdt:P279 wd:Q9 . wd:Q9 rdfs:label "city"@en .
wd:Q5 rdfs:label "human"@en . wd:Q7 rdfs:label "Byron/King"@en .
wd:P19 rdfs:label "place of birth"@en . wd:P40 rdfs:label "child"@en .
wd:P31 rdfs:label "instance of"@en . wd:P279 rdfs:label "subclass of"@en .
wd:P20 rdfs:label "place of death"@en . wd:Q8 wdt:P20 wd:Q9 .
"""
QUESTION = Question(id="1", text="Where was Ada Lovelace born?")
SENTENCE = "Ada Lovelace was born in London."
PROMPTS = PromptSet(
    name="test",
    prompts={"sparql": Prompt(layout="Question: {question}\nSentence: {sentence}\nQuery: {query}")},
)


class Source(RdfSource):
    """The real one, noting what it is asked."""

    asked: list[str]

    async def search(self, query: Query, question: Question, *, limit: int) -> Found:
        self.asked.append(query.text)
        return await super().search(query, question, limit=limit)


def inquire(
    tmp_path: Path, *replies: str, writer: SparqlQueries | None = None, limit: int = 3
) -> tuple[Found, Asker, list[str]]:
    """What is found with a model that gives these replies, the last one for ever."""
    path = tmp_path / "graph.ttl"
    path.write_text(GRAPH)
    model = Replies(*replies)

    async def run() -> tuple[Found, Asker, list[str]]:
        asker = Asker(model)
        async with Source(path) as source:
            source.asked = []
            found = await (writer or SparqlQueries()).inquire(
                asker, PROMPTS, source, QUESTION, SENTENCE, step=2, limit=limit
            )
            return found, asker, source.asked

    return asyncio.run(run())


class Replies(ScriptedModel):
    """Replies in order, whatever is asked."""

    def __init__(self, *texts: str) -> None:
        super().__init__([Rule(pattern="", replies=("",))])
        self.texts = list(texts)

    async def generate(self, request: GenerationRequest) -> list[Completion]:
        text = self.texts.pop(0) if len(self.texts) > 1 else self.texts[0]
        return [Completion(text=text, finish_reason="stop")]


def test_a_query_in_label_form_is_linked_and_answered(tmp_path: Path) -> None:
    found, asker, asked = inquire(
        tmp_path, " SELECT ?x WHERE { wd:/Ada Lovelace/ wdt:/place of birth/ ?x }"
    )
    assert [e.text for e in found.evidence] == ["Ada Lovelace – place of birth – London"]
    assert asked == ["SELECT ?x WHERE { wd:Q1 wdt:P19 ?x }"]
    assert found.query.text == asked[0]
    assert found.query.topic == SENTENCE
    assert [(a.text, a.outcome) for a in found.attempts] == [(asked[0], "found")]
    assert found.evidence[0].locator == f"graph.ttl: {asked[0]}"
    assert not found.failure
    (call,) = asker.calls
    assert (call.stage, call.step) == ("sparql", 2)
    assert call.prompt.endswith(f"Sentence: {SENTENCE}\nQuery:")


def test_the_parsers_word_goes_back_to_the_model(tmp_path: Path) -> None:
    found, asker, _ = inquire(
        tmp_path,
        "SELECT ?x { wd:/Ada Lovelace/ wdt:/place of birth/ ?x",
        "I would say SELECT ?x { wd:/Ada Lovelace/ wdt:/place of birth/ ?x }",
    )
    assert found.evidence
    first, second = asker.calls
    assert second.prompt.startswith(first.prompt + " SELECT ?x { wd:/Ada Lovelace/")
    assert "\nProblem: error after 'SELECT ?x { wd:Q1 wdt:P2 ?x': expected" in second.prompt
    assert second.prompt.endswith("\nQuery:")
    assert found.attempts[0].outcome.startswith("error after ")
    assert found.attempts[1].outcome == "found"


def test_a_model_that_cannot_write_sparql_is_a_failure_and_no_exception(tmp_path: Path) -> None:
    for reply, said in (
        ("I do not know.", "a query begins with SELECT or ASK, not with 'I'"),
        ("", "no query"),
        ("DROP ALL", "DROP changes data"),
        ("SELECT * { SERVICE <http://x/> { ?s ?p ?o } }", "SERVICE asks another server"),
    ):
        found, asker, asked = inquire(tmp_path, reply)
        assert len(asker.calls) == len(found.attempts) == 3
        assert found.failure.startswith(f"the model wrote no usable query: {said}")
        assert not asked
        assert not found.evidence


def test_namesakes_are_tried_until_one_is_found(tmp_path: Path) -> None:
    found, _, asked = inquire(tmp_path, "SELECT ?x { wd:/London/ wdt:/place of death/ ?x }")
    assert asked[:2] == ["SELECT ?x { wd:Q2 wdt:P20 ?x }", "SELECT ?x { wd:Q8 wdt:P20 ?x }"]
    assert [a.outcome for a in found.attempts] == ["empty", "found"]
    assert found.evidence[0].text == "London – place of death – city"


def test_classes_widen_then_go(tmp_path: Path) -> None:
    query = (
        "SELECT ?x { wd:/Ada Lovelace/ wdt:/place of birth/ ?x . ?x wdt:/instance of/ wd:/city/ }"
    )
    found, _, _ = inquire(tmp_path, query)
    assert found.attempts[-1].text == (
        "# with subclasses\nSELECT ?x { wd:Q1 wdt:P19 ?x . ?x wdt:P31/wdt:P279* wd:Q9 . }"
    )
    assert "London" in found.evidence[0].text
    assert found.evidence[0].locator.startswith("graph.ttl: SELECT ?x { wd:Q1")
    found, _, _ = inquire(tmp_path, query.replace("city", "human"))
    assert found.attempts[-1].text.startswith("# without classes\nSELECT ?x { wd:Q1 wdt:P19 ?x")


def test_a_pattern_is_read_the_other_way_round(tmp_path: Path) -> None:
    found, _, _ = inquire(tmp_path, r"SELECT ?x { wd:/Byron\/King/ wdt:/child/ ?x }")
    assert found.attempts[-1].text.startswith("# with wd:Q7 wdt:P40 ?x the other way round\n")
    assert found.evidence[0].text == "Ada Lovelace – child – Byron/King"


def test_in_the_end_the_entity_is_listed_and_what_fits_comes_first(tmp_path: Path) -> None:
    found, _, _ = inquire(
        tmp_path, "SELECT ?x { wd:/Ada Lovelace/ wdt:/favourite dish/ ?x }", limit=2
    )
    assert found.attempts[0].outcome == "no property is called 'favourite dish'"
    assert found.attempts[-1].text.startswith("# all triples\n")
    assert found.evidence[0].text == "Ada Lovelace – place of birth – London"
    assert len(found.evidence) == 2


def test_no_result_is_said_with_all_that_was_tried(tmp_path: Path) -> None:
    found, _, asked = inquire(tmp_path, "SELECT ?x { wd:/Nobody Atall/ wdt:/child/ ?x }")
    assert found.evidence == ()
    assert found.failure == ""
    assert [a.outcome for a in found.attempts] == ["no entity is called 'Nobody Atall'"]
    assert not asked
    found, _, asked = inquire(tmp_path, "ASK { wd:Q404 wdt:P19 wd:Q405 FILTER(1 > 2) }")
    assert [e.text for e in found.evidence] == ["Q404 – place of birth – Q405: false"]


def test_only_graphs_are_asked(tmp_path: Path) -> None:
    class Text:
        name, language, summary, fingerprint = "text", "text", "", ""

        async def search(self, query: Query, question: Question, *, limit: int) -> Found:
            raise AssertionError

    found = asyncio.run(
        SparqlQueries().inquire(
            Asker(Replies("")),
            PROMPTS,
            Text(),
            QUESTION,
            SENTENCE,
            step=1,
            limit=3,  # type: ignore[arg-type]
        )
    )
    assert found.failure == "source 'text' does not link names"


def test_a_tuned_generator_may_go_on_with_wrong_queries(tmp_path: Path) -> None:
    good = "SELECT ?x { wd:/Ada Lovelace/ wdt:/place of birth/ ?x }"
    found, _, asked = inquire(tmp_path, write_reply(good, ["SELECT { }", "ASK"]))
    assert found.evidence
    assert asked == ["SELECT ?x { wd:Q1 wdt:P19 ?x }"]


@pytest.mark.parametrize(
    "text",
    [
        "ASK { ?s ?p ?o }",
        "Here it is:\n```sparql\nASK { ?s ?p ?o }\n```\nI hope it helps.",
        "  ASK { ?s ?p ?o }\n\nSentence: next",
        "Correct query: ASK { ?s ?p ?o }\nIncorrect query 1: ASK { ?s }",
        "ASK { ?s ?p ?o };",
        "To ask this: ASK { ?s ?p ?o }",
    ],
)
def test_a_query_is_found_in_what_stands_around_it(text: str) -> None:
    assert read_query(text).removeprefix("ask this: ") == "ASK { ?s ?p ?o }"


def test_rungs_leave_strings_filters_and_paths_alone() -> None:
    query = (
        "SELECT ?x { ?x wdt:P31 wd:Q1 ; wdt:P50/wdt:P31 ?y, 'wdt:P31 wd:Q1 .' . "
        "FILTER(?x > 3 && REGEX(?y, 'a')) OPTIONAL { ?y a wd:Q2 } }"
    )
    rungs = dict(relaxations(query))
    assert "?x wdt:P31/wdt:P279* wd:Q1 . " in rungs["with subclasses"]
    assert "'wdt:P31 wd:Q1 .'" in rungs["with subclasses"]
    assert "OPTIONAL { ?y a/rdfs:subClassOf* wd:Q2 . " in rungs["with subclasses"]
    assert "?y a wd:Q2" not in rungs["without classes"]
    assert "FILTER(?x > 3 && REGEX(?y, 'a'))" in rungs["without classes"]
    assert "?y wdt:P50/wdt:P31 ?x" in rungs["with ?x wdt:P50/wdt:P31 ?y the other way round"]
    assert len(rungs) == 3
    assert list(relaxations("SELECT * { ?s ?p 'text' }")) == []
