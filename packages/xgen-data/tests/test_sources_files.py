import bz2
import gzip
import lzma
import os

import fsspec
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xgen_core import InputError, MissingExtraError
from xgen_data import SourceConfig
from xgen_data.sources import read_source
from xgen_data.sources.files import (
    CHUNK,
    DamageError,
    group_files,
    list_files,
    open_bytes,
    part_files,
    read_chunks,
    read_limited,
    read_lines,
)


def zstd(data):
    return pa.Codec("zstd").compress(data, asbytes=True)


PACK = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zst": zstd}
TEXT = b"".join(b"%d a line of text\n" % i for i in range(30_000))


@pytest.fixture
def memory():
    """An empty file system of fsspec's; `memory://bucket/…`."""
    system = fsspec.filesystem("memory")
    system.store.clear()
    yield system
    system.store.clear()


def names(path, suffixes=None):
    return [file.name for file in list_files(str(path), suffixes).files]


@pytest.mark.parametrize("suffix", PACK)
def test_compressed_streams_end_to_end(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(PACK[suffix](TEXT) + PACK[suffix](b"more"))
    chunks = list(read_chunks(str(path)))
    assert b"".join(chunks) == TEXT + b"more"
    assert max(map(len, chunks)) <= CHUNK
    with open_bytes(str(path)) as stream:
        assert stream.readline() == b"0 a line of text\n"
    assert read_limited(str(path), 10) is None


@pytest.mark.parametrize("suffix", PACK)
def test_a_truncated_stream_gives_what_was_before(tmp_path, suffix):
    content = TEXT + os.urandom(600_000)
    path = tmp_path / f"a{suffix}"
    path.write_bytes(PACK[suffix](content)[:-300_000])
    chunks = []
    with pytest.raises(DamageError, match="truncated") as caught:
        chunks.extend(read_chunks(str(path)))
    seen = b"".join(chunks)
    assert content.startswith(seen)
    assert caught.value.offset == len(seen) > 500_000


@pytest.mark.parametrize("suffix", PACK)
def test_what_is_not_compressed_although_its_name_says_so(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(b"plain text, as it happens")
    with pytest.raises(DamageError, match="damaged"):
        list(read_chunks(str(path)))
    path.write_bytes(PACK[suffix](b"fine") + b"and then rubbish")
    seen = []
    with pytest.raises(DamageError, match="damaged"):
        seen.extend(read_chunks(str(path)))
    path.write_bytes(b"")
    assert list(read_chunks(str(path))) == []


def test_a_flipped_byte_is_found_by_the_checksum(tmp_path):
    path = tmp_path / "a.gz"
    packed = bytearray(gzip.compress(os.urandom(5000)))
    packed[2000] ^= 1
    path.write_bytes(packed)
    with pytest.raises(DamageError, match="damaged"):
        list(read_chunks(str(path)))


def test_padding_after_gzip(tmp_path):
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(b"x") + b"\0" * 1000)
    assert b"".join(read_chunks(str(path))) == b"x"


def test_a_bomb_is_read_in_little_memory(tmp_path):
    import tracemalloc

    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(b"\0" * 2**25, 1))
    tracemalloc.start()
    assert sum(map(len, read_chunks(str(path)))) == 2**25
    assert list(read_lines(read_chunks(str(path)), limit=1000)) == [(0, None)]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**23


@given(
    st.lists(st.binary(max_size=6).map(lambda b: b.replace(b"\r", b"\n")), max_size=8),
    st.integers(1, 9),
)
def test_lines_do_not_depend_on_chunks(chunks, limit):
    content = b"".join(chunks)
    lines = content.split(b"\n")
    if not lines[-1]:
        lines.pop()
    expected, offset = [], 7
    for line in lines:
        expected.append((offset, line if len(line) <= limit else None))
        offset += len(line) + 1
    assert list(read_lines(chunks, 7, limit)) == expected


def test_listing_a_directory_a_glob_and_a_file(tmp_path):
    for name in ("b.txt", "a.txt.gz", "sub/c.TXT", "sub/d.png", "z/e.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"12345")
    assert names(tmp_path, (".txt",)) == ["a.txt.gz", "b.txt", "sub/c.TXT", "z/e.txt"]
    assert names(tmp_path / "*/*", (".txt",)) == ["sub/c.TXT", "sub/d.png", "z/e.txt"]
    assert names(f"{tmp_path}/**/c.*") == ["sub/c.TXT"]
    listing = list_files(str(tmp_path / "sub/d.png"), (".txt",))
    assert listing.single
    assert [(f.name, f.size) for f in listing.files] == [("d.png", 5)]
    with pytest.raises(InputError, match="no such file or directory"):
        list_files(str(tmp_path / "*.csv"))


def test_parts_are_cut_by_number_and_size(tmp_path):
    for i in range(10):
        (tmp_path / f"{i}.txt").write_bytes(b"x" * (i + 1))
    listing = list_files(str(tmp_path))
    assert [len(p.files) for p in group_files(listing, max_files=4)] == [4, 4, 2]
    parts = group_files(listing, max_bytes=15)
    assert [p.size for p in parts] == [15, 13, 8, 9, 10]
    everything = [pair for part in parts for pair in part_files(part)]
    assert everything == [(f"{i}.txt", f"{tmp_path}/{i}.txt") for i in range(10)]


def test_urls(memory, tmp_path):
    memory.pipe({"/bucket/a.txt": b"one", "/bucket/sub/b.txt": b"two", "/bucket/c.bin": b"\0"})
    with fsspec.open("memory://bucket/d.txt.gz", "wb") as file:
        file.write(gzip.compress(b"four"))
    assert names("memory://bucket", (".txt",)) == ["a.txt", "d.txt.gz", "sub/b.txt"]
    assert names("memory://bucket/*.txt") == ["a.txt"]
    documents = {
        d.id: d.text for d in read_source(SourceConfig(name="s", uri="text:memory://bucket"))
    }
    assert documents == {"a.txt": "one", "d.txt.gz": "four", "sub/b.txt": "two"}
    single = list(read_source(SourceConfig(name="s", uri="text:memory://bucket/a.txt")))
    assert [(d.id, d.text) for d in single] == [("a.txt", "one")]
    with pytest.raises(InputError, match=r"memory://bucket/nothing: no such file"):
        list_files("memory://bucket/nothing")
    with pytest.raises(InputError, match="unknown kind of URL 'gopherr'"):
        list_files("gopherr://x/y")


def test_a_missing_file_system_says_what_to_install(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "gcsfs", None)
    with pytest.raises(MissingExtraError, match="pip install 'gcsfs'"):
        list_files("gs://bucket/file")
