"""A vocabulary refuses what could not encode, and its fingerprint sees what changes ids."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from xgen_tokenizer import Vocabulary
from xgen_tokenizer.vocabulary import parse_ranks

BYTES = {bytes([i]): i for i in range(256)}


def vocabulary(**changes: Any) -> Vocabulary:
    values: dict[str, Any] = {
        "ranks": {**BYTES, b"ab": 256},
        "specials": {"<|endoftext|>": 257, "<pad>": 258},
    }
    return Vocabulary(**(values | changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ranks": {b"a": 0}}, "255 of the 256 single bytes"),
        ({"specials": {"<|endoftext|>": 300}}, "257 is not"),
        ({"specials": {"<|endoftext|>": 256}}, "0 to 257, each once"),
        ({"eos": "<end>"}, "eos '<end>' is not"),
        ({"bos": "<begin>"}, "bos '<begin>' is not"),
        ({"specials": {"<|endoftext|>": 257, "": 258}}, "without whitespace"),
        ({"specials": {"<|endoftext|>": 257, "a b": 258}}, "without whitespace"),
        ({"specials": {"<|endoftext|>": 257, "<|end": 258}}, "is a prefix of"),
    ],
)
def test_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        vocabulary(**changes)


def test_fingerprint_sees_every_part() -> None:
    base = vocabulary()
    others = [
        dataclasses.replace(base, pattern=r"\S+|\s+"),
        dataclasses.replace(base, bos="<pad>"),
        dataclasses.replace(base, eos="<pad>"),
        dataclasses.replace(base, specials={"<|endoftext|>": 258, "<pad>": 257}),
        dataclasses.replace(base, ranks={**BYTES, b"ac": 256}),
    ]
    assert len({base.fingerprint(), *(o.fingerprint() for o in others)}) == 6


def test_fingerprint_does_not_see_the_order_in_which_it_was_built() -> None:
    base = vocabulary()
    turned = dataclasses.replace(
        base,
        ranks=dict(reversed(base.ranks.items())),
        specials=dict(reversed(base.specials.items())),
    )
    assert turned.fingerprint() == base.fingerprint()


def test_rank_lines_round_trip() -> None:
    assert parse_ranks(vocabulary().rank_lines()) == vocabulary().ranks


@pytest.mark.parametrize("lines", [b"YQ== 0\nYQ==\n", b"YQ== 0\nYQ== 1\n", b"?? 0\n", b"YQ== x\n"])
def test_wrong_rank_lines_are_refused(lines: bytes) -> None:
    with pytest.raises(ValueError, match="line"):
        parse_ranks(lines)
