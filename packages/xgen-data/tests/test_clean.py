import pytest

from xgen_core import Document
from xgen_data import Drop
from xgen_data.steps import Funnel, run_steps
from xgen_data.steps.clean import cleaning_steps, normalise_text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\r\nb\rc\n", "a\nb\nc\n"),
        ("\ufeffstart \ufeff inside", "start \ufeff inside"),
        ("a\0b\ud800c\udfff", "abc"),
        ("e\u0301 and é", "e\u0301 and é"),  # not composed: text stays as it was written
        ("\U0001f600\t\x0b", "\U0001f600\t\x0b"),
    ],
)
def test_normalise(text, expected):
    assert normalise_text(text) == expected
    assert normalise_text(expected) == expected


def test_steps_count_what_they_drop():
    def document(name, text):
        return Document(id=name, text=text, source="s")

    items = [
        document("fine", "some text here\r\n"),
        document("blank", " \n\t "),
        document("nul", "\0\0"),
        document("short", "tiny"),
        document("short2", "tiny2"),
        document("long", "x" * 41 + "\nrest"),
        document("exact", "y" * 40 + "\n" + "z" * 40),
        Drop(reason="not UTF-8", example="latin.txt"),
    ]
    funnel = Funnel()
    kept = list(run_steps(items, cleaning_steps(min_chars=6, max_line=40), funnel))
    assert [d.id for d in kept] == ["fine", "exact"]
    assert kept[0].text == "some text here\n"
    assert funnel.read == 8
    assert funnel.dropped == {
        ("length", "no text"): 2,
        ("length", "shorter than 6 characters"): 2,
        ("line_length", "line longer than 40 characters"): 1,
        ("read", "not UTF-8"): 1,
    }
    assert funnel.examples["length", "shorter than 6 characters"] == "short"
