import itertools

from xgen_core import Document
from xgen_data import Drop, SourceConfig
from xgen_data.sources import read_source
from xgen_data.sources.python import module_reference


def read(uri, name="s", **config):
    return list(read_source(SourceConfig(name=name, uri=uri, **config)))


def texts(items):
    return {d.id: d.text for d in items if isinstance(d, Document)}


def drops(items):
    return {d.example: d.reason for d in items if isinstance(d, Drop)}


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
