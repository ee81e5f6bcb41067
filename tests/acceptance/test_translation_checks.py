"""What is taken for a translation: real references are, echoes, loops and other scripts are not."""

from __future__ import annotations

import random
import unicodedata
from collections import Counter
from pathlib import Path

import pytest

from xgen_ldp import ENGLISH, Checker, Language, Side, find_language

CASES = 1000


@pytest.fixture(scope="session")
def news(data: Path) -> dict[Language, list[str]]:
    """Aligned lines of 17 languages and English."""
    found: dict[Language, list[str]] = {}
    for path in sorted((data / "ldp" / "ntrex").glob("*.txt")):
        text = unicodedata.normalize("NFC", path.read_text("utf-8"))
        found[find_language(path.name.split(".")[1])] = text.splitlines()
    assert len(found) == 18
    return found


def counted(cases: list[tuple[Side, str, Language]]) -> Counter[str]:
    """Cases by the first reason against them."""
    checked = (Checker().check(*case).findings for case in cases)
    return Counter(findings[0].reason if findings else "accepted" for findings in checked)


def test_references_by_people_are_accepted(news: dict[Language, list[str]]) -> None:
    for language, lines in news.items():
        if language == ENGLISH:
            continue
        for source, target in ((language, ENGLISH), (ENGLISH, language)):
            given = [Side(language=source, text=text) for text in news[source]]
            cases = [(g, text, target) for g, text in zip(given, news[target], strict=True)]
            assert counted(cases)["accepted"] >= 0.98 * len(lines), (source.code, target.code)


def test_a_model_that_echoes_english_is_found_out(news: dict[Language, list[str]]) -> None:
    rng = random.Random(0)
    changes = (
        lambda text: text,
        str.lower,
        str.upper,
        lambda text: f'"{text}"',
        lambda text: text.rstrip(".") + "!",
        lambda text: " ".join(text.split()[1:]) or text,
    )
    languages = [language for language in news if language != ENGLISH]
    cases: list[tuple[Side, str, Language]] = []
    for number in range(CASES):
        text = rng.choice(news[ENGLISH])
        given = Side(language=ENGLISH, text=text)
        cases.append((given, changes[number % len(changes)](text), rng.choice(languages)))
    assert counted(cases)["copy"] >= 0.99 * CASES


def test_a_model_that_answers_in_another_script_is_found_out(
    news: dict[Language, list[str]],
) -> None:
    rng = random.Random(1)
    cases: list[tuple[Side, str, Language]] = []
    while len(cases) < CASES:
        source, target, other = rng.sample(list(news), 3)
        if target.script == other.script:
            continue
        number = rng.randrange(500)
        cases.append(
            (Side(language=source, text=news[source][number]), news[other][number], target)
        )
    assert counted(cases)["wrong-script"] >= 0.99 * CASES


def test_a_model_that_answers_in_another_language_is_found_out(
    news: dict[Language, list[str]],
) -> None:
    """Of the same script: what the identifier is for; short lines are let pass."""
    rng = random.Random(2)
    cases: list[tuple[Side, str, Language]] = []
    while len(cases) < CASES:
        source, target, other = rng.sample(list(news), 3)
        if target.script == other.script:
            number = rng.randrange(500)
            given = Side(language=source, text=news[source][number])
            cases.append((given, news[other][number], target))
    assert counted(cases)["wrong-language"] >= 0.95 * CASES


def test_a_model_that_loops_is_found_out(news: dict[Language, list[str]]) -> None:
    rng = random.Random(3)
    cases: list[tuple[Side, str, Language]] = []
    for number in range(CASES):
        target = rng.choice([language for language in news if language != ENGLISH])
        line = rng.randrange(500)
        text = news[target][line]
        words = text.split()
        begin = rng.randrange(len(words))
        phrase = " ".join(words[begin : begin + rng.randint(1, 8)])
        before = " ".join(words[:begin]) if number % 2 else ""
        looped = f"{before} {' '.join([phrase] * rng.randint(4, 20))}".strip()
        cases.append((Side(language=ENGLISH, text=news[ENGLISH][line]), looped, target))
    assert counted(cases)["loop"] >= 0.99 * CASES
