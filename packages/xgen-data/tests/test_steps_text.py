import pytest
from hypothesis import given
from hypothesis import strategies as st

from xgen_core import Document
from xgen_data import Drop
from xgen_data.steps import Boilerplate, Mojibake, Unicode
from xgen_data.steps.unicode import clean_unicode, repair_mojibake


def document(text):
    return Document(id="d", text=text, source="s")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain text\n\tstays", "plain text\n\tstays"),
        ("zero\u200bwidth soft\u00adhyphen", "zerowidth softhyphen"),
        ("\u202eright to left\u202c", "right to left"),
        ("a\u00a0b\u3000c", "a b c"),
        ("one\u2028two\x85three", "one\ntwo\nthree"),
        ("bell\x07 \x9b", "bell "),
        ("e\u0301", "é"),
        ("क्‍ष \u0646\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", None),  # joiners that matter
        ("👩\u200d💻", None),
        ("la\u200dtin", "latin"),
    ],
)
def test_clean_unicode(text, expected):
    assert clean_unicode(text) == (text if expected is None else expected)


@given(st.text(alphabet=st.characters(exclude_categories=("Cs",))))
def test_cleaning_twice_is_cleaning_once(text):
    once = clean_unicode(text)
    assert clean_unicode(once) == once


def test_composing_is_optional():
    assert clean_unicode("e\u0301", nfc=False) == "e\u0301"
    same = document("unchanged é")
    assert Unicode().one(same) is same


@pytest.mark.parametrize(
    "text", ["café", "“quoted”", "naïve — dash…", "Ελληνικά", "日本語", "🙂", "€5"]
)
@pytest.mark.parametrize("encoding", ["cp1252", "latin-1"])
def test_mojibake_is_undone(text, encoding):
    damaged = ""
    for byte in text.encode("utf-8"):
        try:
            damaged += bytes([byte]).decode(encoding)
        except UnicodeDecodeError:  # five bytes that Windows-1252 does not have
            damaged += chr(byte)
    repaired, count = repair_mojibake(f"so {damaged}!")
    assert repaired == f"so {text}!"
    assert count == sum(c > "\x7f" for c in text)


@pytest.mark.parametrize(
    "text", ["Ça va, Ärger über Übung", "50 Â", "Ñandú ÀÉÎ", "São Paulo — «été»", "Œuvre ãé"]
)
def test_correct_text_is_not_repaired(text):
    assert repair_mojibake(text) == (text, 0)


def test_double_damage_is_undone():
    damaged = "é".encode().decode("latin-1").encode().decode("latin-1")
    assert repair_mojibake(damaged)[0] == "é"


def test_mojibake_step():
    (result,) = Mojibake().apply([document("It is caf\u00c3\u00a9 time")])
    assert (result.text, result.metadata) == ("It is café time", {"unicode.repaired": 1})
    assert Mojibake().apply([document("\ufffd lost")]) == [Drop(reason="undecodable characters")]


def test_boilerplate_goes_and_text_stays():
    article = "\n".join(
        f"Paragraph {i} tells at some length what happened on that day." for i in range(9)
    )
    about = "An article on cookies says that a cookie policy is what few people read. " * 4
    page = "\n".join(
        [
            "Home | News | Sport | Contact",
            "We use cookies to improve your experience. Accept all cookies",
            article,
            about,
            "© 2024 The Company",
            "All rights reserved.",
        ]
    )
    (result,) = Boilerplate().apply([document(page)])
    assert result.text == f"{article}\n{about}"
    assert result.metadata == {"boilerplate.lines": 4}


def test_headers_that_repeat_go():
    pages = "\n".join(
        f"Annual Report of the Board\nPage {i} is about matter {i}, and about more of it."
        for i in range(5)
    )
    (result,) = Boilerplate().apply([document(pages)])
    assert "Annual Report" not in result.text
    assert result.text.count("matter") == 5
    fewer = document("A line of its own\n" * 3 + "the end of the text")
    assert Boilerplate().apply([fewer]) == [fewer]


def test_a_page_of_boilerplate_is_dropped():
    text = "Accept all cookies\nPrivacy Policy\nBack to top\nshort"
    assert Boilerplate().apply([document(text)]) == [Drop(reason="mostly boilerplate")]
