import itertools
import json
import random
from dataclasses import replace

import pytest

from xgen_core import InputError
from xgen_data import DataRecipe, SourceConfig, build, read_documents
from xgen_data.deduplication import Deduplication, date_number
from xgen_data.documents import read_summary
from xgen_data.overlap.near_duplicates import NearDuplicates


def words(source, count):
    return [source.choice(VOCABULARY) for _ in range(count)]


VOCABULARY = [
    "".join(letters) for letters in itertools.product("bdfgklmnprst", "aeiou", "bklmnst", "aeiou")
]


def write_rows(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture
def pages(tmp_path):
    """Two sources; `new` has near copies of some of `old`, and both have pages fetched again."""
    source = random.Random(2)
    old = [words(source, 200) for _ in range(40)]
    near = [[*text[:120], "changed", *text[121:]] for text in old[:5]]
    far = [[*text[:60], *words(source, 140)] for text in old[5:10]]
    rows = {
        "old": [
            {
                "id": f"o{i}",
                "text": " ".join(t),
                "meta": {"url": f"http://a.org/{i}", "day": "2019-05-01"},
            }
            for i, t in enumerate(old)
        ],
        "new": [{"id": f"n{i}", "text": " ".join(t)} for i, t in enumerate([*near, *far])]
        + [
            {
                "id": f"again{i}",
                "text": " ".join(words(source, 50)),
                "meta": {"url": f"https://www.a.org/{i}/?utm_source=x", "day": day},
            }
            for i, day in ((20, "2023-01-02T03:04:05"), (21, "2001-01-01"), (22, None))
        ],
    }
    for name, content in rows.items():
        write_rows(tmp_path / f"{name}.jsonl", content)
    return DataRecipe(
        sources=tuple(SourceConfig(name=n, uri=f"jsonl:{tmp_path}/{n}.jsonl") for n in rows),
        validation_fraction=0,
        tokenizer="bytes:",
    )


def kept(store):
    return {d.id for d in read_documents(store, "train")}


def test_only_exact_copies_go_by_default(pages, tmp_path):
    assert len(kept(build(pages, tmp_path / "s", until="documents"))) == 53


def test_near_duplicates_go_with_evidence(pages, tmp_path, tree):
    said = []
    recipe = replace(pages, deduplicate=Deduplication(near=NearDuplicates(threshold=0.8)))
    store = build(recipe, tmp_path / "s", until="documents", say=said.append)
    assert kept(store) == kept(build(pages, tmp_path / "all", until="documents")) - {
        f"n{i}" for i in range(5)
    }
    evidence = [
        json.loads(x) for x in (store / "documents/near-duplicates.jsonl").read_text().splitlines()
    ]
    assert {(e["id"], e["like_id"]) for e in evidence} == {(f"n{i}", f"o{i}") for i in range(5)}
    assert all(0.8 <= e["jaccard"] < 1 for e in evidence)
    assert read_summary(store).sources[1].removed == {"near": 5}
    assert said[0].startswith("near-duplicates among 53 documents: at most about 0.")
    small = build(recipe, tmp_path / "small", until="documents", workers=2, memory=3000)
    assert tree(small) == tree(store)


def test_of_equal_addresses_the_newest_stays(pages, tmp_path):
    recipe = replace(pages, deduplicate=Deduplication(url="url", date="day"))
    store = build(recipe, tmp_path / "s", until="documents")
    everything = kept(build(pages, tmp_path / "all", until="documents"))
    assert kept(store) == everything - {"o20", "again21", "again22"}
    removed = {s.source: s.removed for s in read_summary(store).sources}
    assert removed == {"old": {"url": 1}, "new": {"url": 2}}


def test_a_removal_larger_than_expected_stops_the_build(tmp_path):
    rows = [{"id": f"r{i}", "text": f"one of few texts, {i % 30}"} for i in range(150)]
    write_rows(tmp_path / "r.jsonl", [*rows[:120]])
    write_rows(tmp_path / "q.jsonl", [{"id": r["id"], "text": r["text"]} for r in rows[120:]])
    write_rows(tmp_path / "big.jsonl", [{"text": f"one of few texts, {i}"} for i in range(130)])
    sources = tuple(
        SourceConfig(name=n, uri=f"jsonl:{tmp_path}/{n}.jsonl") for n in ("big", "r", "q")
    )
    recipe = DataRecipe(sources=sources[::-1], validation_fraction=0, tokenizer="bytes:")
    lenient = Deduplication(expected_removal=0.2)
    with pytest.raises(InputError, match=r"'big': exact copies would remove 30 of 130 documents"):
        build(
            replace(recipe, sources=(sources[2], sources[0]), deduplicate=lenient), tmp_path / "s"
        )
    build(replace(recipe, sources=(sources[2], sources[0])), tmp_path / "t", until="documents")


@pytest.mark.parametrize(
    ("value", "later"),
    [("2019", "2020-01-01"), ("2020-01-01", "2020-01-01T00:00:01"), (3, 4), (None, "1970-01-01")],
)
def test_dates_sort(value, later):
    assert date_number(value) < date_number(later)


def test_a_date_that_is_none():
    assert date_number("soon") == date_number(None) == date_number(True)
