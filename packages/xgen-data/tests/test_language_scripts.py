"""Scripts of letters."""

from __future__ import annotations

import pytest

from xgen_data.language import dominant_script, script_share, script_shares


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("Où est-elle ?", "Latn"),
        ("कहाँ है?", "Deva"),
        ("где она", "Cyrl"),
        ("أين هي؟", "Arab"),
        ("ไหน", "Thai"),
        ("ᱚᱞ ᱪᱤᱠᱤ", "Olck"),
        ("ⵜⵉⴼⵉⵏⴰⵖ", "Tfng"),
        ("ｗｉｄｅ", "Latn"),
        ("12 + 3 = ?", None),
        ("", None),
    ],
)
def test_most_letters_decide(text: str, script: str | None) -> None:
    assert dominant_script(text) == script


def test_shares_are_of_letters_alone() -> None:
    assert script_shares("abc 123 где!") == {"Cyrl": 0.5, "Latn": 0.5}
    assert script_share("BBC: где", "Cyrl") == 0.5
    assert script_share("1 2 3", "Cyrl") is None
    assert script_share("को ab", "Deva") == 0.5  # a letter and a vowel sign
    assert script_shares("e\u0301") == {"Latn": 1}  # an accent is of no script


def test_scripts_of_scripts_take_all_of_theirs() -> None:
    assert script_share("川は流れる", "Jpan") == 1
    assert script_share("한국 漢字", "Hang") == 1
    assert script_share("川は流れる", "Hans") == pytest.approx(2 / 5)
    assert script_share("他說", "Hans") == script_share("他說", "Hant") == 1
