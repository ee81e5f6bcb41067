"""The form of prompts."""

from __future__ import annotations

import pytest

from xgen_ldp import ENGLISH, Exemplar, Layout, Side, find_language, open_bank
from xgen_ldp.prompts import Tags

FRENCH, IGBO, NEPALI = find_language("fra"), find_language("ibo"), find_language("npi")
LINE = Side(language=IGBO, text="Ịmụ igwe")
PAIR = Exemplar(
    id="deck:4",
    sides=(
        Side(language=FRENCH, text="Je suis désolé"),
        Side(language=ENGLISH, text="I'm sorry"),
    ),
    origin="parallel",
)


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("name", "French: Je suis désolé\nEnglish: I'm sorry\n\nIgbo: Ịmụ igwe\nEnglish:"),
        ("generic", "Source: Je suis désolé\nEnglish: I'm sorry\n\nSource: Ịmụ igwe\nEnglish:"),
        ("none", "Je suis désolé\nI'm sorry\n\nỊmụ igwe\n"),
    ],
)
def test_a_prompt_has_the_form_of_the_slides(tags: Tags, expected: str) -> None:
    assert Layout(tags=tags).render([PAIR], [LINE], [ENGLISH]) == expected


def test_tags_without_names_tell_the_sides_of_a_triplet_apart() -> None:
    assert Layout(tags="generic").tags_of([IGBO, ENGLISH, NEPALI]) == [
        "Source:",
        "English:",
        "Target:",
    ]
    assert Layout(tags="generic").tags_of([ENGLISH, IGBO]) == ["English:", "Target:"]


@pytest.mark.parametrize("tags", ["name", "generic"])
def test_an_answer_is_read_with_and_without_its_first_tag(tags: Tags) -> None:
    layout, asked = Layout(tags=tags), [ENGLISH, NEPALI]
    second = layout.tags_of([IGBO, ENGLISH, NEPALI])[2]
    assert layout.parse(f" Learning\n{second} सिकाइ", [LINE], asked) == ("Learning", "सिकाइ")
    assert layout.parse(f"English: Learning\n{second} सिकाइ", [LINE], asked) == (
        "Learning",
        "सिकाइ",
    )
    assert layout.parse(" Learning", [LINE], asked) is None
    assert layout.parse(" Learning\nसिकाइ", [LINE], asked) is None


def test_the_bank_holds_many_scripts_with_english_on_the_right() -> None:
    bank = open_bank()
    assert len({language.script for language in bank.languages}) >= 8
    assert all(exemplar.output.language == ENGLISH for exemplar in bank.exemplars)


@pytest.mark.parametrize(
    ("answer", "read"),
    [
        ("**English:** Machine learning", "Machine learning"),
        ("english： Machine learning", "Machine learning"),
        ("Igbo: Ịmụ igwe\nEnglish: Machine learning", "Machine learning"),
        ("\n Machine learning \nThe translation is free.", "Machine learning"),
        ("“Machine learning”", "Machine learning"),
        ('"Machine" and "learning"', '"Machine" and "learning"'),
        ("Igbo: Ịmụ igwe", "Ịmụ igwe"),
        ("English is spoken here: Lagos", "English is spoken here: Lagos"),
    ],
)
def test_a_model_that_chats_is_read_leniently(answer: str, read: str) -> None:
    assert Layout().parse(answer, [LINE], [ENGLISH]) == (read,)


def test_quotes_of_the_given_line_stay() -> None:
    given = Side(language=IGBO, text='"Ịmụ igwe"')
    assert Layout().parse('"Learning"', [given], [ENGLISH]) == ('"Learning"',)


@pytest.mark.parametrize("answer", ["", " \n ", "English:", '""', "English: \n\n"])
def test_an_answer_without_text_has_nothing(answer: str) -> None:
    assert Layout().parse(answer, [LINE], [ENGLISH]) is None
