"""Answers as sentences: labels, dates, units, yes and no, and what no pattern states."""

from __future__ import annotations

import pytest

from xgen_reason.knowledge.sparql_guard import PREFIXES
from xgen_reason.knowledge.verbalise import Answer, Term, verbalise, written_value

XSD = PREFIXES["xsd"]
NAMES = {
    f"{PREFIXES['wd']}Q1": "Ada",
    f"{PREFIXES['wd']}Q2": "London",
    f"{PREFIXES['wd']}Q3": "kilogram",
    f"{PREFIXES['wdt']}P19": "place of birth",
    f"{PREFIXES['wdt']}P40": "child",
    f"{PREFIXES['p']}P2067": "mass",
    f"{PREFIXES['psn']}P2067": "mass",
}


def iri(id: str) -> Term:
    return Term(kind="iri", text=PREFIXES["wd"] + id)


def literal(text: str, kind: str = "string") -> Term:
    return Term(kind="literal", text=text, datatype=XSD + kind)


def told(query: str, *rows: tuple[Term | None, ...], columns: str = "x", limit: int = 3):
    answer = Answer(columns=tuple(columns.split()), rows=rows)
    return verbalise(answer, query, lambda iri: NAMES.get(iri, ""), limit=limit)


def test_a_pattern_with_its_value() -> None:
    assert told("SELECT ?x { wd:Q1 wdt:P19 ?x }", (iri("Q2"),)) == (
        "Ada – place of birth – London",
    )
    assert told("SELECT ?x { ?x wdt:P19 wd:Q2 }", (iri("Q1"),), (iri("Q77"),)) == (
        "Ada, Q77 – place of birth – London",
    )


def test_where_the_rest_of_the_query_is_told_too() -> None:
    query = "SELECT ?x { ?y wdt:P40 wd:Q1 . ?y wdt:P19 ?x }"
    assert told(query, (iri("Q2"),)) == (
        "some y – place of birth – London (where some y – child – Ada)",
    )


def test_rows_of_several_values_are_sentences_of_their_own() -> None:
    query = "SELECT * { ?a wdt:P19 ?b ; wdt:P40 ?c }"
    rows = [(iri("Q1"), iri("Q2"), iri(f"Q{n}")) for n in range(10, 15)]
    found = told(query, *rows, columns="a b c")
    assert found[0] == "Ada – place of birth – London; Ada – child – Q10"
    assert len(found) == 3
    assert found[2].endswith("Ada – child – Q12 (and 2 more rows)")


def test_long_lists_are_counted() -> None:
    rows = [(iri(f"Q{n}"),) for n in range(10, 40)]
    (sentence,) = told("SELECT ?x { wd:Q1 wdt:P40 ?x }", *rows)
    assert sentence.endswith("Q28, Q29 and 10 more")


def test_what_is_computed_is_told_with_what_it_is_computed_from() -> None:
    query = "SELECT (COUNT(DISTINCT ?c) AS ?result) { wd:Q1 wdt:P40 ?c }"
    assert told(query, (literal("2", "integer"),), columns="result") == (
        "Ada – child – some c; number of c: 2",
    )


def test_yes_and_no() -> None:
    query = "ASK { wd:Q1 wdt:P19 wd:Q2 }"
    sentences = [verbalise(Answer(boolean=b), query, NAMES.get, limit=3) for b in (True, False)]  # type: ignore[arg-type]
    assert sentences == [
        ("Ada – place of birth – London: true",),
        ("Ada – place of birth – London: false",),
    ]
    assert verbalise(Answer(), "SELECT ?x { wd:Q1 wdt:P19 ?x }", NAMES.get, limit=3) == ()  # type: ignore[arg-type]


def test_quantities_have_their_unit() -> None:
    query = (
        "SELECT ?x ?u { wd:Q1 p:P2067/psn:P2067 ?n . "
        "?n wikibase:quantityAmount ?x ; wikibase:quantityUnit ?u }"
    )
    row = (literal("+60.5", "decimal"), iri("Q3"))
    assert told(query, row, columns="x u") == ("Ada – mass – 60.5 kilogram",)
    path = "SELECT ?x { wd:Q1 p:P2067/psn:P2067/wikibase:quantityAmount ?x }"
    assert told(path, (literal("60.5", "decimal"),)) == ("Ada – mass – 60.5",)


@pytest.mark.parametrize(
    ("text", "kind", "precision", "written"),
    [
        ("1815-12-10T00:00:00Z", "dateTime", None, "10 December 1815"),
        ("1815-12-10T00:00:00Z", "dateTime", 11, "10 December 1815"),
        ("1815-12-10T00:00:00Z", "dateTime", 10, "December 1815"),
        ("1815-01-01T00:00:00Z", "dateTime", 9, "1815"),
        ("1815-01-01T00:00:00Z", "dateTime", 7, "about 1815"),
        ("1815-01-01T00:00:00Z", "dateTime", None, "1 January 1815 (or 1815, the day unknown)"),
        ("-0043-03-15T00:00:00Z", "dateTime", 11, "15 March 43 BC"),
        ("2020-05-01T12:30:00Z", "dateTime", None, "1 May 2020, 12:30:00Z"),
        ("1999", "gYear", None, "1999"),
        ("1999-04", "gYearMonth", None, "April 1999"),
        ("soon", "dateTime", None, "soon"),
    ],
)
def test_dates_are_as_precise_as_they_are(
    text: str, kind: str, precision: int | None, written: str
) -> None:
    term = literal(text, kind)
    assert written_value(term, lambda _: "", precision=precision, wikidata=True) == written


def test_the_results_format_in_json_is_read() -> None:
    value = {
        "head": {"vars": ["x", "y"]},
        "results": {
            "bindings": [
                {"x": {"type": "uri", "value": "http://a"}},
                {"y": {"type": "literal", "value": "é", "xml:lang": "fr"}},
                {"y": {"type": "bnode", "value": "b0"}},
            ]
        },
    }
    answer = Answer.of_json(value, most=2)
    assert answer.cut
    assert answer.rows == (
        (Term(kind="iri", text="http://a"), None),
        (None, Term(kind="literal", text="é", language="fr")),
    )
    assert Answer.of_json({"head": {}, "boolean": False}, most=2) == Answer(boolean=False)
