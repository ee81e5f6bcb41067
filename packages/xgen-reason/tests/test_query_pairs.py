"""Training data for a generator of queries: data sets, wrong queries, sides, the command."""

from __future__ import annotations

import asyncio
import json
import random
from pathlib import Path

import pytest
from click.testing import CliRunner

from xgen_core import ChatTemplate, Example, InputError
from xgen_core.files import read_json, read_jsonl
from xgen_reason import load_prompts
from xgen_reason.cli import reason
from xgen_reason.knowledge.graph_process import GraphProcess
from xgen_reason.queries.builder import build_pairs, compact
from xgen_reason.queries.contrast import FAULTS, wrong_queries
from xgen_reason.queries.label_form import stand_ins
from xgen_reason.queries.questions import (
    QueriedQuestion,
    read_label_table,
    read_queried_questions,
)
from xgen_reason.queries.reply import read_query

PROMPT = load_prompts("general").prompt("sparql")
LABELS = {
    "Q1": "Jane Austen",
    "Q2": "novel",
    "Q3": "AC/DC",
    "P50": "author",
    "P31": "instance of",
    "P175": "performer",
}
BOOKS = "SELECT ?b WHERE { ?b wdt:P50 wd:Q1 . ?b wdt:P31 wd:Q2 }"
QUERY = "SELECT ?b WHERE { ?b wdt:/author/ wd:/Jane Austen/ . ?b wdt:/instance of/ wd:/novel/ }"


def question(number: int, query: str = BOOKS, *texts: str) -> QueriedQuestion:
    return QueriedQuestion(
        id=f"q{number}", texts=texts or (f"Which novels ({number})?",), query=query
    )


def test_every_fault_spoils_a_query_in_its_own_way() -> None:
    found = {w.fault: w.text for w in wrong_queries(QUERY, random.Random(1), count=9)}
    assert list(found) != list(FAULTS)
    assert set(found) == set(FAULTS)
    assert len({QUERY, *found.values()}) == len(FAULTS) + 1
    assert "WHERE" not in found["no WHERE"]
    assert "{" not in found["no WHERE"]
    assert " ?b wdt:/author/ wd:" in found["misspelt entity"]
    assert found["missing triple"].count("?b") == 2
    assert sorted(found["swapped labels"]) == sorted(QUERY)
    parses = {fault: asyncio.run(problem(text)) == "" for fault, text in found.items()}
    assert not parses.pop("no WHERE")
    assert not parses.pop("no prefix")
    assert all(parses.values()), "these are wrong in what they say, not in how"


async def problem(text: str) -> str:
    async with GraphProcess() as process:
        return await process.check(stand_ins(text))


def test_a_short_query_has_fewer_faults_and_a_misspelling_is_no_other_name() -> None:
    short = "ASK { wd:/Ada/ wdt:/x/ 1 }"
    faults = {w.fault for w in wrong_queries(short, random.Random(0), count=9)}
    assert "missing triple" not in faults
    labels = {"Ad", "Aa", "Adda", "Adaa"}
    for seed in range(20):
        found = wrong_queries(short, random.Random(seed), labels=labels, count=9)
        assert "misspelt entity" not in {w.fault for w in found}


def test_pairs_are_examples_whose_reply_is_trained() -> None:
    built = build_pairs([question(1)], LABELS, PROMPT, test=0)
    (pair,) = built.train
    asked, reply = pair.messages
    assert (asked.role, asked.trained, reply.role, reply.trained) == (
        "user",
        False,
        "assistant",
        True,
    )
    fields = {"question": "Which novels (1)?", "sentence": "Which novels (1)?"}
    assert asked.content == PROMPT.render(fields, shots=0)
    assert reply.content.startswith(f"Correct query: {QUERY}\nIncorrect query 1: ")
    assert reply.content.count("Incorrect query") == 4
    assert read_query(reply.content) == QUERY
    assert sum(built.faults.values()) == 4
    (plain,) = build_pairs([question(1)], LABELS, PROMPT, test=0, contrastive=False).train
    assert plain.messages[1].content == QUERY


def test_what_gives_no_pair_is_counted_by_reason() -> None:
    questions = [
        question(1),
        question(1, BOOKS, "which NOVELS (1)?"),
        question(2, "SELECT ?x { wd:Q404 wdt:P50 ?x }"),
        question(3, "CONSTRUCT WHERE { ?s ?p ?o }"),
        question(4, "SELECT * { ?s ?p ?o }"),
        QueriedQuestion(id="q5", texts=(), query=BOOKS),
    ]
    built = build_pairs(questions, LABELS, PROMPT, test=0)
    assert len(built.train) == 1
    assert built.dropped == {
        "an id without a label": 1,
        "asked before, with the same query": 1,
        "its query is not run: CONSTRUCT gives a graph: SELECT or ASK": 1,
        "its query names nothing": 1,
        "no wording in the language": 1,
    }


def test_sides_are_by_query_and_stay_when_more_comes() -> None:
    questions = [
        question(n, f"ASK {{ wd:Q1 wdt:P50 {n % 60} }}", f"Is it {n}?", f"It is {n}?")
        for n in range(120)
    ]
    built = build_pairs(questions, LABELS, PROMPT, test=0.3)
    again = build_pairs(questions, LABELS, PROMPT, test=0.3)
    assert built == again
    assert len(built.train) + len(built.test) == 240
    assert 20 < len(built.test) < 140

    def query_of(pair: Example) -> str:
        return read_query(pair.messages[1].content)

    assert not {query_of(p) for p in built.train} & {query_of(p) for p in built.test}
    some = build_pairs(questions[:50], LABELS, PROMPT, test=0.3)
    assert {p.id for p in some.test} <= {p.id for p in built.test}
    other = build_pairs(questions, LABELS, PROMPT, test=0.3, seed=1)
    assert {p.id for p in other.test} != {p.id for p in built.test}


def test_a_query_is_made_compact() -> None:
    query = (
        "PREFIX wd: <http://www.wikidata.org/entity/> PREFIX own: <http://a/>\n"
        "PREFIX wdt:<http://www.wikidata.org/prop/direct/>\n# all\nASK {\n  wd:Q1 own:b 'x  y' }"
    )
    assert compact(query) == "PREFIX own: <http://a/> ASK { wd:Q1 own:b 'x  y' }"


QALD = {
    "questions": [
        {
            "id": 7,
            "question": [
                {"language": "de", "string": "Welche Romane?"},
                {"language": "en", "string": "Which  novels?"},
            ],
            "query": {"sparql": BOOKS},
        }
    ]
}
LCQUAD = [
    {
        "uid": 7,
        "question": "Which novels?",
        "paraphrased_question": "What novels?",
        "sparql_wikidata": BOOKS,
    },
    {"uid": 8, "question": None, "paraphrased_question": "n/a?", "sparql_wikidata": BOOKS},
]


def test_forms_of_data_sets_are_read(tmp_path: Path) -> None:
    qald, lcquad, own = tmp_path / "qald.json", tmp_path / "lc.json", tmp_path / "own.jsonl"
    qald.write_text(json.dumps(QALD))
    lcquad.write_text(json.dumps(LCQUAD))
    own.write_text(json.dumps({"id": "a", "question": "Which novels?", "query": BOOKS}) + "\n")
    assert [q.texts for q in read_queried_questions(qald)] == [("Which novels?",)]
    assert [q.texts for q in read_queried_questions(qald, language="de")] == [("Welche Romane?",)]
    assert [q.texts for q in read_queried_questions(lcquad)] == [
        ("Which novels?", "What novels?"),
        ("n/a?",),
    ]
    assert [(q.id, q.query) for q in read_queried_questions(own)] == [("own/a", BOOKS)]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.json", "{}", "no questions: expected QALD's JSON"),
        ("a.json", "[]", "no questions"),
        ("a.json", '[{"uid": 1}]', "entry 1 is no question with a query"),
        ("a.json", '{"questions": [7]}', "entry 1 is no question"),
        ("a.jsonl", '{"id": 1, "question": "x"}\n', "entry 1 is no question"),
        ("a.jsonl", '{"id": 1, "question": "x", "query": {}}\n', "entry 1 is no question"),
        ("a.json", "{", "not JSON"),
    ],
)
def test_files_of_another_form_are_said(tmp_path: Path, name: str, content: str, said: str) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(InputError, match=said):
        list(read_queried_questions(path))


def test_label_tables_are_read_and_contradictions_said(tmp_path: Path) -> None:
    table, rows = tmp_path / "labels.tsv", tmp_path / "labels.jsonl"
    table.write_text("Q1\tAC/DC\nQ2\ta\tb\n\nQ1\tAC/DC\n")
    rows.write_text('{"id": "Q1", "label": "AC/DC"}\n')
    assert read_label_table(table) == {"Q1": "AC/DC", "Q2": "a\tb"}
    assert read_label_table(rows) == {"Q1": "AC/DC"}
    for text, said in (
        ("Q1 label", "labels.tsv:1: expected an id, a tab and a label"),
        ("Q1\tone\nQ1\tother", "labels.tsv:2: Q1 has two labels"),
    ):
        table.write_text(text)
        with pytest.raises(InputError, match=said):
            read_label_table(table)
    rows.write_text('{"id": "Q1"}\n')
    with pytest.raises(InputError, match="line 1 has no id and label"):
        read_label_table(rows)
    with pytest.raises(InputError, match="none"):
        read_label_table(tmp_path / "none.tsv")


def test_the_command_builds_both_sides_and_says_how_to_train(tmp_path: Path) -> None:
    (tmp_path / "q.json").write_text(json.dumps(QALD))
    (tmp_path / "lc.json").write_text(json.dumps(LCQUAD))
    (tmp_path / "labels.tsv").write_text("".join(f"{id}\t{name}\n" for id, name in LABELS.items()))
    arguments = ["queries", "build", f"{tmp_path}/q.json", f"{tmp_path}/lc.json"]
    arguments += ["--labels", f"{tmp_path}/labels.tsv", "-o", f"{tmp_path}/pairs.jsonl"]
    said = CliRunner().invoke(reason, [*arguments, "--test", "0"])
    assert said.exit_code == 0, said.output
    assert "pairs.jsonl: 3 pairs\n" in said.output
    assert "--lora rank=64,alpha=16,targets=query+value" in said.output
    template = ChatTemplate.from_json(read_json(tmp_path / "pairs.template.json"))
    pairs = list(read_jsonl(tmp_path / "pairs.jsonl", Example.from_json))
    assert [pair.id for pair in pairs] == ["q/7", "lc/7", "lc/8"]
    text = "".join(segment.text for segment in template.render(pairs[0].messages))
    assert text.startswith(
        PROMPT.render({"question": "Which novels?", "sentence": "Which novels?"}, shots=0)
        + " Correct query: SELECT"
    )
    assert text.endswith("\n\n")
    assert PROMPT.stop == template.stop
    assert list(read_jsonl(tmp_path / "pairs.test.jsonl")) == []
    counts = CliRunner().invoke(reason, [*arguments, "--json", "--correct-only"])
    found = json.loads(counts.output)
    assert found["train"] + found["test"] == 3
    assert found["faults"] == {}


def test_the_command_says_what_does_not_parse(tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    rows = [BOOKS, "SELECT ?b WHERE { ?b", "DROP ALL"]
    path.write_text(
        "".join(
            json.dumps({"id": n, "question": "?", "query": q}) + "\n" for n, q in enumerate(rows)
        )
    )
    said = CliRunner().invoke(reason, ["queries", "parse", str(path)])
    assert said.exit_code == 0, said.output
    assert "own.jsonl: 1 of 3 queries parse\n  own/1: error after 'SELECT" in said.output
    assert "\n  own/2: DROP changes data, and queries only read\n" in said.output
    found = json.loads(CliRunner().invoke(reason, ["queries", "parse", str(path), "--json"]).output)
    assert (found[str(path)]["queries"], found[str(path)]["parse"]) == (3, 1)
