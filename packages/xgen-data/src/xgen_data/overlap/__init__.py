"""Text that occurs twice: near-duplicates, pages fetched again, benchmark items in training data.

    find_older(urls, dates)             copies of one page; the newest stays
    MinHash().hash_bands(texts)         what near-duplicates have in common, 16 numbers a document
    find_near_duplicates(bands, texts)  verified removals: none without a kept document like it
    RemovalGuard().check(...)           stops when far more goes than was expected
    estimate(documents, text_bytes)     memory, disk and time before work begins

All are pure functions over arrays; texts are asked for by index. Where a choice is to be made among
documents, the lower index (the precedence) stays.
"""

from xgen_data.overlap.candidates import Candidates, find_candidates
from xgen_data.overlap.estimate import Estimate, estimate
from xgen_data.overlap.guard import RemovalGuard
from xgen_data.overlap.minhash import NO_SHINGLES, MinHash
from xgen_data.overlap.near_duplicates import (
    NearDuplicates,
    Removals,
    Texts,
    find_near_duplicates,
)
from xgen_data.overlap.shingles import jaccard, shingle, shingle_sets
from xgen_data.overlap.urls import NO_URL, find_older, hash_url, normalise_url
from xgen_data.overlap.words import Words, hash_words, split_words

__all__ = [
    "NO_SHINGLES",
    "NO_URL",
    "Candidates",
    "Estimate",
    "MinHash",
    "NearDuplicates",
    "RemovalGuard",
    "Removals",
    "Texts",
    "Words",
    "estimate",
    "find_candidates",
    "find_near_duplicates",
    "find_older",
    "hash_url",
    "hash_words",
    "jaccard",
    "normalise_url",
    "shingle",
    "shingle_sets",
    "split_words",
]
