import pytest

from xgen_core import Document, InputError
from xgen_data import Drop, SourceConfig
from xgen_data.sources import plan_source, read_part, read_source
from xgen_data.sources.hugging_face import SavedReader


def read(uri, name="s", **config):
    return list(read_source(SourceConfig(name=name, uri=uri, **config)))


def texts(items):
    return {d.id: d.text for d in items if isinstance(d, Document)}


def drops(items):
    return {d.example: d.reason for d in items if isinstance(d, Drop)}


def test_saved_data_set(tmp_path):
    from datasets import Dataset, DatasetDict, disable_progress_bars

    disable_progress_bars()
    rows = Dataset.from_dict({"text": ["one", "two"], "id": ["x", "y"]})
    rows.save_to_disk(str(tmp_path / "plain"))
    DatasetDict(train=rows).save_to_disk(str(tmp_path / "split"))
    assert texts(read(f"hf:{tmp_path / 'plain'}")) == {"x": "one", "y": "two"}
    assert texts(read(f"hf:{tmp_path / 'split'}#train")) == {"x": "one", "y": "two"}
    with pytest.raises(InputError, match=r"name one split, as .*#SPLIT: train"):
        read(f"hf:{tmp_path / 'split'}")
    with pytest.raises(InputError, match="not a data set saved by"):
        read(f"hf:{tmp_path}")
    Dataset.from_dict({"body": ["one"]}).save_to_disk(str(tmp_path / "other"))
    with pytest.raises(InputError, match="no column 'text' for the text; it has body"):
        read(f"hf:{tmp_path / 'other'}")


def test_a_saved_data_set_is_cut_by_rows(tmp_path):
    from datasets import Dataset

    Dataset.from_dict(
        {"text": [f"text {i}" for i in range(100)], "n": list(range(100))}
    ).save_to_disk(str(tmp_path))
    config = SourceConfig(name="s", uri=f"hf:{tmp_path}")
    reader = SavedReader(part_bytes=300)
    parts = reader.plan(config)
    assert len(parts) > 3
    items = [item for part in parts for item in reader.read(part, config)]
    assert items == read(config.uri)
    assert items[41] == Document(id="42", text="text 41", source="s", metadata={"n": 41})


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A directory that `datasets` reads as a data set: two shards of train, one of test."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for name, rows in (("train-0", "abc"), ("train-1", "de"), ("test-0", "z")):
        lines = [f'{{"text": "{letter * 3}", "n": {number}}}' for number, letter in enumerate(rows)]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
    return tmp_path


def test_streaming_by_shards(files):
    config = SourceConfig(name="s", uri=f"hub:{files}@train")
    parts = plan_source(config)
    assert len(parts) == 2
    assert texts(read(config.uri)) == {
        "0:1": "aaa",
        "0:2": "bbb",
        "0:3": "ccc",
        "1:1": "ddd",
        "1:2": "eee",
    }
    assert texts(read_part(config, parts[1])) == {"1:1": "ddd", "1:2": "eee"}
    assert [d.metadata for d in read_part(config, parts[1])] == [{"n": 0}, {"n": 1}]
    assert texts(read(f"hub:{files}@test")) == {"1": "zzz"}


def test_streaming_names_what_is_wrong(files, tmp_path):
    with pytest.raises(InputError, match=r"name one split, as hub:.*@SPLIT: "):
        read(f"hub:{files}")
    with pytest.raises(InputError, match=r"hub:.*@dev: "):
        read(f"hub:{files}@dev")
    with pytest.raises(InputError, match=r"hub:/no/such/directory: "):
        read("hub:/no/such/directory")
    with pytest.raises(InputError, match=r"expected hub:NAME"):
        read("hub:@train")


def test_a_damaged_shard(files):
    (files / "train-1.jsonl").write_text('{"text": "ddd", "n": 1}\n{"text": "cut o')
    config = SourceConfig(name="s", uri=f"hub:{files}@train")
    items = list(read_source(config, damaged="drop"))
    assert texts(items).keys() >= {"0:1", "0:2", "0:3"}
    assert [item.damaged for item in items if isinstance(item, Drop)] == [True]
