import itertools
import random
import tracemalloc

import numpy as np
import pytest

from xgen_core import InputError
from xgen_data.overlap import (
    NO_SHINGLES,
    MinHash,
    NearDuplicates,
    RemovalGuard,
    Removals,
    estimate,
    find_candidates,
    find_near_duplicates,
    jaccard,
    shingle_sets,
)


def fresh(random_, count):
    return [f"w{random_.getrandbits(40):x}g" for _ in range(count)]


def pair(random_, similarity, words=240):
    """Two texts of this Jaccard similarity: a common beginning, then each its own words."""
    grams = words - 4
    own = round(grams * (1 - similarity) / (1 + similarity))  # of each, of `grams` n-grams
    common = fresh(random_, words - own)
    return [" ".join([*common, *fresh(random_, own)]) for _ in range(2)]


def corpus(random_, families=40, size=6):
    """Families of variants of one text, mixed with texts of their own."""
    texts = []
    for _ in range(families):
        base = fresh(random_, random_.randint(3, 200))
        for _ in range(size):
            variant = list(base)
            for _ in range(random_.randint(0, max(1, len(base) // 20))):
                variant[random_.randrange(len(variant))] = fresh(random_, 1)[0]
            texts.append(" ".join(variant))
    texts += [" ".join(fresh(random_, 50)) for _ in range(families)] + ["", "...", ""]
    random_.shuffle(texts)
    return texts


@pytest.fixture(scope="module")
def texts():
    return corpus(random.Random(3))


def getter(texts):
    return lambda documents: [texts[i] for i in documents]


def remove(texts, settings=None, **options):
    return find_near_duplicates(MinHash().hash_bands(texts), getter(texts), settings, **options)


@pytest.mark.parametrize(
    ("similarity", "pairs"), [(0.5, 300), (0.7, 300), (0.85, 300), (0.95, 150)]
)
def test_recall_follows_the_formula(similarity, pairs):
    random_ = random.Random(int(similarity * 100))
    texts = [text for _ in range(pairs) for text in pair(random_, similarity)]
    sets = shingle_sets(texts)
    exact = np.mean([jaccard(a, b) for a, b in zip(sets[::2], sets[1::2], strict=True)])
    assert exact == pytest.approx(similarity, abs=0.005)
    minhash = MinHash()
    bands = minhash.hash_bands(texts)
    found = (bands[::2] == bands[1::2]).any(axis=1).mean()
    expected = minhash.recall(exact)
    assert abs(found - expected) < 4 * np.sqrt(expected * (1 - expected) / pairs) + 0.01


def test_default_recall():
    assert MinHash().recall(0.85) >= 0.98
    assert MinHash(bands=14).recall(0.85) == pytest.approx(0.9884, abs=1e-4)


@pytest.mark.parametrize("words", [8, 12, 60, 1500])
def test_signatures_are_unbiased(words):
    """Bins agree as often as the sets are similar, for documents of any length."""
    random_ = random.Random(words)
    texts = [text for _ in range(200) for text in pair(random_, 0.6, words)]
    sets = shingle_sets(texts)
    exact = np.array([jaccard(a, b) for a, b in zip(sets[::2], sets[1::2], strict=True)])
    signatures = MinHash().signatures(texts)
    found = (signatures[::2] == signatures[1::2]).mean(axis=1)
    assert (signatures != NO_SHINGLES).all()
    assert (found - exact).mean() == pytest.approx(0, abs=4 * 0.045 / np.sqrt(200))
    # never noisier than the 128 permutations that it stands for
    assert (found - exact).std() < 1.15 * np.sqrt(np.mean(exact * (1 - exact)) / 128)


def test_bands_do_not_depend_on_batches(texts):
    minhash = MinHash()
    together = minhash.hash_bands(texts)
    assert together.shape == (len(texts), 16)
    for size in (1, 7):
        pieces = [minhash.hash_bands(texts[i : i + size]) for i in range(0, len(texts), size)]
        np.testing.assert_array_equal(np.concatenate(pieces), together)
    assert (minhash.hash_bands(["", "!"]) == NO_SHINGLES).all()
    assert minhash.hash_bands([]).shape == (0, 16)
    assert not (MinHash(seed=1).hash_bands(texts[:9]) == together[:9])[together[:9] < 2**63].any()


def test_hashes_are_the_same_for_ever():
    """They are kept on disk beside the texts; a change needs a new format version."""
    bands = MinHash(bands=2).hash_bands(["The quick brown fox jumps over the lazy dog. Déjà vu!"])
    assert bands.tolist() == [[9338490831089776213, 7730700728683043430]]


@pytest.mark.parametrize("threshold", [0.6, 0.8, 1.0])
def test_every_removal_is_verified(texts, threshold):
    result = remove(texts, NearDuplicates(threshold=threshold))
    assert len(result.removed) > 20
    removed = set(result.removed.tolist())
    assert list(result.removed) == sorted(removed)
    sets = shingle_sets(texts)
    for gone, kept, similarity in zip(result.removed, result.kept, result.jaccard, strict=True):
        assert kept < gone
        assert kept not in removed
        assert similarity == jaccard(sets[gone], sets[kept]) >= threshold


def test_few_near_duplicates_stay(texts):
    result = remove(texts)
    stay = sorted(set(range(len(texts))) - set(result.removed.tolist()))
    sets = shingle_sets(texts)
    left = sum(jaccard(sets[a], sets[b]) >= 0.8 for i, a in enumerate(stay) for b in stay[:i])
    assert left <= 0.03 * len(result.removed)
    assert result.unchecked == 0
    assert {i for i, text in enumerate(texts) if not text.strip(".")} <= set(stay)


def test_chains_are_not_removed_whole():
    """Each link resembles the next, the ends do not resemble each other."""
    words = fresh(random.Random(0), 400)
    links = [" ".join(words[i * 12 : i * 12 + 200]) for i in range(12)]
    sets = shingle_sets(links)
    assert all(jaccard(a, b) > 0.85 for a, b in itertools.pairwise(sets))
    result = remove(links)
    assert 0 < len(result.removed) < 11
    assert 0 not in result.removed
    assert all(abs(a - b) == 1 for a, b in zip(result.removed, result.kept, strict=True))


def same(left, right):
    for name in ("removed", "kept", "jaccard"):
        np.testing.assert_array_equal(getattr(left, name), getattr(right, name))
    assert (left.compared, left.unchecked) == (right.compared, right.unchecked)


def test_the_result_depends_on_nothing_else(texts, tmp_path):
    """Not on memory, disk, cache, the number of workers, or on how the band hashes are stored."""
    expected = remove(texts)
    same(remove(texts, memory=1000), expected)
    same(remove(texts, NearDuplicates(cache=1)), expected)
    same(remove(texts, directory=tmp_path), expected)
    assert list(tmp_path.iterdir()) == []
    bands = np.asfortranarray(MinHash().hash_bands(texts))
    path = tmp_path / "bands"
    path.write_bytes(bands.tobytes(order="F"))
    mapped = np.memmap(path, np.uint64, "r", shape=bands.shape, order="F")
    candidates = find_candidates(mapped, memory=5000, directory=tmp_path)
    settings = NearDuplicates()
    parts = [settings.resolve(candidates, getter(texts), part=i, parts=5) for i in range(5)]
    assert sum(len(p.removed) > 0 for p in parts) > 1
    same(Removals.merge(parts[::-1]), expected)


def test_parts_cover_all_components_once(texts):
    candidates = find_candidates(MinHash().hash_bands(texts))
    whole = candidates.part(0, 1)
    pieces = [candidates.part(i, 3) for i in range(3)]
    documents = [set(p.documents.tolist()) for p in pieces]
    assert set.union(*documents) == set(whole.documents.tolist())
    assert sum(map(len, documents)) == len(set.union(*documents))
    labels = candidates.labels
    np.testing.assert_array_equal(labels[labels], labels)
    bands = MinHash().hash_bands(texts)
    for a, b in ((0, 5), (1, 2)):
        for left, right in zip(*np.nonzero(bands[:, None, a] == bands[None, :, a]), strict=True):
            if bands[left, a] != NO_SHINGLES:
                assert labels[left] == labels[right], (a, b)
    with pytest.raises(ValueError, match="part 3 of 3"):
        candidates.part(3, 3)


def test_huge_buckets_are_bounded():
    """300 documents of one bucket that are not alike: linear work, and the rest is counted."""
    random_ = random.Random(9)
    texts = [" ".join(fresh(random_, 30)) for _ in range(300)]
    bands = np.arange(300 * 2, dtype=np.uint64).reshape(300, 2) + np.uint64(5)
    bands[:, 0] = 7
    settings = NearDuplicates(representatives=4)
    result = find_near_duplicates(bands, getter(texts), settings)
    assert len(result.removed) == 0
    assert result.compared == 4 * 296 + 6
    assert result.unchecked == sum(range(300 - 4))
    copies = find_near_duplicates(bands, getter(texts[:1] * 300), settings)
    assert len(copies.removed) == 299
    assert set(copies.kept) == {0}
    assert (copies.compared, copies.unchecked) == (299, 0)


def test_nothing_to_do():
    assert len(remove([]).removed) == len(remove(["one text only"]).removed) == 0
    assert len(remove(["", "", "..."]).removed) == 0


def test_tables_of_figures_may_be_told_apart():
    random_ = random.Random(1)
    tables = [" ".join(str(random_.randrange(10**6)) for _ in range(60)) for _ in range(5)]
    assert len(remove(tables).removed) == 4
    assert len(remove(tables, NearDuplicates(numbers=False)).removed) == 0
    assert len(remove(tables[:1] * 2, NearDuplicates(numbers=False)).removed) == 1
    bands = MinHash(numbers=False).hash_bands(tables)
    assert len(np.unique(bands[:, 0])) == 5


def test_texts_must_answer():
    bands = MinHash().hash_bands(["the same text"] * 2)
    with pytest.raises(ValueError, match="asked for 2 texts, got 1"):
        find_near_duplicates(bands, lambda documents: ["the same text"])


def test_estimate_is_near_what_it_takes():
    random_ = random.Random(2)
    base = [" ".join(fresh(random_, 40)) for _ in range(2500)]
    texts = [t for t in base for _ in range(2)]
    bands = MinHash().hash_bands(texts)
    size = sum(len(t.encode()) for t in texts)
    told = estimate(len(texts), size, share=1, spilled=False)
    tracemalloc.start()
    bands = bands.copy()
    result = find_near_duplicates(bands, getter(texts))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(result.removed) == 2500
    assert peak / 2 < told.memory < peak * 3
    assert told.seconds > 0
    assert "GiB of memory" in str(told)
    assert estimate(10**9, 4 * 10**12).memory < 64 * 2**30
    assert estimate(10**9, 4 * 10**12).disk > 10**9 * 128


def test_settings_are_checked():
    for wrong in ({"threshold": 0}, {"threshold": 1.1}, {"representatives": 0}, {"cache": 0}):
        with pytest.raises(ValueError):
            NearDuplicates(**wrong)
    for wrong in ({"bands": 0}, {"rows": 0}, {"ngram": 0}, {"seed": -1}):
        with pytest.raises(ValueError):
            MinHash(**wrong)
    with pytest.raises(ValueError):
        estimate(1, 1, share=2)


def test_guard():
    guard = RemovalGuard(expected=0.5)
    guard.check(source="web", what="near-duplicates", documents=1000, removed=500)
    guard.check(source="tiny", what="near-duplicates", documents=9, removed=9)
    with pytest.raises(InputError) as caught:
        guard.check(
            source="web",
            what="near-duplicates",
            documents=1000,
            removed=983,
            examples=["a.html like b.html (0.91)", "c.html"],
        )
    message = str(caught.value)
    for part in ("'web'", "983 of 1,000", "98.3%", "at most 50%", "a.html like b.html", "0.99"):
        assert part in message
    RemovalGuard(expected=1).check(source="web", what="x", documents=1000, removed=1000)
    with pytest.raises(ValueError):
        RemovalGuard(expected=1.5)
