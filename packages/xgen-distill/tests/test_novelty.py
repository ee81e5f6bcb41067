"""New or not: the index finds exactly what a comparison with everything finds."""

from __future__ import annotations

import itertools
import random

import pytest

from xgen_distill.generation.filters import Filters
from xgen_distill.generation.novelty import Novelty
from xgen_eval.metrics.rouge import rouge

_WORDS = "add all and even find from in largest list number of odd remove return string sum the two"


def make_instruction(draw: random.Random) -> str:
    words = draw.choices(_WORDS.split(), k=draw.randint(4, 9))
    return f"{' '.join(words).capitalize()}."


def make_instructions(count: int, seed: int) -> list[str]:
    """Of which a third is an earlier one with a word changed."""
    draw, made = random.Random(seed), list[str]()
    for number in range(count):
        words = draw.choice(made).split() if number % 3 == 2 else []
        if words:
            words[draw.randrange(len(words))] = draw.choice(_WORDS.split())
        made.append(" ".join(words) if words else make_instruction(draw))
    return made


def brute_force(text: str, earlier: dict[str, str], threshold: float) -> tuple[str, float] | None:
    scores = [(name, rouge(text, other)["rougeL"]) for name, other in earlier.items()]
    above = [(name, score) for name, score in scores if score > threshold]
    return max(above, key=lambda pair: pair[1]) if above else None


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.9])
def test_rouge_prefilter_equals_brute_force(threshold: float) -> None:
    novelty, earlier, refused = Novelty(rouge_l=threshold, jaccard=1.0), dict[str, str](), 0
    for number, text in enumerate(make_instructions(150, seed=3)):
        wanted = brute_force(text, earlier, threshold)
        found = novelty.find(text)
        if wanted is not None:
            assert found is not None
            assert (found.like, found.measure) == (wanted[0], "rouge-l")
            assert found.similarity == round(wanted[1], 6)
            refused += 1
        elif found is not None:
            assert found.measure == "minhash"
        novelty.add(f"{number}", text)
        earlier[f"{number}"] = text
    assert refused > 2


def test_no_two_that_were_accepted_are_alike() -> None:
    novelty, accepted = Novelty(), list[str]()
    for text in make_instructions(150, seed=5):
        if novelty.find(text) is None:
            novelty.add(text, text)
            accepted.append(text)
    assert 50 < len(accepted) < 150
    for one, other in itertools.combinations(accepted, 2):
        assert rouge(one, other)["rougeL"] <= 0.7
        a, b = (set(text.lower().rstrip(".").split()) for text in (one, other))
        assert len(a & b) / len(a | b) < 0.8


def test_the_same_words_in_another_order_are_not_new() -> None:
    novelty = Novelty()
    novelty.add("first", "Given a list of numbers and a limit, return the sum of those below it.")
    other = "Return the sum of those numbers below a limit, given it and a list of numbers."
    found = novelty.find(other)
    assert found is not None
    assert (found.like, found.measure) == ("first", "minhash")
    assert novelty.find(other, apart=["first"]) is None


def test_ancestors_are_passed_over_and_others_are_not() -> None:
    novelty = Novelty()
    novelty.add("parent", "Return the largest number in a list.")
    novelty.add("other", "Return the largest number in a nested list.")
    text = "Return the largest number in a deeply nested list."
    found = novelty.find(text)
    assert found is not None
    assert found.like == "other"
    assert novelty.find(text, apart=["other", "parent"]) is None


def test_texts_without_words_resemble_nothing() -> None:
    novelty = Novelty()
    novelty.add("nothing", "…")
    assert novelty.find("…") is None
    assert novelty.find("") is None


@pytest.mark.parametrize(
    ("instruction", "reason"),
    [
        ("Return the sum of a list.", ""),
        ("Sum a list.", "too few words"),
        ("word " * 151, "too many words"),
        ("Return all colours of an Image in order.", "blacklisted word: image"),
        ("Return the mapping of a key.", ""),
        ("Write a program that adds two numbers.", "opening: Write a program"),
        ("- Return the sum of a list.", "begins with punctuation"),
        ("Örtliche Summe der Zahlen einer Liste.", "begins with no ASCII character"),
    ],
)
def test_filters(instruction: str, reason: str) -> None:
    assert Filters().reason(instruction) == reason


def test_settings_of_filters_and_thresholds_are_checked() -> None:
    with pytest.raises(ValueError, match="fewest_words"):
        Filters(fewest_words=5, most_words=4)
    with pytest.raises(ValueError, match="thresholds"):
        Novelty(rouge_l=0.0)
