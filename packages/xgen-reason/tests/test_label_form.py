"""Queries between ids and labels: whatever labels look like, the way back finds the same ids."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xgen_reason.knowledge.labels import Entry, LabelIndex
from xgen_reason.knowledge.linking import Mention, candidates, choices
from xgen_reason.knowledge.sparql_tokens import code, join, tokenise
from xgen_reason.queries.label_form import mentions, stand_ins, to_ids, to_labels

NAMES = {
    "Q1": "AC/DC",
    "Q2": 'The "Best" \\ of',
    "Q3": "New York",
    "Q4": "New York City",
    "Q5": "黎曼几何",
    "Q6": "New York",
    "Q7": "wd:Q1 wdt:/x/ .",
    "Q8": "two\nlines",
    "Q9": "/",
    "Q10": "\\",
    "P1": "member of",
    "P2": "member of/part of",
    "P3": "тип",
}
QUERIES = (
    "SELECT ?x WHERE { wd:Q1 wdt:P1 ?x . ?x wdt:P2/wdt:P3* wd:Q2 }",
    "SELECT ?x { wd:Q9 p:P1/psn:P1/wikibase:quantityAmount ?x ; ^wdt:P2|wdt:P3 wd:Q10, wd:Q8 . }",
    "ASK { wd:Q4 wdt:P1 wd:Q5 . wd:Q7 wdt:P31 wd:Q99 FILTER(?a / ?b > 2 && REGEX(?c, '/wd:Q1/')) }",
    'SELECT (COUNT(?x) AS ?n) { ?x wdt:P1 wd:Q4; ps:P3 "wd:Q3 / wdt:P1" } # wd:Q1 / \'',
    "SELECT * { <http://www.wikidata.org/entity/Q1> wdt:P1 wd:Q5 . wd:P1 wdt: wd:L5 }",
    "SELECT * { ?s wdt:/wdt:P1 wd:Q2 }",
)


def index(names: dict[str, str]) -> LabelIndex:
    return LabelIndex(
        Entry(id=id, kind="property" if id.startswith("P") else "entity", label=label)
        for id, label in names.items()
    )


def meant(query: str) -> list[str]:
    return [token.text for token in code(tokenise(query))]


def assert_round_trip(query: str, names: dict[str, str], labels: LabelIndex) -> None:
    """Every choice has labels equal to the original's, and the original is among the choices."""
    written = to_labels(query, names)
    named = mentions(written)
    options = [candidates(labels, mention, "") for mention in named]
    for mention, found in zip(named, options, strict=True):
        same = {id for id, name in names.items() if name == mention.label}
        same = {id for id in same if id.startswith("P") == (mention.kind == "property")}
        exact = [c.id for c in found if c.label == mention.label]
        assert set(exact) == same
        assert [c.id for c in found][: len(exact)] == exact, "exact names come first"
    count = 1
    for mention in named:
        count *= sum(name == mention.label for name in names.values())
    backs = [
        to_ids(written, {m: c.id for m, c in zip(named, chosen, strict=True)})
        for chosen in choices(
            [[c for c in o if c.label == m.label] for m, o in zip(named, options, strict=True)],
            limit=count,
        )
    ]
    if count == 1:
        assert [meant(back) for back in backs] == [meant(query)]
    else:  # occurrences that share a label share a meaning: that is the ambiguity
        assert all(to_labels(back, names) == written for back in backs)


@pytest.mark.parametrize("query", QUERIES)
def test_ids_become_labels_and_ids_again(query: str) -> None:
    assert_round_trip(query, NAMES, index(NAMES))


def test_only_what_stands_for_a_thing_is_written_in_labels() -> None:  # CoK defect 13
    assert to_labels(QUERIES[0], NAMES) == (
        "SELECT ?x WHERE { wd:/AC\\/DC/ wdt:/member of/ ?x . "
        '?x wdt:/member of\\/part of//wdt:/тип/* wd:/The "Best" \\\\ of/ }'
    )
    assert "'/wd:Q1/'" in to_labels(QUERIES[2], NAMES)
    assert "wdt:P31 wd:Q99" in to_labels(QUERIES[2], NAMES), "what has no label keeps its id"
    assert to_labels(QUERIES[3], NAMES).endswith('"wd:Q3 / wdt:P1" } # wd:Q1 / \'')
    assert to_labels(QUERIES[5], NAMES).startswith("SELECT * { ?s wdt: /wdt:/member of/ wd:")


def test_a_namesake_is_a_choice_and_not_an_error() -> None:
    labels = index(NAMES)
    written = to_labels("ASK { wd:Q3 wdt:P1 wd:Q4 }", NAMES)
    named = mentions(written)
    options = [candidates(labels, mention, "") for mention in named]
    tried = [
        to_ids(written, {m: c.id for m, c in zip(named, chosen, strict=True)})
        for chosen in itertools.islice(choices(options, limit=50), 2)
    ]
    assert tried == ["ASK { wd:Q3 wdt:P1 wd:Q4 }", "ASK { wd:Q6 wdt:P1 wd:Q4 }"]


def test_stand_ins_make_a_label_form_parse() -> None:
    written = to_labels(QUERIES[0], NAMES)
    assert stand_ins(written) == ("SELECT ?x WHERE { wd:Q1 wdt:P2 ?x . ?x wdt:P3/wdt:P4* wd:Q5 }")


def test_what_is_no_wikidata_id_is_written_as_an_iri() -> None:
    ids = {Mention(label="born", kind="property"): "http://a/born"}
    assert to_ids("ASK { ?x wdt:/born/ 1 }", ids) == "ASK { ?x <http://a/born>  1 }"


LABEL = st.text(
    st.sampled_from("ab/\\\"'<>{}#?:. |^*\n\r\tж黎é`@$%&=!,;()[]~-_0"), min_size=1, max_size=6
).filter(lambda text: text.strip() != "")


@settings(max_examples=150, deadline=None)
@given(
    labels=st.lists(LABEL, min_size=4, max_size=8),
    places=st.lists(st.integers(0, 7), min_size=3, max_size=3),
    form=st.sampled_from(
        (
            "SELECT ?x {{ wd:Q{0} wdt:P{1} ?x . ?x wdt:P{2}/wdt:P{1}* 'a/b' }}",
            'ASK{{wd:Q{0} p:P{1}/ps:P{2} wd:Q{2}, wd:Q{1};wdt:P{0} """/"/""".}}#/',
            "SELECT * {{ ?a ^wdt:P{0}|!wdt:P{1} wd:Q{2} FILTER(?a/?b < 1) }}",
        )
    ),
)
def test_any_label_survives(labels: list[str], places: list[int], form: str) -> None:
    names = {f"Q{i}": label for i, label in enumerate(labels)}
    names |= {f"P{i}": label for i, label in enumerate(reversed(labels))}
    query = form.format(*(place % len(labels) for place in places))
    found = mentions(to_labels(query, names))
    assert {m.label for m in found} <= set(labels)
    assert_round_trip(query, names, index(names))


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60), st.booleans())
def test_tokens_lose_nothing(text: str, labels: bool) -> None:
    assert join(tokenise(text, labels=labels)) == text
