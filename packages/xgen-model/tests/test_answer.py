"""From tokens to text: stop strings, characters, log-probabilities."""

import numpy as np
import pytest

from xgen_core import TokenLogprob
from xgen_core.lm.wire import token_text
from xgen_model.engine.answer import Answer, token_logprob


class Pieces:
    """A tokenizer with the tokens of a list."""

    def __init__(self, pieces):
        self.pieces = [p if isinstance(p, bytes) else p.encode() for p in pieces]

    def token_bytes(self, token_id):
        return self.pieces[token_id]


def write(pieces, stop=(), limit=99, reports=False):
    """Everything told, token by token, and the completion; the id after the last piece ends it."""
    tokenizer = Pieces(pieces)
    answer = Answer(tokenizer, stop=stop, eos_id=len(pieces), limit=limit)
    told = []
    for number in [*range(len(pieces)), len(pieces)]:
        report = token_logprob(tokenizer, number, -1.0) if reports and number < 2 else None
        answer.add(number, report)
        told.append(answer.fresh())
    return told, answer.completion(5)


def test_text_up_to_the_end_token():
    told, made = write(["ab", "c"])
    assert told == ["ab", "c", ""]
    assert (made.text, made.finish_reason) == ("abc", "stop")
    assert (made.prompt_tokens, made.completion_tokens) == (5, 2)
    _, cut = write(["ab", "c"], limit=1)
    assert (cut.text, cut.finish_reason, cut.completion_tokens) == ("ab", "length", 1)


@pytest.mark.parametrize(
    ("pieces", "stop", "text", "tokens"),
    [
        (["a", "b", "cd", "e"], ("bc",), "a", 1),  # across a border, the rest of a token goes
        (["ab", "c", "b", "x"], ("cbx", "cc"), "ab", 1),
        (["x\n", "\n", "y"], ("\n\n",), "x", 1),  # half of a token's text is kept
        (["abcabd"], ("abd",), "abc", 1),
        (["a", "bcd"], ("abcd", "bc"), "a", 1),  # complete first
        (["abc"], ("bc", "abc"), "", 0),  # at the same place: the longer
        (["ab", "ac"], ("aa",), "abac", 2),
    ],
)
def test_a_stop_string_ends_the_text(pieces, stop, text, tokens):
    told, made = write(pieces, stop)
    assert "".join(told) == made.text == text
    assert made.completion_tokens == tokens
    assert made.finish_reason == "stop"


def test_what_may_become_a_stop_string_is_not_told_yet():
    told, made = write(["a<", "/", "b", "</", "s>"], ("</s>",))
    assert told == ["a", "", "</b", "", "", ""]
    assert made.text == "a</b"


def test_half_a_character_is_not_told():
    euro = "€".encode()
    told, made = write([b"1" + euro[:1], euro[1:2], euro[2:] + b"!"])
    assert told == ["1", "", "€!", ""]
    told, made = write(["a", euro[:2]])
    assert told == ["a", "", "\ufffd"]
    assert made.text == "a\ufffd"


def test_text_is_what_the_bytes_decode_to_however_they_are_cut():
    random = np.random.default_rng(0)
    data = random.integers(0, 256, 300, np.uint8).tobytes() + "äöü€😀".encode() * 9
    at = 0
    pieces = []
    while at < len(data):
        size = int(random.integers(0, 5))
        pieces.append(data[at : at + size])
        at += size
    told, made = write(pieces, limit=9999)
    assert "".join(told) == made.text == data.decode("utf-8", "replace")


def test_a_token_by_name():
    tokenizer = Pieces(["ab", b"\xe2\x82", ""])
    assert [token_text(tokenizer.token_bytes(i)) for i in range(3)] == [
        "ab",
        "bytes:\\xe2\\x82",
        "",
    ]
    found = token_logprob(tokenizer, 0, -0.5, [1, 0], [-0.25, -0.5])
    top = {"bytes:\\xe2\\x82": -0.25, "ab": -0.5}
    assert found == TokenLogprob(id=0, text="ab", logprob=-0.5, top=top)


def test_reports_are_of_the_tokens_that_count():
    _, made = write(["a", "b", "c"], ("bc",), reports=True)
    assert made.completion_tokens == len(made.logprobs) == 1
