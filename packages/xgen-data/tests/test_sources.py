import pytest

from xgen_core import Document, InputError, PluginError
from xgen_data import Drop, SourceConfig
from xgen_data.sources import (
    SOURCES,
    Part,
    describe_damage,
    plan_source,
    read_part,
    read_source,
)


def read(uri, name="s", **config):
    return list(read_source(SourceConfig(name=name, uri=uri, **config)))


def texts(items):
    return {d.id: d.text for d in items if isinstance(d, Document)}


def drops(items):
    return {d.example: d.reason for d in items if isinstance(d, Drop)}


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


PLUGIN = """
from xgen_core import Document
from xgen_data.sources import Part

class Reader:
    def plan(self, config):
        return [Part(path=letter) for letter in config.rest]

    def read(self, part, config):
        yield Document(id=part.path, text=part.path * 3, source=config.name)

reader = Reader()
broken = object()
"""


def test_other_packages_add_kinds_of_sources(tmp_path, monkeypatch):
    info = tmp_path / "letters-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: letters\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[xgen.sources]\nletters = letters_plugin:reader\nbad = letters_plugin:nothing\n"
    )
    (tmp_path / "letters_plugin.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert texts(read("letters:ab")) == {"a": "aaa", "b": "bbb"}
    with pytest.raises(PluginError, match=r"bad.* is installed but broken"):
        read("bad:x")
    with pytest.raises(InputError, match="did you mean 'letters'"):
        read("leters:ab")


def test_parts_make_the_source_and_survive_json(tmp_path):
    for name in ("one", "two", "three"):
        (tmp_path / f"{name}.txt").write_text(name)
    config = SourceConfig(name="s", uri=f"text:{tmp_path}")
    parts = [Part.from_json(part.to_json()) for part in plan_source(config)]
    assert [item for part in parts for item in read_part(config, part)] == read(config.uri)
    assert parts[0].size == 11


def test_damage_stops_or_is_counted(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "a"}\n{\n{"text": "b"}\n')
    config = SourceConfig(name="s", uri=f"jsonl:{path}")
    seen = []
    with pytest.raises(InputError, match=r"rows\.jsonl:2: this line is not JSON"):
        seen.extend(read_source(config))
    assert texts(seen) == {"1": "a"}
    items = list(read_source(config, damaged="drop"))
    assert texts(items) == {"1": "a", "3": "b"}
    (drop,) = (item for item in items if isinstance(item, Drop))
    assert drop == Drop(reason="this line is not JSON", example=f"{path}:14", damaged=True)
    assert describe_damage(config, drop) == f"{path}:2: this line is not JSON"


@pytest.mark.parametrize("scheme", sorted(set(SOURCES) - {"python", "hub"}))
def test_every_reader_says_what_is_missing(scheme, tmp_path):
    with pytest.raises(InputError, match=rf"{scheme}:{tmp_path}/nothing.*no such"):
        plan_source(SourceConfig(name="s", uri=f"{scheme}:{tmp_path}/nothing"))


@pytest.mark.parametrize("scheme", sorted(set(SOURCES) - {"python", "hub", "hf", "text"}))
def test_an_empty_directory_is_a_source_without_documents(scheme, tmp_path):
    with pytest.raises(InputError, match="no document in"):
        read(f"{scheme}:{tmp_path}")
