import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xgen_data.overlap import NO_URL, find_older, hash_url, normalise_url


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("https://www.Example.com/", "example.com"),
        ("http://example.com:80", "example.com"),
        ("https://user:pw@example.com.:443/a/", "example.com/a"),
        ("http://example.com:8080/a", "example.com:8080/a"),
        ("//m.example.com/a//b/", "example.com/a/b"),
        ("www.example.com/A", "example.com/A"),
        ("http://m.com/a", "m.com/a"),  # not the mobile form of `com`
        ("http://example.com/a#top", "example.com/a"),
        ("http://example.com/#!/page", "example.com#!/page"),
        ("http://example.com/index.html", "example.com"),
        ("http://example.com/a/index.php?id=3", "example.com/a?id=3"),
        ("http://example.com/?utm_source=x&b=2&gclid=1&a=1", "example.com?a=1&b=2"),
        ("http://example.com/?a=1&amp;PHPSESSID=77", "example.com?a=1"),
        ("http://example.com/a;jsessionid=0A?x=1", "example.com/a?x=1"),
        ("http://example.com/%7euser/%c3%a9%2f", "example.com/~user/%C3%A9%2F"),
        ("http://example.com/?sid=5", "example.com?sid=5"),  # the story, on some sites
        ("ftp://example.com/a", ""),
        ("no url", ""),
        ("http://example.com:port/", ""),
        ("http://[::1/", ""),
        ("", ""),
    ],
)
def test_normalise(url, normal):
    assert normalise_url(url) == normal
    assert normalise_url(normal) == normal
    assert (hash_url(url) == NO_URL) == (normal == "")


@given(st.text())
def test_any_text_has_a_hash(text):
    assert 0 <= hash_url(text) < 2**64


def test_hashes():
    assert hash_url("https://www.example.com/a?utm_medium=x") == hash_url("http://example.com/a/")
    assert hash_url("http://example.com/a") != hash_url("http://example.com/A")


@pytest.mark.parametrize("memory", [2**30, 300])
def test_the_newest_stays(memory):
    urls = np.array([5, 2**63, 5, NO_URL, 5, 2**63, NO_URL, 9], np.uint64)
    dates = np.array([2019, 2023, 2021, 2000, 2021, 2023, 2001, 1])
    gone = find_older(urls, dates, memory=memory)
    assert np.flatnonzero(gone).tolist() == [0, 4, 5]
    precedence = np.array([0, 7, 6, 5, 4, 3, 2, 1])
    gone = find_older(urls, dates, precedence=precedence, memory=memory)
    assert np.flatnonzero(gone).tolist() == [0, 1, 2]
    lowest = np.iinfo(np.int64).min
    gone = find_older(urls[:3], np.array([lowest, 0, lowest + 1]), memory=memory)
    assert np.flatnonzero(gone).tolist() == [0]


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="one value a document"):
        find_older(np.zeros(2, np.uint64), np.zeros(3, np.int64))
