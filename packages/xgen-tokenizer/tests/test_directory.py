"""The tokenizer directory: written whole, read back the same, damage noticed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from xgen_core import FormatError, InputError, XgenError, open_tokenizer
from xgen_tokenizer import XGEN, TiktokenTokenizer, open_directory, open_xgen, train_bpe


@pytest.fixture(scope="module")
def trained() -> TiktokenTokenizer:
    return train_bpe(["one two three, one two, one"] * 5, vocab_size=270, name="little")


@pytest.fixture
def saved(trained: TiktokenTokenizer, tmp_path: Path) -> Path:
    trained.save(tmp_path / "saved")
    return tmp_path / "saved"


def contents(directory: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in directory.iterdir()}


def test_opened_again_it_is_the_same(trained: TiktokenTokenizer, saved: Path) -> None:
    opened = open_directory(saved)
    assert opened.fingerprint == trained.fingerprint
    assert (opened.name, opened.eos_id, opened.bos_id) == ("little", trained.eos_id, trained.bos_id)
    assert opened.special_ids == trained.special_ids
    assert opened.encode("one two <fim_pad>", specials=True) == trained.encode(
        "one two <fim_pad>", specials=True
    )


def test_save_open_save_gives_the_same_bytes(saved: Path, tmp_path: Path) -> None:
    open_directory(saved).save(tmp_path / "again")
    assert contents(tmp_path / "again") == contents(saved)
    assert set(contents(saved)) == {"tokenizer_config.json", "ranks.tiktoken"}


def test_xgen_can_be_saved(tmp_path: Path) -> None:
    open_xgen().save(tmp_path / "xgen")
    opened = open_tokenizer(str(tmp_path / "xgen"))
    assert opened.fingerprint == open_xgen().fingerprint
    assert opened.bos_id is None
    assert opened.encode("    return x") == [50285, 1441, 2124]


def test_opened_by_uri(trained: TiktokenTokenizer, saved: Path) -> None:
    for uri in (str(saved), f"dir:{saved}"):
        assert open_tokenizer(uri).fingerprint == trained.fingerprint


def test_saving_twice_changes_nothing(trained: TiktokenTokenizer, saved: Path) -> None:
    before = {p.name: p.stat().st_mtime_ns for p in saved.iterdir()}
    trained.save(saved)
    assert {p.name: p.stat().st_mtime_ns for p in saved.iterdir()} == before


def test_another_tokenizer_is_not_overwritten(saved: Path) -> None:
    before = contents(saved)
    with pytest.raises(InputError, match="exists already"):
        open_xgen().save(saved)
    assert contents(saved) == before
    assert [p.name for p in saved.parent.iterdir()] == ["saved"]


def test_ranks_flipped_bit(saved: Path) -> None:
    ranks = bytearray((saved / "ranks.tiktoken").read_bytes())
    ranks[100] ^= 1
    (saved / "ranks.tiktoken").write_bytes(ranks)
    refused(saved, FormatError, "ranks.tiktoken: damaged")


def test_ranks_missing(saved: Path) -> None:
    (saved / "ranks.tiktoken").unlink()
    refused(saved, FormatError, "ranks.tiktoken: missing")


def test_config_cut_short(saved: Path) -> None:
    text = (saved / "tokenizer_config.json").read_text()
    (saved / "tokenizer_config.json").write_text(text[:-20])
    refused(saved, FormatError, "not JSON")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": 2}, "version 2, but this release reads 1"),
        ({"format": "other"}, "expected a xgen-tokenizer file"),
        ({"colour": "red"}, "unknown field of TokenizerConfig 'colour'"),
        ({"ranks": "../ranks.tiktoken"}, "ranks: expected one of"),
        ({"bos": None}, "fingerprint"),
        ({"pattern": "("}, "fingerprint"),
        ({"eos": "<end>"}, "eos '<end>' is not"),
        ({"specials": {}}, "eos '<|endoftext|>' is not"),
    ],
)
def test_config_changed(saved: Path, changes: dict[str, Any], message: str) -> None:
    file = saved / "tokenizer_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))
    refused(saved, FormatError, message)


def test_no_tokenizer_there(tmp_path: Path) -> None:
    refused(tmp_path, InputError, "no tokenizer in it")
    refused(tmp_path / "nowhere", InputError, "no such tokenizer directory")


def test_the_template_travels(trained: TiktokenTokenizer, tmp_path: Path) -> None:
    chosen = TiktokenTokenizer("little", trained.vocabulary, template=XGEN)
    chosen.save(tmp_path / "chat")
    opened = open_directory(tmp_path / "chat")
    assert isinstance(opened, TiktokenTokenizer)
    assert opened.template == XGEN
    assert opened.fingerprint == trained.fingerprint
    opened.save(tmp_path / "again")
    assert contents(tmp_path / "again") == contents(tmp_path / "chat")
    with pytest.raises(InputError, match="exists already"):
        trained.save(tmp_path / "chat")  # the same vocabulary without a template is another thing


def test_template_damaged(saved: Path) -> None:
    file = saved / "template.json"
    file.write_text('{"format": "xgen-template", "version": 2}')
    refused(saved, FormatError, "version 2, but this release reads 1")
    file.write_text('{"format": "xgen-template", "version": 1, "template": {"name": "x"}}')
    refused(saved, FormatError, "template.json: template: ChatTemplate lacks the field")
    file.write_text("{")
    refused(saved, FormatError, "not JSON")


def refused(directory: Path, kind: type[XgenError], message: str) -> None:
    with pytest.raises(kind) as caught:
        open_directory(directory)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
