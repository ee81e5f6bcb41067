"""Questions and chains as records."""

import pytest

from xgen_core.codec import decode, encode
from xgen_reason import Question, Table
from xgen_reason.chain import write_steps


def test_options_follow_the_text():
    question = Question(id="1", text="Which?", kind="choice", options={"A": "one", "B": "two"})
    assert question.full == "Which? A: one B: two"
    assert decode(Question, encode(question)) == question


def test_kinds_have_what_they_need():
    with pytest.raises(ValueError, match="options belong"):
        Question(id="1", text="Which?", kind="choice")
    with pytest.raises(ValueError, match="labels belong"):
        Question(id="1", text="True?", labels=("yes",))
    with pytest.raises(ValueError, match="an id and a text"):
        Question(id="", text="?")


def test_rows_fit_their_headings():
    assert Table(columns=("a", "a", ""), rows=(("1", "2", "3"),)).rows
    with pytest.raises(ValueError, match="row 2 has 1 cells, not 2"):
        Table(columns=("a", "b"), rows=(("1", "2"), ("3",)))


def test_steps_of_any_number_are_written():
    assert write_steps(tuple("abcdef")) == (
        "First, a Second, b Third, c Fourth, d Moreover, e Moreover, f"
    )
