"""Names and what they may mean: namesakes, spelling, context, and nothing at all."""

from __future__ import annotations

from xgen_reason.knowledge.labels import Entry, LabelIndex, identifier, spoken
from xgen_reason.knowledge.linking import Candidate, Mention, candidates, choices

PARIS = (
    Entry(id="Q90", kind="entity", label="Paris", about="capital of France city", degree=500),
    Entry(id="Q830149", kind="entity", label="Paris", about="city in Texas", degree=9),
    Entry(id="Q167646", kind="entity", label="Paris", about="prince of Troy myth", degree=40),
    Entry(id="Q2", kind="entity", label="Texas", aliases=("Lone Star State",), degree=30),
    Entry(id="P19", kind="property", label="place of birth", aliases=("born in",), degree=80),
)


def ids(name: str, context: str = "", kind: str = "entity") -> list[str]:
    labels = LabelIndex(PARIS)
    assert kind in ("entity", "property")
    return [c.id for c in candidates(labels, Mention(label=name, kind=kind), context)]


def test_the_best_known_comes_first_unless_the_context_says_otherwise() -> None:
    assert ids("Paris") == ["Q90", "Q167646", "Q830149"]
    assert ids("Paris", "Which city in Texas is it?")[0] == "Q830149"
    assert ids("Paris", "The prince whom the myth of Troy knows")[0] == "Q167646"


def test_aliases_spelling_and_case_are_forgiven() -> None:
    assert ids("lone star  STATE") == ["Q2"]
    assert ids("Lone Star Stat") == ["Q2"]
    assert ids("born in", kind="property") == ["P19"]
    assert ids("place of  Birth", kind="property") == ["P19"]


def test_nothing_is_an_answer() -> None:
    assert ids("Quetzalcoatl") == []
    assert ids("Paris", kind="property") == []
    assert ids("") == []
    assert ids('"') == []
    assert ids('a" OR "b') == []


def test_combinations_come_by_the_product_of_scores() -> None:
    def options(*scores: float) -> list[Candidate]:
        return [Candidate(id=f"Q{s}", label="", score=s) for s in scores]

    found = list(choices([options(0.9, 0.5), options(0.8, 0.7, 0.1)], limit=4))
    products = [one.score * other.score for one, other in found]
    assert products == sorted(products, reverse=True)
    assert len(found) == len({tuple(c.id for c in chosen) for chosen in found}) == 4
    assert list(choices([options(0.9), []], limit=4)) == []
    assert list(choices([], limit=4)) == [()]


def test_iris_have_short_names() -> None:
    assert identifier("http://www.wikidata.org/prop/statement/value/P31") == "P31"
    assert identifier("http://www.wikidata.org/entity/Q42") == "Q42"
    assert identifier("http://www.wikidata.org/entity/statement/Q42-x") != "Q42"
    assert spoken("http://a/birthPlace") == "birth place"
    assert spoken("http://a/Marie_Curie") == "Marie Curie"
    assert spoken("http://a#MarieCurie") == "Marie Curie"
