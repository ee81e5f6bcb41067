"""Deduplication: recall, speed and memory on synthetic text: `python tools/bench/dedup.py`.

1. Recall of MinHash candidates and of verified removal against exact Jaccard similarity, in bins;
   precision is the share of removals whose similarity is at least the threshold.
2. Megabytes of text hashed in a CPU-second, shingling included, by length of document.
3. Time and peak memory of near-duplicate removal on 50,000 documents, beside the estimate.

Add a directory to hash its text files as well: `python tools/bench/dedup.py DIR`.
"""

from __future__ import annotations

import itertools
import random
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from xgen_data.overlap import (
    MinHash,
    NearDuplicates,
    estimate,
    find_near_duplicates,
    jaccard,
    shingle,
    shingle_sets,
)

PAIRS = 4000
DOCUMENTS = 50_000
THRESHOLD = 0.8
LETTERS = "etaoinshrdlucmfwypvbgk"


def vocabulary(source: random.Random, size: int = 30_000) -> list[str]:
    """Made-up words, as long as English ones are in running text."""
    return ["".join(source.choices(LETTERS, k=source.randint(2, 8))) for _ in range(size)]


def text_of(source: random.Random, words: list[str], count: int) -> str:
    """Running text: some words often, most seldom; a comma now and then."""
    drawn = [words[int(len(words) * source.random() ** 3)] for _ in range(count)]
    return "".join(w + (", " if i % 11 == 10 else " ") for i, w in enumerate(drawn))


def pairs(source: random.Random, words: list[str]) -> list[tuple[str, str]]:
    """Pairs spread evenly over similarities 0.5 to 1: the second changed in places."""
    result: list[tuple[str, str]] = []
    while len(result) < PAIRS:
        left = text_of(source, words, source.randint(40, 400)).split()
        right = list(left)
        wanted = source.uniform(0.5, 1.0)
        changes = round(len(left) * (1 - wanted) / (1 + wanted) / 5)  # one spoils five n-grams
        for place in source.sample(range(len(left)), changes):
            right[place] = source.choice(words)
        result.append((" ".join(left), " ".join(right)))
    return result


def recall(source: random.Random, words: list[str]) -> None:
    """Print the table of recall by similarity."""
    texts = [text for pair in pairs(source, words) for text in pair]
    sets = shingle_sets(texts)
    exact = np.array([jaccard(a, b) for a, b in zip(sets[::2], sets[1::2], strict=True)])
    minhash = MinHash()
    bands = minhash.hash_bands(texts)
    candidate = (bands[::2] == bands[1::2]).any(axis=1)

    def get(rows: Sequence[int]) -> list[str]:
        return [texts[row] for row in rows]

    result = find_near_duplicates(bands, get, NearDuplicates(threshold=THRESHOLD))
    removed = np.zeros(len(texts), np.bool_)
    removed[result.removed] = True
    print(f"{PAIRS} pairs, threshold {THRESHOLD}")
    print("Jaccard       pairs  candidates  formula  removed")
    edges = np.round(np.arange(0.5, 1.0001, 0.05), 2).tolist()
    for low, high in itertools.pairwise(edges):
        mine = (exact >= low) & ((exact < high) | (high == 1))
        formula = np.mean([minhash.recall(float(j)) for j in exact[mine]])
        print(
            f"{low:.2f} to {high:.2f}  {mine.sum():5d}  {candidate[mine].mean():10.3f}  "
            f"{formula:7.3f}  {removed[1::2][mine].mean():7.3f}"
        )
    sets_of = [(sets[a], sets[b]) for a, b in zip(result.removed, result.kept, strict=True)]
    right = sum(jaccard(a, b) >= THRESHOLD for a, b in sets_of)
    print(f"precision of {len(result.removed)} removals: {right / len(result.removed):.4f}")
    for floor in (0.8, 0.85, 0.9):
        print(f"recall at Jaccard ≥ {floor}: {removed[1::2][exact >= floor].mean():.4f}")


def rate(work: Callable[[], object], size: int) -> float:
    """Megabytes in a CPU-second: the median of five runs."""
    seconds: list[float] = []
    for _ in range(5):
        begun = time.process_time()
        work()
        seconds.append(time.process_time() - begun)
    return size / 1e6 / sorted(seconds)[2]


def speed(corpora: dict[str, list[str]]) -> None:
    """Print the rates."""
    print("\nMB of text in a CPU-second")
    print("text                 MB  documents  shingles  band hashes")
    for name, texts in corpora.items():
        size = sum(len(text.encode()) for text in texts)
        shingles = rate(lambda texts=texts: shingle(texts), size)
        bands = rate(lambda texts=texts: MinHash().hash_bands(texts), size)
        print(f"{name:18} {size / 1e6:4.1f}  {len(texts):9,}  {shingles:8.0f}  {bands:11.0f}")


def memory(source: random.Random, words: list[str]) -> None:
    """Print time and peak memory of removal among documents of which a third are variants."""
    texts: list[str] = []
    while len(texts) < DOCUMENTS:
        base = text_of(source, words, source.randint(30, 200)).split()
        texts.append(" ".join(base))
        for _ in range(source.choice((0, 0, 0, 1, 1))):
            base[source.randrange(len(base))] = source.choice(words)
            texts.append(" ".join(base))
    texts = texts[:DOCUMENTS]
    size = sum(len(text.encode()) for text in texts)
    begun = time.process_time()
    bands = MinHash().hash_bands(texts)
    hashed = time.process_time() - begun

    def get(rows: Sequence[int]) -> list[str]:
        return [texts[row] for row in rows]

    begun = time.process_time()
    result = find_near_duplicates(bands, get)
    decided = time.process_time() - begun
    tracemalloc.start()
    find_near_duplicates(bands, get)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    told = estimate(len(texts), size, spilled=False, share=0.5)
    print(
        f"\n{len(texts):,} documents, {size / 1e6:.0f} MB: hashed in {hashed:.1f} CPU-s, "
        f"decided in {decided:.1f}; {len(result.removed):,} removed, {result.compared:,} compared, "
        f"{result.unchecked:,} unchecked\npeak of removal {peak / 2**20:.0f} MiB beside "
        f"{bands.nbytes / 2**20:.0f} MiB of band hashes; estimated {told.memory / 2**20:.0f} MiB "
        f"with them and {told.seconds:.0f} s"
    )


def main() -> None:
    """Run all three."""
    source = random.Random(0)
    words = vocabulary(source)
    corpora = {
        f"of {count} words": [
            text_of(source, words, count) for _ in range(max(1, 1_500_000 // count))
        ]
        for count in (50, 200, 1000, 10_000)
    }
    for argument in sys.argv[1:]:
        files = sorted(path for path in Path(argument).rglob("*") if path.is_file())
        corpora[Path(argument).name[:18]] = [f.read_text("utf-8", "replace") for f in files[:400]]
    recall(source, words)
    speed(corpora)
    memory(source, words)


if __name__ == "__main__":
    main()
