import gzip
import json
import math
import sys
import tracemalloc

import fsspec
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xgen_core import Document, InputError
from xgen_data import Drop, SourceConfig
from xgen_data.sources import describe_damage, read_source
from xgen_data.sources.jsonl import JsonlReader


def read(uri, name="s", **config):
    return list(read_source(SourceConfig(name=name, uri=uri, **config)))


def texts(items):
    return {d.id: d.text for d in items if isinstance(d, Document)}


def drops(items):
    return {d.example: d.reason for d in items if isinstance(d, Drop)}


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.jsonl.gz"])
def test_jsonl(tmp_path, name):
    rows = [
        {"text": "one", "id": 7, "meta": {"url": "u", "scores": [1, 2]}},
        {"text": "two", "metadata": {"n": 2}, "other": {"ignored": True}},
    ]
    content = "\n\n".join(json.dumps(row) for row in rows).encode()
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    assert read(f"jsonl:{tmp_path / name}") == [
        Document(id="7", text="one", source="s", metadata={"url": "u", "scores": "[1, 2]"}),
        Document(id="2", text="two", source="s", metadata={"n": 2}),
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"body": "x"}', 'expected a string under "text"'),
        ('["x"]', 'expected an object with "text"'),
        ('{"text": "x", "meta": 3}', 'expected an object under "meta"'),
        ("{", "not JSON"),
    ],
)
def test_jsonl_names_the_line(tmp_path, line, message):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "fine"}\n' + line + "\n")
    with pytest.raises(InputError, match=f"rows.jsonl:2: .*{message}"):
        read(f"jsonl:{path}")


def test_damaged_gzip(tmp_path):
    path = tmp_path / "rows.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"text": "x"}\n' * 1000)[:-20])
    with pytest.raises(InputError, match=r"rows.jsonl.gz:\d+: the compressed file is truncated"):
        read(f"jsonl:{path}")


def plan_and_read(reader, config):
    parts = reader.plan(config)
    return parts, [item for part in parts for item in reader.read(part, config)]


def test_other_column_names(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"content": "one", "url": "u1"}\n')
    (document,) = read(f"jsonl:{path}", text="content", id="url")
    assert (document.id, document.text) == ("u1", "one")


def test_a_directory_and_a_glob(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text": "one"}\n{"text": "two", "id": "x"}\n')
    (tmp_path / "b.ndjson.gz").write_bytes(gzip.compress(b'{"text": "three"}\n'))
    (tmp_path / "c.json.zst").write_bytes(pa.Codec("zstd").compress(b'{"text": "4"}', asbytes=True))
    (tmp_path / "info.json").write_text('{\n "pretty": true\n}')
    assert texts(read(f"jsonl:{tmp_path}")) == {
        "a.jsonl:1": "one",
        "x": "two",
        "b.ndjson.gz:1": "three",
    }
    assert texts(read(f"jsonl:{tmp_path}/c*")) == {"c.json.zst:1": "4"}


@given(
    st.lists(st.sampled_from(['{"text": "a"}', '{"text": "b", "id": "x"}', "", "{", "\u00e9"])),
    st.integers(1, 60),
    st.booleans(),
)
def test_how_a_file_is_cut_changes_nothing(rows, size, ends):
    content = "\n".join(rows) + ("\n" if ends else "")
    system = fsspec.filesystem("memory")
    system.pipe("/rows.jsonl", content.encode())
    config = SourceConfig(name="s", uri="jsonl:memory://rows.jsonl")
    _, whole = plan_and_read(JsonlReader(cut_bytes=0, range_bytes=2**30), config)
    parts, pieces = plan_and_read(JsonlReader(cut_bytes=0, range_bytes=size), config)
    assert len(parts) == max(1, -(-len(content.encode()) // size))
    assert pieces == whole
    assert sum(map(bool, rows)) == len(whole)
    for item in whole:
        if isinstance(item, Document) and item.id != "x":
            assert content.encode()[int(item.id.removeprefix("@")) :].startswith(b'{"text": "a"}')


def test_only_large_files_are_cut(tmp_path):
    for name, rows in (("a", 1), ("b", 100), ("c", 1), ("d", 1)):
        (tmp_path / f"{name}.jsonl").write_text('{"text": "x"}\n' * rows)
    config = SourceConfig(name="s", uri=f"jsonl:{tmp_path}")
    parts, items = plan_and_read(JsonlReader(cut_bytes=100, range_bytes=700), config)
    assert [(p.files, p.start, p.stop) for p in parts] == [
        (("a.jsonl",), 0, None),
        (("b.jsonl",), 0, 700),
        (("b.jsonl",), 700, 1400),
        (("c.jsonl", "d.jsonl"), 0, None),
    ]
    assert len(texts(items)) == 103
    assert items[1].id == "b.jsonl:@0"


def test_damage_is_counted_row_by_row(tmp_path, monkeypatch):
    monkeypatch.setattr("xgen_data.sources.files.MAX_BYTES", 1000)
    rows = [
        b'{"text": "first"}',
        b'{"text": "' + b"x" * 2000 + b'"}',
        b'{"text": "caf\xe9"}',
        b'{"text": "a\0b"}',
        b"[" * 900,
        b'{"text": NaN}',
        b'{"text": "last"}',
        b'{"text": "cut o',
    ]
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"\n".join(rows))
    config = SourceConfig(name="s", uri=f"jsonl:{path}")
    items = list(read_source(config, damaged="drop"))
    assert texts(items) == {"1": "first", "7": "last"}
    assert [(i.reason, i.damaged) for i in items if isinstance(i, Drop)] == [
        ("line larger than 64 MiB", True),
        ("this line is not UTF-8", True),
        ("this line is not JSON", True),
        ("this line is not JSON", True),
        ('expected a string under "text"', True),
        ("this line is not JSON", True),
    ]
    lines = [describe_damage(config, item) for item in items if isinstance(item, Drop)]
    assert [int(line.removeprefix(f"{path}:").partition(":")[0]) for line in lines] == [
        2,
        3,
        4,
        5,
        6,
        8,
    ]


def test_a_huge_line_is_not_held(tmp_path):
    path = tmp_path / "rows.jsonl.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(b'{"text": "')
        for _ in range(300):
            file.write(b"x" * 2**20)
        file.write(b'"}\n{"text": "after"}\n')
    config = SourceConfig(name="s", uri=f"jsonl:{path}")
    tracemalloc.start()
    items = list(read_source(config, damaged="drop"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert texts(items) == {"2": "after"}
    assert peak < 1.5 * 2**26


def test_a_truncated_file_gives_the_rows_before(tmp_path):
    path = tmp_path / "rows.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"text": "x"}\n' * 1000)[:-20])
    config = SourceConfig(name="s", uri=f"jsonl:{path}")
    items = list(read_source(config, damaged="drop"))
    assert len(texts(items)) > 600
    assert isinstance(items[-1], Drop)
    assert items[-1].damaged
    assert items[-1].example.startswith(f"{path}:")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_a_file_in_another_encoding(tmp_path, encoding):
    path = tmp_path / "rows.jsonl"
    path.write_bytes('{"text": "x"}\n'.encode(encoding))
    with pytest.raises(InputError, match=r"rows.jsonl: in UTF-16 or UTF-32; convert it to UTF-8"):
        read(f"jsonl:{path}")


def test_a_byte_order_mark_is_no_damage(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"text": "x"}\n')
    assert texts(read(f"jsonl:{path}")) == {"1": "x"}


@pytest.mark.parametrize("fast", [False, True])
def test_both_parsers_agree(tmp_path, monkeypatch, fast):
    if fast:
        pytest.importorskip("orjson")
    else:
        monkeypatch.setitem(sys.modules, "orjson", None)
    rows = [
        r'{"text": "emoji \ud83d\ude00, \ud83d.", "id": "\udc00", "meta": {"k\ud8ff": "\udfffv"}}',
        '{"text": "x", "meta": {"big": 123456789012345678901234567890, "deep": [1e400, {"a": 1}]}}',
        '{"text": "y", "meta": {"nan": NaN}}',
        r'{"text": "nul \u0000 stays", "text": "the last key counts"}',
    ]
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(rows))
    documents = read(f"jsonl:{path}")
    assert documents[0] == Document(
        id=r"\udc00", text="emoji 😀, .", source="s", metadata={"k": "v"}
    )
    assert documents[1].metadata == {
        "big": 123456789012345678901234567890,
        "deep": '[Infinity, {"a": 1}]',
    }
    assert math.isnan(documents[2].metadata["nan"])
    assert documents[3].text == "the last key counts"
    json.dumps([d.to_json() for d in documents], ensure_ascii=False).encode("utf-8")
