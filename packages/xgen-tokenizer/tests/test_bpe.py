"""What every `TiktokenTokenizer` promises, on XGen's vocabulary and on a small trained one."""

from __future__ import annotations

import multiprocessing
import pickle
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xgen_core import Tokenizer
from xgen_tokenizer import TiktokenTokenizer, Vocabulary, open_xgen, train_bpe

PROSE = "The quick brown fox jumps over the lazy dog's 123 friends.\n\n    def f(x): return x\n"
GPT2_AS_PUBLISHED = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
FRAGMENTS = [
    "<|endoftext|>",
    "<fim_pad>",
    "  ",
    "\t\t",
    "\n",
    "\u3000",
    "\x1c",
    "'ll",
    "é",
    "🙂",
    "9",
]
TEXT = st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.text(max_size=8)), max_size=12).map(
    "".join
)


@cache
def small() -> TiktokenTokenizer:
    return train_bpe([PROSE] * 4, vocab_size=300, name="small")


@pytest.fixture(params=[open_xgen, small], ids=["xgen", "trained"])
def tokenizer(request: pytest.FixtureRequest) -> TiktokenTokenizer:
    return request.param()


def test_is_a_tokenizer(tokenizer: TiktokenTokenizer) -> None:
    assert isinstance(tokenizer, Tokenizer)


@settings(max_examples=80, deadline=None)
@given(text=TEXT, specials=st.booleans())
def test_round_trip(text: str, specials: bool) -> None:
    for tokenizer in (open_xgen(), small()):
        ids = tokenizer.encode(text, specials=specials)
        assert tokenizer.decode(ids) == text
        assert b"".join(map(tokenizer.token_bytes, ids)) == text.encode()


@settings(max_examples=60, deadline=None)
@given(texts=st.lists(TEXT, max_size=6), specials=st.booleans())
def test_batch_is_encode_of_each(texts: list[str], specials: bool) -> None:
    batch = small().encode_batch(texts, specials=specials)
    parts = [batch.ids[a:b].tolist() for a, b in pairwise(batch.offsets)]
    assert parts == [small().encode(text, specials=specials) for text in texts]


def test_batch_has_the_declared_form(tokenizer: TiktokenTokenizer) -> None:
    for texts in ([], [""], ["", "a", ""]):
        batch = tokenizer.encode_batch(texts)
        assert (batch.ids.format, batch.ids.itemsize) == ("I", 4)
        assert (batch.offsets.format, batch.offsets.itemsize) == ("Q", 8)
        assert len(batch.offsets) == len(texts) + 1
        assert batch.offsets[-1] == len(batch.ids)


def test_large_batch_keeps_its_order() -> None:
    """Large enough to be shared out to threads."""
    texts = [f"{i} {PROSE * (i % 5)}" for i in range(1500)]
    batch = small().encode_batch(texts)
    assert sum(map(len, texts)) > 1 << 17
    parts = [batch.ids[a:b].tolist() for a, b in pairwise(batch.offsets)]
    assert parts == [small().encode(text) for text in texts]


def test_one_text_is_not_a_batch() -> None:
    with pytest.raises(TypeError, match="sequence of texts"):
        small().encode_batch("abc")


@settings(max_examples=80, deadline=None)
@given(text=TEXT)
def test_pattern_cuts_as_published(text: str) -> None:
    assert published().encode(text) == open_xgen().encode(text)


@cache
def published() -> TiktokenTokenizer:
    """XGen's vocabulary with GPT-2's pattern as its authors wrote it."""
    ours = open_xgen().vocabulary
    other = Vocabulary(ranks=ours.ranks, specials=ours.specials, pattern=GPT2_AS_PUBLISHED)
    return TiktokenTokenizer("published", other)


def test_control_tokens_in_text_are_plain_text(tokenizer: TiktokenTokenizer) -> None:
    for name, token_id in tokenizer.special_ids.items():
        plain = tokenizer.encode(f"a{name}b")
        assert not set(plain) & set(tokenizer.special_ids.values())
        assert tokenizer.encode(f"a{name}b", specials=True).count(token_id) == 1


def test_special_ids_cannot_be_changed(tokenizer: TiktokenTokenizer) -> None:
    with pytest.raises(TypeError):
        tokenizer.special_ids["<|endoftext|>"] = 0  # type: ignore[index]


@pytest.mark.parametrize("where", ["encode", "encode_batch"])
def test_lone_surrogate_is_refused(tokenizer: TiktokenTokenizer, where: str) -> None:
    text = "ab\ud83dc"
    with pytest.raises(ValueError, match=r"lone surrogate, U\+D83D, at character 2"):
        tokenizer.encode(text) if where == "encode" else tokenizer.encode_batch(["", text])


@pytest.mark.parametrize("wrong", [-1, 1 << 16, 1 << 40])
def test_ids_outside_are_refused(tokenizer: TiktokenTokenizer, wrong: int) -> None:
    with pytest.raises(ValueError, match=f"id {wrong} is outside"):
        tokenizer.decode([0, wrong])
    with pytest.raises(ValueError, match=f"id {wrong} is outside"):
        tokenizer.token_bytes(wrong)


def test_first_id_outside_is_refused(tokenizer: TiktokenTokenizer) -> None:
    tokenizer.decode([tokenizer.vocab_size - 1])
    with pytest.raises(ValueError, match="is outside"):
        tokenizer.decode([tokenizer.vocab_size])


def test_bytes_that_are_no_character_are_replaced(tokenizer: TiktokenTokenizer) -> None:
    ids = tokenizer.encode("é")
    single = next(i for i in range(256) if tokenizer.token_bytes(i) == b"\xc3")
    assert tokenizer.decode(ids) == "é"
    assert tokenizer.decode([single]) == "\ufffd"


@pytest.mark.parametrize("run", [" " * 1_200_000, " \n" * 600_000], ids=["spaces", "lines"])
def test_endless_whitespace_is_encoded(run: str) -> None:
    """tiktoken alone gives up on it; the last character goes with the word, as ever."""
    ids = open_xgen().encode(f"a{run} b")
    assert open_xgen().decode(ids) == f"a{run} b"
    assert ids == [64, *open_xgen().encode(run), 275]


def test_endless_whitespace_between_special_tokens() -> None:
    run = " " * 1_200_000
    ids = open_xgen().encode(f"x<fim_pad>{run}<|endoftext|>{run}y", specials=True)
    whole = open_xgen().encode(run)
    expected = [87, 50298, *whole, 50256, *open_xgen().encode(run[1:]), 331]
    assert ids == expected


def test_travels_to_other_processes(tokenizer: TiktokenTokenizer) -> None:
    copy = pickle.loads(pickle.dumps(tokenizer))
    assert copy.fingerprint == tokenizer.fingerprint
    assert copy.name == tokenizer.name


def test_encodes_in_a_worker_process() -> None:
    texts = [PROSE * 20] * 150
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(ids_of, (small(), texts)) == small().encode_batch(texts).ids.tolist()


def ids_of(tokenizer: TiktokenTokenizer, texts: list[str]) -> list[int]:
    return tokenizer.encode_batch(texts).ids.tolist()
