"""Every registered tokenizer keeps the contract of `xgen_core.Tokenizer`."""

from __future__ import annotations

from pathlib import Path

from xgen_core import Document, Tokenizer, open_tokenizer
from xgen_core.testing import ByteTokenizer, check_tokenizer
from xgen_data import read_documents
from xgen_tokenizer import train_bpe


def reopen(directory: Path) -> Tokenizer:
    return open_tokenizer(str(directory))


def test_xgen(tmp_path: Path) -> None:
    check_tokenizer(open_tokenizer("xgen"), reopen, tmp_path / "xgen")


def test_a_trained_one(tmp_path: Path) -> None:
    text = Path(__file__).read_text("utf-8")
    tokenizer = train_bpe([text], vocab_size=400)
    check_tokenizer(tokenizer, reopen, tmp_path / "trained")


def test_the_shipped_double(tmp_path: Path) -> None:
    check_tokenizer(ByteTokenizer(bos=True), ByteTokenizer.open, tmp_path / "bytes")


def test_documents_of_data_are_read_by_other_rooms(tmp_path: Path) -> None:
    from xgen_data import DataRecipe, SourceConfig, build

    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("A note that is long enough to be kept.\n" * 3)
    recipe = DataRecipe(sources=(SourceConfig(name="notes", uri=f"text:{tmp_path / 'notes'}"),))
    build(recipe, tmp_path / "store", until="documents")
    [document] = read_documents(tmp_path / "store", "train")
    assert Document.from_json(document.to_json()) == document
