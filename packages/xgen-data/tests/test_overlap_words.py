import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xgen_data.overlap import hash_words, jaccard, shingle, shingle_sets, split_words
from xgen_data.overlap.words import hash_word

TEXTS = (
    "The Café's 3.14 dogs, 12,345 of them; 1.2.3",
    "",
    "東京 は abc１２３ e\u0301 ÉCOLE Straße",
    " \n\t ... ",
    "a.5 5.a 1..2 7",
    "lone \ud800 surrogate",
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The Cat, the CAT!", "the cat the cat"),
        ("snake_case don't x-y", "snake case don t x y"),
        ("3.14 and 1,234.56 in 2019", "0 and 0 in 0"),
        ("v2 abc123def 1.x x.1 1..2", "v0 abc0def 0 x x 0 0 0"),
        ("ÉCOLE e\u0301cole école", "ecole ecole ecole"),
        ("“quoted” — dash… ok", "quoted dash ok"),
        ("١٢٣ 45", "0 0"),
        ("我爱北京 ok", "我 爱 北 京 ok"),
        ("Привет,мир", "привет мир"),
        ("a\u00a0b\u200bc", "a b c"),
        ("€5 and ½", "€0 and ½"),
    ],
)
def test_words(text, words):
    assert split_words(text) == words.split()


def test_numbers_stay_where_asked():
    assert split_words("in 1999, 3.14", numbers=False) == ["in", "1999", "3", "14"]
    one = hash_words(["in 1999"], numbers=False).hashes
    assert list(one) != list(hash_words(["in 2001"], numbers=False).hashes)
    assert list(hash_words(["in 1999"]).hashes) == list(hash_words(["in 2001"]).hashes)


@pytest.mark.parametrize("numbers", [True, False])
@settings(max_examples=40)
@given(st.lists(st.one_of(st.text(), st.text(alphabet="aB1.,é 東\n"), st.sampled_from(TEXTS))))
def test_hashes_are_those_of_the_words(numbers, texts):
    hashes, offsets = hash_words(texts, numbers=numbers)
    assert len(offsets) == len(texts) + 1
    for i, text in enumerate(texts):
        expected = [hash_word(word) for word in split_words(text, numbers=numbers)]
        assert [int(h) for h in hashes[offsets[i] : offsets[i + 1]]] == expected


def test_long_documents_are_cut_at_no_word():
    """Longer than the blocks that text is hashed in, with a word longer than a block."""
    random_ = random.Random(1)
    words = ["".join(random_.choices("abc12é.", k=random_.randint(1, 9))) for _ in range(60_000)]
    text = " ".join([*words[:30_000], "x" * 150_000, *words[30_000:]])
    hashes, offsets = hash_words(["before", text, "after"])
    assert [int(h) for h in hashes] == [
        hash_word(w) for t in ("before", text, "after") for w in split_words(t)
    ]
    assert list(offsets) == [0, 1, len(hashes) - 1, len(hashes)]


def test_different_words_have_different_hashes():
    words = {f"{a}{b}{c}" for a in "abcdefghij" for b in "klmnopqrst" for c in "uvwxyzabcd"}
    words |= {word[::-1] for word in words} | {"a" * n for n in range(1, 300)}
    assert len(np.unique(hash_words([" ".join(words)]).hashes)) == len(words)


def test_shingles():
    short, none, long, again = shingle_sets(["one two", "...", "a b c d e f", "x, A B c d E"])
    assert (len(short), len(none), len(long), len(again)) == (1, 0, 2, 2)
    assert len(np.intersect1d(long, again)) == 1  # a b c d e
    assert list(shingle(["one two"]).hashes) != list(shingle(["two one"]).hashes)
    assert list(shingle(["one two"], ngram=2).hashes) == list(short)


@settings(max_examples=40)
@given(st.lists(st.text(alphabet="ab c", max_size=40), max_size=12), st.integers(1, 6))
def test_shingles_do_not_depend_on_neighbours(texts, ngram):
    together = shingle(texts, ngram=ngram)
    alone = [shingle([text], ngram=ngram).hashes for text in texts]
    assert [len(a) for a in alone] == list(np.diff(together.offsets))
    np.testing.assert_array_equal(together.hashes, np.concatenate([*alone, np.zeros(0, np.uint64)]))


@settings(max_examples=40)
@given(st.sets(st.integers(0, 30)), st.sets(st.integers(0, 30)))
def test_jaccard(left, right):
    arrays = [np.array(sorted(s), np.uint64) for s in (left, right)]
    union = len(left | right)
    assert jaccard(*arrays) == (len(left & right) / union if union else 0.0)


def test_ngram_must_be_positive():
    with pytest.raises(ValueError, match="ngram"):
        shingle(["a"], ngram=0)
