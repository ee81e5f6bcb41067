import datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from xgen_core import Document, InputError
from xgen_data import Drop, SourceConfig
from xgen_data.sources import read_source
from xgen_data.sources.parquet import ParquetReader


def read(uri, **config):
    return list(read_source(SourceConfig(name="s", uri=uri, **config)))


def write(path, columns, **options):
    pq.write_table(pa.table(columns), path, **options)
    return path


def test_columns_become_documents(tmp_path):
    day = datetime.datetime(2023, 6, 28, tzinfo=datetime.UTC)
    path = write(
        tmp_path / "a.parquet",
        {
            "text": ["one", None, "three"],
            "url": ["u", "v", None],
            "day": [day] * 3,
            "tags": [["a"], [], None],
            "meta": [{"n": 1}, None, {"n": 3}],
        },
    )
    first, second, third = read(f"parquet:{path}")
    assert first == Document(
        id="1",
        text="one",
        source="s",
        metadata={"n": 1, "url": "u", "day": "2023-06-28T00:00:00+00:00", "tags": '["a"]'},
    )
    assert second == Drop(reason="no text", example=f"{path}:row 2")
    assert (third.id, third.metadata["url"], third.metadata["tags"]) == ("3", None, None)
    (document,) = read(f"parquet:{write(path, {'body': ['x'], 'key': [7]})}", text="body", id="key")
    assert (document.id, document.text, document.metadata) == ("7", "x", {})


def test_row_groups_are_parts_and_change_nothing(tmp_path):
    texts = [f"document {i} " * 20 for i in range(100)]
    for name in ("a", "b"):
        write(tmp_path / f"{name}.parquet", {"text": texts}, row_group_size=10)
    config = SourceConfig(name="s", uri=f"parquet:{tmp_path}")
    whole = read(config.uri)
    assert [d.id for d in whole[98:102]] == [f"a.parquet:{n}" for n in (99, 100)] + [
        f"b.parquet:{n}" for n in (1, 2)
    ]
    reader = ParquetReader(part_bytes=1500)
    parts = reader.plan(config)
    assert len(parts) > 6
    assert {p.files for p in parts} == {("a.parquet",), ("b.parquet",)}
    assert [item for part in parts for item in reader.read(part, config)] == whole


def test_a_wrong_schema_names_the_columns(tmp_path):
    path = write(tmp_path / "a.parquet", {"body": ["x"], "n": [1]})
    with pytest.raises(
        InputError, match=r"a.parquet: no column 'text' .* it has body \(string\), n \(int64\)"
    ):
        read(f"parquet:{path}")
    with pytest.raises(InputError, match=r"column 'n' holds int64, not strings"):
        read(f"parquet:{path}", text="n")


def test_large_and_dictionary_strings(tmp_path):
    for column in (
        pa.array(["x", "y"], pa.large_string()),
        pa.array(["x", "y"]).dictionary_encode(),
    ):
        path = write(tmp_path / "a.parquet", {"text": column})
        assert [d.text for d in read(f"parquet:{path}")] == ["x", "y"]


def test_no_parquet(tmp_path):
    path = tmp_path / "a.parquet"
    path.write_bytes(b"not parquet at all")
    with pytest.raises(InputError, match=r"a.parquet: not a Parquet file, or truncated"):
        read(f"parquet:{path}")
    write(path, {"text": ["x"] * 1000})
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(InputError, match="not a Parquet file, or truncated"):
        read(f"parquet:{path}")


def test_a_damaged_row_group_is_dropped_and_the_next_one_read(tmp_path):
    path = tmp_path / "a.parquet"
    texts = [f"{i} {'text ' * (i % 50)}" for i in range(3000)]
    write(path, {"text": texts}, row_group_size=1000, compression="zstd", use_dictionary=False)
    content = bytearray(path.read_bytes())
    group = pq.ParquetFile(path).metadata.row_group(1).column(0)
    middle = group.data_page_offset + group.total_compressed_size // 2
    content[middle : middle + 50] = b"\xff" * 50
    path.write_bytes(content)
    config = SourceConfig(name="s", uri=f"parquet:{path}")
    items = list(read_source(config, damaged="drop"))
    (drop,) = (item for item in items if isinstance(item, Drop))
    assert drop == Drop(reason="the row group is damaged", example=f"{path}:row 1001", damaged=True)
    assert [d.id for d in items if isinstance(d, Document)][-1] == "3000"
    with pytest.raises(InputError, match=r"a.parquet:row 1001: the row group is damaged"):
        read(config.uri)


def test_strings_that_are_not_utf_8(tmp_path):
    buffers = pa.array([b"fine", b"caf\xe9"], pa.binary()).buffers()
    bad = pa.Array.from_buffers(pa.string(), 2, buffers)
    path = write(tmp_path / "a.parquet", {"text": bad})
    items = list(read_source(SourceConfig(name="s", uri=f"parquet:{path}"), damaged="drop"))
    assert items[0].text == "fine"
    assert items[1] == Drop(reason="the text is not UTF-8", example=f"{path}:row 2", damaged=True)
