"""Profiles of a text of one's own."""

from __future__ import annotations

import random

import pytest

from xgen_core import InputError
from xgen_data.language import Profile, build_profile

RULES = str.maketrans("aeioubcdfghlmnprstvw", "oauiezkgpjdrnmbtsvfy")
WORDS = [
    "river",
    "market",
    "basket",
    "stone",
    "bridge",
    "garden",
    "window",
    "morning",
    "teacher",
    "village",
    "harvest",
    "winter",
    "letter",
    "kitchen",
    "story",
    "under",
    "before",
    "after",
    "carry",
    "bring",
]


def lines(seed: int, count: int = 200) -> list[str]:
    """English words in no order."""
    rng = random.Random(seed)
    return [" ".join(rng.choices(WORDS, k=rng.randint(5, 12))) for _ in range(count)]


def other(texts: list[str]) -> list[str]:
    """The same in a language that nobody knows."""
    return [text.translate(RULES) for text in texts]


def test_a_line_is_like_its_own_text_and_not_like_another() -> None:
    profile = build_profile(other(lines(0)))
    assert sum(profile.is_like(line) is False for line in other(lines(1))) <= 4
    assert not any(profile.is_like(line) for line in lines(1))


def test_at_most_one_in_a_hundred_of_its_own_lines_is_refused() -> None:
    texts = lines(0)
    profile = build_profile(texts)
    assert sum(profile.is_like(text) is False for text in texts) <= 2


def test_a_rival_has_the_line_that_is_likelier_in_it() -> None:
    mixed = [f"{a} {b}" for a, b in zip(lines(0), other(lines(0)), strict=True)]
    profile, rival = build_profile(mixed), build_profile(other(lines(2)))
    line = other(lines(3))[0]
    assert profile.is_like(line)
    assert profile.is_like(line, [rival]) is False


def test_hardly_a_letter_is_like_anything() -> None:
    profile = build_profile(lines(0))
    assert profile.is_like("1,234 — 5.6%") is None
    assert profile.score("12") is None


def test_it_survives_json() -> None:
    profile = build_profile(lines(0, 60))
    again = Profile.from_json(profile.to_json())
    assert again == profile
    assert again.score(lines(1)[0]) == profile.score(lines(1)[0])


def test_few_lines_are_refused() -> None:
    with pytest.raises(InputError, match="50 lines"):
        build_profile(lines(0, 49))
