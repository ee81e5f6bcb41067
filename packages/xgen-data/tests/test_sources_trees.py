import os

import pytest

from xgen_core import Document, InputError
from xgen_data import Drop, SourceConfig
from xgen_data.sources import read_source


def read(uri, name="s", **config):
    return list(read_source(SourceConfig(name=name, uri=uri, **config)))


def texts(items):
    return {d.id: d.text for d in items if isinstance(d, Document)}


def drops(items):
    return {d.example: d.reason for d in items if isinstance(d, Drop)}


def test_text_tree_counts_what_it_passes_over(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "b.txt").write_text("b")
    (tmp_path / "sub" / "a.md").write_text("a")
    (tmp_path / "notes.RST").write_text("r")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    (tmp_path / "binary.txt").write_bytes(b"a\0b")
    (tmp_path / "latin.txt").write_bytes("é".encode("latin-1"))
    (tmp_path / "empty.txt").write_bytes(b"")
    (tmp_path / "gone.txt").symlink_to(tmp_path / "nowhere")
    items = read(f"text:{tmp_path}")
    assert texts(items) == {"b.txt": "b", "notes.RST": "r", "sub/a.md": "a"}
    assert list(texts(items)) == ["b.txt", "notes.RST", "sub/a.md"]
    assert drops(items) == {
        "binary.txt": "binary file (NUL bytes)",
        "latin.txt": "not UTF-8",
        "empty.txt": "empty file",
        "gone.txt": "not a regular file",
    }


def test_a_file_name_that_is_not_text(tmp_path):
    (tmp_path / os.fsdecode(b"\xff.txt")).write_text("x")
    (item,) = read(f"text:{tmp_path}")
    assert item.id.encode("utf-8") == rb"\udcff.txt"


def test_a_single_file_must_be_text(tmp_path):
    (tmp_path / "README").write_text("hello")
    assert texts(read(f"text:{tmp_path / 'README'}")) == {"README": "hello"}
    (tmp_path / "photo.txt").write_bytes(b"\0\1")
    with pytest.raises(InputError, match=r"photo\.txt: binary file"):
        read(f"text:{tmp_path / 'photo.txt'}")


def test_code_tree(tmp_path):
    (tmp_path / "m.py").write_text("x = 1\n")
    (tmp_path / "m.rs").write_text("fn main() {}\n")
    (tmp_path / "m.txt").write_text("not code")
    items = read(f"code:{tmp_path}")
    assert {d.id: d.metadata["code.language"] for d in items} == {"m.py": "python", "m.rs": "rust"}


def test_a_source_without_documents_says_what_it_saw(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"\0")
    with pytest.raises(InputError, match=r"no document in .*1 passed over, such as a.txt: binary"):
        read(f"text:{tmp_path}")
