import random
import sys
from pathlib import Path

import pytest
from hypothesis import settings

from xgen_core import open_tokenizer
from xgen_data import DataRecipe, SourceConfig, TokenStore, build

settings.register_profile("house", deadline=None)  # a busy machine is not a failure
settings.load_profile("house")
WORDS = ("alpha", "beta", "gamma", "δέλτα", "epsilon", "ζήτα", "eta", "theta", "一二三", "kappa")


@pytest.fixture(autouse=True)
def plugin(monkeypatch):
    """Install the plug-in that provides `bytes:`, as pip would; where it is."""
    directory = str(Path(__file__).parent / "plugin")
    monkeypatch.syspath_prepend(directory)
    yield directory
    sys.modules.pop("byte_tokenizer", None)


@pytest.fixture
def tokenizer(plugin):
    return open_tokenizer("bytes:")


def write_corpus(root: Path) -> Path:
    """Two directories of small files, `left` twice the size of `right`, one file in both."""
    source = random.Random(5)
    for name, count in (("left", 60), ("right", 30)):
        directory = root / name
        directory.mkdir(parents=True)
        for i in range(count):
            words = " ".join(source.choices(WORDS, k=source.randint(4, 120)))
            (directory / f"{i:03d}.txt").write_text(f"{name} {i}\n{words}\n", encoding="utf-8")
        (directory / "same.txt").write_text("the very same text in both\n")
    return root


@pytest.fixture
def corpus(tmp_path):
    return write_corpus(tmp_path / "corpus")


@pytest.fixture
def recipe(corpus):
    return DataRecipe(
        sources=tuple(SourceConfig(name=n, uri=f"text:{corpus / n}") for n in ("left", "right")),
        validation_fraction=0.1,
        shard_bytes=5000,
        tokenizer="bytes:",
        block_tokens=1024,
    )


@pytest.fixture
def store(recipe, tmp_path):
    return TokenStore.open(build(recipe, tmp_path / "store"))


@pytest.fixture
def tree():
    """All files below a directory with their bytes."""

    def read(directory):
        files = (p for p in Path(directory).rglob("*") if p.is_file())
        return {str(p.relative_to(directory)): p.read_bytes() for p in files}

    return read
