import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xgen_data.packing import pack


def check(lengths, window):
    packs = pack(np.array(lengths, np.int64), window)
    assert packs.length.min() > 0
    filled = np.add.reduceat(packs.length, packs.offsets[:-1])
    assert set(filled.tolist()) == {window}  # no padding anywhere
    tokens = np.concatenate(
        [np.arange(s, s + n) for s, n in zip(packs.start, packs.length, strict=True)]
    )
    assert np.array_equal(np.sort(tokens), np.arange(sum(lengths)))  # every token once
    document = np.repeat(np.arange(len(lengths)), lengths)
    for start, length in zip(packs.start, packs.length, strict=True):
        assert document[start] == document[start + length - 1]  # of one document
    pieces = np.bincount(document[packs.start], minlength=len(lengths))
    assert packs.whole.sum() == (pieces == 1).sum()
    long = np.array(lengths) > window
    assert packs.cut_long == long.sum()
    assert packs.cut_to_fill == ((pieces > 1) & ~long).sum()
    return packs


@settings(max_examples=150, deadline=None)
@given(st.lists(st.integers(1, 60), min_size=1, max_size=60), st.sampled_from([1, 4, 16, 64]))
def test_any_documents(lengths, window):
    rest = -sum(lengths) % window
    check([*lengths, rest] if rest else lengths, window)


def web_like(tokens, seed=0):
    lengths = np.exp(np.random.default_rng(seed).normal(6.3, 1.1, tokens // 300)).astype(int) + 20
    total = np.cumsum(lengths)
    count = int(np.searchsorted(total, tokens))
    lengths = lengths[: count + 1]
    lengths[count] -= total[count] - tokens
    return lengths[lengths > 0].tolist()


def test_few_documents_are_cut():
    lengths = web_like(2**21)
    packs = check(lengths, 8192)
    concat = 2**21 // 8192  # windows that stand in the line cut a document at nearly every end
    assert packs.cut_to_fill < concat / 10


def test_what_fits_together_is_not_cut():
    packs = check([3, 5, 6, 2, 8, 4, 4], 8)
    assert packs.cut_to_fill == packs.cut_long == 0
    assert packs.whole.all()


def test_same_documents_same_packs():
    lengths = np.array(web_like(2**17))
    for a, b in zip(pack(lengths, 2048), pack(lengths.copy(), 2048), strict=True):
        assert np.array_equal(a, b)


def test_tokens_that_make_no_whole_windows():
    with pytest.raises(ValueError, match="10 tokens are not a whole number of windows of 4"):
        pack(np.array([7, 3]), 4)
