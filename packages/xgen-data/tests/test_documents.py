import hashlib
import random
from dataclasses import replace

import pytest

from xgen_core import InputError
from xgen_data import DataRecipe, Deduplication, SourceConfig, build, read_documents
from xgen_data.documents import read_summary
from xgen_data.sorter import Row, UniqueSorter


def build_documents(recipe, output, **options):
    return read_summary(build(recipe, output, until="documents", **options))


def test_documents_are_split_and_in_hash_order(recipe, tmp_path):
    summary = build_documents(recipe, tmp_path)
    limit = int(0.1 * 2**64)
    count = 0
    for split in ("train", "validation"):
        for source in ("left", "right"):
            documents = list(read_documents(tmp_path, split, source))
            digests = [hashlib.sha256(d.text.encode()).digest() for d in documents]
            assert digests == sorted(digests)
            for digest in digests:
                held_out = int.from_bytes(digest[:8], "big") < limit
                assert held_out == (split == "validation")
            assert {d.source for d in documents} == {source}
            count += len(documents)
    assert count == 91  # 61 + 31 files, one text in both
    for file in summary.files:
        content = (tmp_path / "documents" / file.file).read_bytes()
        assert hashlib.sha256(content).hexdigest() == file.sha256
        assert file.bytes <= recipe.shard_bytes
    assert [f.file for f in summary.files[:2]] == [
        "train/left-00000.jsonl",
        "train/left-00001.jsonl",
    ]


def test_the_first_source_keeps_the_duplicate(recipe, tmp_path):
    left, right = build_documents(recipe, tmp_path).sources
    assert (left.read, left.removed, left.kept) == (61, {}, 61)
    assert (right.read, right.removed, right.kept) == (31, {"exact": 1}, 30)
    assert sum(left.lengths.values()) == 61
    ids = {d.id for s in ("train", "validation") for d in read_documents(tmp_path, s, "left")}
    assert "same.txt" in ids


def test_memory_does_not_change_the_result(recipe, tmp_path, tree):
    for name, memory in (("large", 2**29), ("small", 4000), ("tiny", 1)):
        (tmp_path / name).mkdir()
        build_documents(recipe, tmp_path / name, memory=memory)
    assert tree(tmp_path / "small") == tree(tmp_path / "large")
    assert tree(tmp_path / "tiny") == tree(tmp_path / "large")


def test_sorter_spills_and_cleans_up(tmp_path):
    source = random.Random(1)
    prefixes = [source.randbytes(1) for _ in range(4)]  # so that files are spilled again
    digests = [source.choice(prefixes) + source.randbytes(1) + bytes(30) for _ in range(600)]
    rows = [Row(d, b"k%d" % i, b"%d\n" % i) for i, d in enumerate(digests)]
    first = {}
    for row in rows:
        first.setdefault(row.digest, row)
    sorter = UniqueSorter(tmp_path, memory=2000)
    for row in rows:
        sorter.add(row)
    assert list(tmp_path.iterdir())
    assert list(sorter) == [first[d] for d in sorted(first)]
    assert sorter.duplicates == len(rows) - len(first)
    assert not list(tmp_path.iterdir())


def test_one_text_many_times_is_no_endless_spill(tmp_path):
    sorter = UniqueSorter(tmp_path, memory=10)
    for i in range(100):
        sorter.add(Row(b"\7" * 32, b"", b"same\n"))
        sorter.add(Row(bytes([i]) * 32, b"", b"other\n"))
    assert len(list(sorter)) == 100
    assert sorter.duplicates == 100


def test_a_source_of_nothing_but_copies_is_refused(corpus, recipe, tmp_path):
    for path in (corpus / "right").iterdir():
        path.write_text("the very same text in both\n")
    message = "source 'right' has no document for training: 31 read, 0 kept.*31 exact copies"
    with pytest.raises(InputError, match=message):
        build_documents(recipe, tmp_path / "out")
    assert not (tmp_path / "out" / "documents" / "summary.json").exists()


def test_reading_what_is_not_there(recipe, tmp_path):
    with pytest.raises(InputError, match="no such file"):
        next(read_documents(tmp_path, "train"))
    build_documents(recipe, tmp_path)
    with pytest.raises(InputError, match="no documents train/middle; has train/left"):
        next(read_documents(tmp_path, "train", "middle"))


def test_when_to_stop_is_no_part_of_what_a_build_is(tmp_path):
    """Damage stops a build; told to go on, it does so where it stopped."""
    good = "".join(f'{{"text": "a line of text, number {i}"}}\n' for i in range(20))
    (tmp_path / "good.jsonl").write_text(good)
    (tmp_path / "bad.jsonl").write_text('{"text": "a good line before it"}\n{"text": \n')
    recipe = DataRecipe(
        sources=tuple(
            SourceConfig(name=n, uri=f"jsonl:{tmp_path}/{n}.jsonl") for n in ("good", "bad")
        ),
        validation_fraction=0,
    )
    store = tmp_path / "store"
    with pytest.raises(InputError, match=r"bad\.jsonl:2: .*--set damaged=drop"):
        build_documents(recipe, store)
    recipe = replace(recipe, damaged="drop", deduplicate=Deduplication(expected_removal=1))
    summary = build_documents(recipe, store)
    assert [source.kept for source in summary.sources] == [20, 1]
