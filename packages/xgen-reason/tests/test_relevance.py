"""Relevance and disagreement of evidence, by words."""

import pytest

from xgen_reason import Evidence
from xgen_reason.disagreement import disagreement
from xgen_reason.knowledge.words import content_words
from xgen_reason.relevance import relevance


def test_words_that_mean_something():
    assert content_words("The Eiffel Tower’s height is 1,083 feet.") == [
        "eiffel",
        "tower",
        "height",
        "1",
        "083",
        "feet",
    ]
    assert content_words("It is what it is") == []


def test_relevance_is_the_part_that_is_met():
    assert relevance("Who built the tower?", "The towers were built by Eiffel.") == 1
    assert relevance("Where was Marie Curie born?", "Marie Curie won two prizes.") == 2 / 3
    assert relevance("Where was Marie Curie born?", "Bread is baked.") == 0
    assert relevance("Is it?", "Anything") == 1
    assert relevance("Где родилась Мария?", "Мария — физик.") == 1 / 3


def pieces(*texts, sources=None):
    names = sources or ["text"] * len(texts)
    return [Evidence(text=t, source=s, locator="1") for t, s in zip(texts, names, strict=True)]


@pytest.mark.parametrize(
    ("texts", "what"),
    [
        (
            ("Lea Berg was born in Oslo in 1902.", "Lea Berg was born in 1907 in Oslo."),
            "the pieces disagree: 1 and 2, 1902 and 1907",
        ),
        (
            ("The bridge is open to cars.", "x", "The bridge is not open to cars."),
            "the pieces disagree: 1 and 3, one denies what the other says",
        ),
    ],
)
def test_disagreement(texts, what):
    assert disagreement(pieces(*texts)) == what


@pytest.mark.parametrize(
    "texts",
    [
        ("Lea Berg was born in 1902.", "Lea Berg was born in Oslo in 1902."),
        ("Lea Berg was born in 1902.", "Lea Berg was born in Oslo."),
        ("Lea Berg was born in 1902.", "The bridge was opened in 1907."),
        ("It has 2,100 rooms in the house.", "It has 2100 rooms in the house."),
        ("The bridge is open.", "No ship may pass here."),
        ("One piece only, of 1902.",),
        (),
    ],
)
def test_agreement(texts):
    assert disagreement(pieces(*texts)) == ""


def test_sources_that_differ_in_a_property():
    said = ("Norway – capital – Oslo", "Norway – capital – Bergen")
    assert disagreement(pieces(*said, sources=["rdf", "wikidata"])) == (
        "the pieces disagree: 1 and 2, 'Oslo' and 'Bergen'"
    )
    assert disagreement(pieces(*said)) == ""  # several values of one source
    assert (
        disagreement(
            pieces("Norway – capital – Oslo", "Norway – king – Harald", sources=["rdf", "wikidata"])
        )
        == ""
    )
