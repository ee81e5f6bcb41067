import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xgen_data.steps.words import count_sentences, split_words, words_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Plain words here", "Plain words here"),
        ("Hello, world!", "Hello , world !"),
        ("don't can't I'll we've she's", "do n't ca n't I 'll we 've she 's"),
        ("Bob's dog's", "Bob 's dog 's"),
        ("(see e.g. Dr. Smith, U.S. edition)", "( see e.g. Dr. Smith , U.S. edition )"),
        ("well-known and/or 32-bit", "well - known and/or 32 - bit"),
        ("https://x.org/a-b,c a.b@c.de", "https://x.org/a-b,c a.b@c.de"),
        ("10km 5% $3.50 3.14.", "10 km 5 % $ 3.50 3.14 ."),
        ("wait... what?!", "wait ... what ? !"),
        ("end.Start", "end . Start"),
        ("cannot", "can not"),
        ("«Ünïcode» 中文。", "« Ünïcode » 中文 。"),
        (" \n\t ", ""),
    ],
)
def test_words_are_cut_as_the_filters_expect(text, expected):
    assert split_words(text) == expected.split()


@given(st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=60))
def test_nothing_of_a_text_is_lost(text):
    words = words_of(text)
    assert "".join(words.strings) == "".join(text.split())
    assert words.lengths.sum() == len("".join(text.split()))
    assert len(words) == len(words.strings)


def test_equal_ngrams_have_equal_hashes_and_others_do_not():
    source = random.Random(1)
    text = " ".join(source.choices(["a", "bb", "ccc", "a.b"], k=300))
    words = words_of(text)
    for n in (1, 2, 5, 10):
        hashes = words.ngrams(n).tolist()
        grams = [tuple(words.strings[i : i + n]) for i in range(len(words) - n + 1)]
        assert len(hashes) == len(grams)
        assert len(set(zip(hashes, grams, strict=True))) == len(set(hashes)) == len(set(grams))
    assert words_of("one two").ngrams(5).tolist() == []


def test_symbols_and_letters():
    words = words_of("word -- 1234 x1 ... !")
    assert words.alphabetic == 2
    assert words.symbols.tolist() == [s in ("--", "...", "!", "-") for s in words.strings]
    assert words.has("word")
    assert not words.has("Word")


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("One. Two! Three? Four", 4),
        ("No end mark", 1),
        ("He saw Dr. Smith, e.g. today.", 1),
        ('"Stop!" she said. "Why?"', 3),
        ("", 0),
        ("...", 1),
    ],
)
def test_sentences(text, count):
    assert count_sentences(text) == count


def test_a_text_says_the_same_after_the_vocabulary_was_begun_anew(monkeypatch):
    import xgen_data.steps.words as module

    text = "the same words, again and again: the same."
    before = words_of(text).strings
    ngrams = words_of(text).ngrams(2)
    monkeypatch.setattr(module, "_MAX_WORDS", 1)
    words_of.cache_clear()
    words_of("begin anew")
    after = words_of(text)
    assert after.strings == before
    ours = np.unique(after.ngrams(2), return_inverse=True)[1]
    theirs = np.unique(ngrams, return_inverse=True)[1]
    assert len(set(ours.tolist())) == len(set(theirs.tolist()))
