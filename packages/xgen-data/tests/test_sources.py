import gzip
import itertools
import json
import os

import pytest

from xgen_core import Document, InputError
from xgen_data import Drop, SourceConfig
from xgen_data.sources import read_source
from xgen_data.sources.python import module_reference


def read(uri, name="s"):
    return list(read_source(SourceConfig(name=name, uri=uri)))


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
        ('{"body": "x"}', 'expected a string under "text", got None'),
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
    with pytest.raises(InputError, match="damaged gzip"):
        read(f"jsonl:{path}")


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("text:/no/such", "text:/no/such: no such file or directory"),
        ("code:/no/such", "no such directory"),
        ("jsonl:/no/such", "no such file"),
        ("hf:/no/such", "no such directory"),
        ("python:stdlb", "did you mean 'python:stdlib'"),
        ("txt:/tmp", "did you mean 'text'"),
        ("nothing", "unknown scheme"),
    ],
)
def test_missing_sources(uri, message):
    with pytest.raises(InputError, match=message):
        read(uri)


def test_a_source_without_documents_says_what_it_saw(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"\0")
    with pytest.raises(InputError, match=r"no document in .*1 passed over, such as a.txt: binary"):
        read(f"text:{tmp_path}")


def test_standard_library():
    both = read("python:stdlib")
    first = next(i for i, item in enumerate(both) if getattr(item, "id", "").startswith("topics/"))
    code, docs = both[:first], both[first:]
    for name, part in (("stdlib-code", code), ("stdlib-docs", docs)):
        source = read_source(SourceConfig(name="s", uri=f"python:{name}"))
        assert list(itertools.islice(source, 20)) == part[:20]
    assert "json/decoder.py" in texts(code)
    assert len(texts(code)) > 400
    assert not [i for i in texts(code) if {"test", "tests", "site-packages"} & set(i.split("/"))]
    page = texts(docs)["reference/json/__init__.py"]
    assert page.startswith("json\n====\n")
    assert "def dumps(obj, *, skipkeys=False" in page
    assert "Serialize ``obj`` to a JSON formatted ``str``." in page
    assert "import" not in page.split("def dumps")[1].split("\n")[0]
    assert "topics/assert" in texts(docs)
    assert "module without docstrings" in drops(docs).values()


def test_module_reference():
    code = '''
"""Head."""
class Public(Base):
    """About it."""
    def method(self, a: int = 1) -> str:
        """What it does.

        More.
        """
    def _private(self):
        """No."""
def silent(): ...
async def later(*args): "Soon."
'''
    assert module_reference(code, "m") == (
        "m\n=\n\nHead.\n\nclass Public(Base)\n    About it.\n\n"
        "    def method(self, a: int=1) -> str\n        What it does.\n\n        More.\n\n"
        "async def later(*args)\n    Soon.\n"
    )
    assert module_reference("x = 1", "m") is None


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
    with pytest.raises(InputError, match='row 1: expected a string under "text"'):
        read(f"hf:{tmp_path / 'other'}")
