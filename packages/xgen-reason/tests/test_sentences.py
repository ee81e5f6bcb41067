"""Sentences: the cases that make rules necessary."""

import pytest

from xgen_reason.knowledge.sentences import split_paragraphs, split_sentences

CASES = {
    "plain": "It rains. | She stays in! | Does he? | Yes.",
    "titles": "Dr. Smith met Mrs. Jones at St. Mary's. | Prof. Lee left.",
    "initials": "J. R. R. Tolkien wrote it. | George W. Bush read it.",
    "decimals": "Pi is 3.14 or so. | It costs $1.50. | Version 2.0 is out.",
    "dotted abbreviations": "The U.S. Army base in Washington D.C. is old. | It closed.",
    "abbreviations at the end": "He left the U.S. | The base closed. | It met at 5 p.m. | He ate.",
    "companies": "Apple Inc. Chairman Levinson spoke. | He works for Acme Inc. | The firm is old.",
    "latin": "Fruits, e.g. Apples, etc. are sold, i.e. Bought. | Cf. Fig. 3 and No. 5.",
    "quotes": '"Stop!" | He stopped. | "I won\'t." | (He did not.) | “Why?” | She left.',
    "a question inside": '"Why?" he asked. | "Go!" she said.',
    "ellipsis": "Well... maybe. | He waited… | Nothing came.",
    "footnotes": "It was founded in 1900.[1] | The town grew.[2][3] | It has a port.",
    "a lower-case name": "He uses an iPhone. | It rings.",
    "names with dots": "Yahoo! is a site. | See example.com for more. | He left.",
    "born": "Ada (b. 1815) was a mathematician. | She died c. 1852 in London.",
    "versus": "Roe v. Wade was heard in 1973. | It was decided.",
    "numbers begin": "He was born in 1970. | 1971 was cold.",
    "vitamin": "They lack vitamin C. | The body needs it.",
    "no": "He said no. | The door closed.",
    "accents": "Elle est là. | Émile est parti.",
    "chinese": "今天下雨。|我在家！|你呢？",
    "russian": "Он пришёл. | Она ушла.",
    "no end": "A heading without an end",
}


@pytest.mark.parametrize("name", CASES)
def test_sentences_end_where_they_should(name):
    expected = [part.strip() for part in CASES[name].split("|")]
    joint = "" if name == "chinese" else " "
    assert list(split_sentences(joint.join(expected))) == expected


def test_white_space_and_blank_lines():
    text = "A heading\n\nIt goes\n  on here. And\there.\n \nEnd"
    assert split_sentences(text) == ("A heading", "It goes on here.", "And here.", "End")
    assert split_paragraphs(text) == ("A heading", "It goes\n  on here. And\there.", "End")
    assert split_sentences(" \n ") == ()


def test_nothing_is_lost():
    text = "Mr. A. B. said: 'No.' (See p. 5.) The U.S. ... e.g. this! \"What?\" And 3.5 % of it."
    assert " ".join(split_sentences(text)) == text
