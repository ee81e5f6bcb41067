"""The fast backend: tiktoken's ids on everything, chosen only when it proves that."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import warnings
from functools import cache
from itertools import pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xgen_core import InputError, open_tokenizer
from xgen_tokenizer import TiktokenTokenizer, Vocabulary, open_xgen, train_bpe
from xgen_tokenizer.fast import FastEncoder, choose_backend
from xgen_tokenizer.merges import find_merges
from xgen_tokenizer.unsettled import has_unsettled

gigatoken = pytest.importorskip("gigatoken")

FRAGMENTS = (
    *("<|endoftext|>", "<fim_pad>", "  ", "\t\t\t", "\n", "\r\n", " ", "\u3000", "\x1c", "\x85"),
    *(
        "'ll",
        "'s",
        "é",
        "🙂",
        "漢字",
        "9",
        "½",
        "!",
        "a",
        "\n!",
        "\na",
        " a",
        "don't",
        "\U00032a50",
    ),
)
TEXT = st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.text(max_size=6)), max_size=10).map(
    "".join
)


@cache
def trained() -> TiktokenTokenizer:
    corpus = [
        "def f(x):\n    return x * 2\n\n",
        "Größe, naïve, русский 日本語 🙂",
        "aaaa bb aabb  ",
    ]
    return train_bpe(corpus * 6, vocab_size=320, name="trained")


def parts(tokenizer: TiktokenTokenizer, texts: list[str]) -> list[list[int]]:
    batch = tokenizer.encode_batch(texts)
    return [batch.ids[a:b].tolist() for a, b in pairwise(batch.offsets)]


def reference(tokenizer: TiktokenTokenizer, texts: list[str]) -> list[list[int]]:
    return [tokenizer.encode(text) for text in texts]


def fuzzed(count: int, seed: int) -> list[str]:
    random = Random(seed)
    spaces = [chr(c) for c in (9, 10, 11, 12, 13, 28, 31, 32, 133, 160, 0x2003, 0x3000)]

    def character() -> str:
        code = random.randrange(random.choice((0x250, 0x3000, 0x10000, 0x110000)))
        return chr(code) if not 0xD800 <= code < 0xE000 else "?"

    def piece() -> str:
        kind = random.random()
        if kind < 0.25:
            return random.choice(spaces) * random.choice((1, 1, 2, 3, 9, 10, 31, 32, 63))
        if kind < 0.4:
            return " " * random.randrange(1, 40)
        if kind < 0.7:
            return random.choice(FRAGMENTS)
        return "".join(character() for _ in range(random.randrange(1, 6)))

    return ["".join(piece() for _ in range(random.randrange(0, 13))) for _ in range(count)]


def test_forced_by_uri() -> None:
    fast, slow = open_tokenizer("xgen:fast"), open_tokenizer("xgen:tiktoken")
    assert isinstance(fast, TiktokenTokenizer)
    assert isinstance(slow, TiktokenTokenizer)
    assert (fast.backend.name, slow.backend.name) == ("fast", "tiktoken")
    assert fast.fingerprint == slow.fingerprint == open_xgen().fingerprint


def test_equal_on_thousands_of_strings() -> None:
    texts = fuzzed(6000, seed=1)
    assert parts(open_xgen("fast"), texts) == reference(open_xgen(), texts)


def test_equal_for_a_trained_vocabulary() -> None:
    fast = TiktokenTokenizer("trained", trained().vocabulary, backend="fast")
    texts = fuzzed(2000, seed=2)
    assert parts(fast, texts) == reference(trained(), texts)


@settings(max_examples=150, deadline=None)
@given(texts=st.lists(TEXT, max_size=8))
def test_documents_do_not_touch(texts: list[str]) -> None:
    """They are encoded end to end; whatever ends one and begins the next stays apart."""
    assert parts(open_xgen("fast"), texts) == reference(open_xgen(), texts)


def test_every_pair_of_edges() -> None:
    edges = (
        "",
        " ",
        "  ",
        "\n",
        "\n\n",
        "a",
        "'s",
        "'",
        "!",
        "1",
        "é",
        "\x1c",
        "½",
        "漢",
        "🙂",
        "\xa0",
    )
    texts = [text for a in edges for b in edges for text in (f"x{a}", f"{b}x", a, b)]
    assert parts(open_xgen("fast"), texts) == reference(open_xgen(), texts)


@pytest.mark.parametrize("threads", [True, False])
def test_large_batches(threads: bool) -> None:
    texts = [f"{i}: {'def f(x):  return x' * (i % 400)}\n\n" for i in range(1400)]
    assert sum(map(len, texts)) > 1 << 22
    tokenizer = trained()
    encoder = FastEncoder(tokenizer.vocabulary, np.array, threads=threads)
    ids, offsets = encoder.encode_batch(texts)
    slow = tokenizer.encode_batch(texts)
    assert ids.tolist() == slow.ids.tolist()
    assert offsets.tolist() == slow.offsets.tolist()


def test_batches_have_the_declared_form() -> None:
    for texts in ([], [""], ["", "a", ""], ["a" * 300_000, "b"]):
        batch = open_xgen("fast").encode_batch(texts)
        assert (batch.ids.format, batch.ids.itemsize) == ("I", 4)
        assert (batch.offsets.format, batch.offsets.itemsize) == ("Q", 8)
        assert len(batch.offsets) == len(texts) + 1
        assert batch.offsets[-1] == len(batch.ids)


def test_characters_of_newer_unicode_go_to_the_reference() -> None:
    assert not any(map(has_unsettled, ("", "abc", "é русский 漢字 🙂 𝒳 𠀀 \ue000 \U000e0101")))
    assert all(map(has_unsettled, ("\u088f", "ab \U00032a50", "\U0001e6c0", "\ufdd0")))
    texts = [f"a{chr(code)}'s {chr(code)}1" for code in range(0x80, 0xD800, 7)]
    texts += [f"a{chr(code)}'s" for code in range(0x10000, 0x110000, 61)]
    assert parts(open_xgen("fast"), texts) == reference(open_xgen(), texts)


def test_lone_surrogate_is_refused() -> None:
    with pytest.raises(ValueError, match=r"lone surrogate, U\+D83D, at character 2"):
        open_xgen("fast").encode_batch(["fine", "ab\ud83dc"])


def test_names_of_special_tokens_stay_text() -> None:
    fast = open_xgen("fast")
    texts = [f"a{name}b" for name in fast.special_ids]
    assert not set(fast.encode_batch(texts).ids.tolist()) & set(fast.special_ids.values())
    assert fast.encode_batch(["<fim_pad>"], specials=True).ids.tolist() == [50298]


def test_automatic_use_waits_for_enough_text() -> None:
    auto = TiktokenTokenizer("t", trained().vocabulary)
    auto.encode_batch(["short"])
    assert "backend" not in vars(auto)
    text = "def f(x):\n    return x\n" * 200_000
    assert auto.encode_batch([text]).ids.tolist() == reference(trained(), [text])[0]
    assert vars(auto)["backend"].name == "fast"


def test_pickled_it_stays_what_it_was() -> None:
    for uri in ("fast", "tiktoken", ""):
        copy = pickle.loads(pickle.dumps(open_xgen(uri)))
        assert copy.backend.name == open_xgen(uri).backend.name


def test_another_pattern_has_no_fast_backend() -> None:
    ours = trained().vocabulary
    other = Vocabulary(ranks=ours.ranks, specials=ours.specials, pattern=r"\S+|\s+")
    assert TiktokenTokenizer("other", other).backend.name == "tiktoken"
    with pytest.raises(InputError, match="GPT-2's pattern only"):
        TiktokenTokenizer("other", other, backend="fast")


def test_a_wrong_backend_is_found_out_and_not_used() -> None:
    """The reference is made to differ instead, which is the same to the self-check."""
    vocabulary = train_bpe(["ab ab abc"] * 3, vocab_size=263).vocabulary

    def other(text: str) -> np.ndarray:
        return np.zeros(len(text), dtype=np.uint32)

    with pytest.warns(RuntimeWarning, match="fails its self-check"):
        chosen = choose_backend(vocabulary, other)
    assert (chosen.name, chosen.encoder) == ("tiktoken", None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # warned once
        tokenizer = TiktokenTokenizer("wrong", vocabulary)
        assert "self-check" in tokenizer.backend.reason


def test_without_gigatoken() -> None:
    script = """if True:
        import sys; sys.modules["gigatoken"] = None
        from xgen_core import MissingExtraError, open_tokenizer
        print(open_tokenizer("xgen").backend.reason)
        assert open_tokenizer("xgen").encode_batch(["ab"] * 3).ids.tolist() == [397] * 3
        try:
            open_tokenizer("xgen:fast")
        except MissingExtraError as error:
            print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.count("pip install 'xgen-tokenizer[fast]'") == 2


def test_merges_of_gpt2_and_the_runs() -> None:
    found = find_merges(open_xgen().vocabulary.ranks)
    assert len(found.pairs) == 50_000 + 30 + 8
    assert not found.unreached
    assert found.pairs[0] == (b" ", b"t")
    assert found.pairs[50_000:50_002] == ((b" " * 30, b" "), (b" " * 29, b" "))
    assert found.pairs[-1] == (b"\t", b"\t")


def test_tokens_that_no_merge_makes_are_told_apart() -> None:
    ranks = {bytes([i]): i for i in range(256)} | {b"xyz": 256, b"ab": 257}
    found = find_merges(ranks)
    assert found.pairs == ((b"a", b"b"),)
    assert found.unreached == (b"xyz",)
    vocabulary = Vocabulary(ranks=ranks, specials={"<|endoftext|>": 258})
    fast = TiktokenTokenizer("odd", vocabulary)
    texts = ["xyz", " xyz", "xyzab", "ab", "abxyz xyz"]
    assert parts(fast, texts) == reference(fast, texts)


def test_doctor_says_which_backend() -> None:
    from xgen_tokenizer.checks import checks

    seen = {check.name: check for check in checks()}
    assert seen["tokenizer"].status == seen["tokenizer backend"].status == "ok"
    assert seen["tokenizer backend"].detail.startswith("fast: gigatoken")
    assert json.dumps(seen["tokenizer"].to_json())
