"""The shipped table: it holds GPT-2's merges and nothing else, and anyone can make it again."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

from xgen_core import FormatError
from xgen_tokenizer import gpt2
from xgen_tokenizer.alphabet import BYTE_OF_CHARACTER

TOOL = Path(__file__).parents[3] / "tools" / "build_gpt2_merges.py"
TABLE = files("xgen_tokenizer").joinpath("tables", gpt2.GPT2_TABLE)


def vocab_bpe() -> bytes:
    """OpenAI's file, written anew from the table."""
    character = {byte: c for c, byte in BYTE_OF_CHARACTER.items()}
    tokens = list(gpt2.gpt2_ranks())
    table = TABLE.read_bytes()
    lines = ["#version: 0.2"]
    for at in range(0, len(table), 4):
        pair = (int.from_bytes(table[at + i : at + i + 2], "little") for i in (0, 2))
        lines.append(" ".join("".join(character[b] for b in tokens[i]) for i in pair))
    return "\n".join([*lines, ""]).encode()


def test_table_is_openais_file_in_another_form() -> None:
    expected = "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5"
    assert hashlib.sha256(vocab_bpe()).hexdigest() == expected


def test_tool_makes_the_shipped_bytes(tmp_path: Path) -> None:
    source, made = tmp_path / "vocab.bpe", tmp_path / "table.bin"
    source.write_bytes(vocab_bpe())
    subprocess.run([sys.executable, TOOL, source, "--output", made], check=True)
    assert made.read_bytes() == TABLE.read_bytes()


def test_tool_refuses_another_file(tmp_path: Path) -> None:
    source, made = tmp_path / "vocab.bpe", tmp_path / "table.bin"
    source.write_bytes(vocab_bpe() + b"a b\n")
    command = [sys.executable, TOOL, source, "--output", made]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert "not OpenAI's vocab.bpe" in result.stderr
    assert not made.exists()


def test_damaged_table_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "tables").mkdir()
    damaged = bytearray(TABLE.read_bytes())
    damaged[1000] ^= 1
    (tmp_path / "tables" / gpt2.GPT2_TABLE).write_bytes(damaged)
    monkeypatch.setattr(gpt2, "files", lambda _package: tmp_path)  # where the table is looked for
    with pytest.raises(FormatError, match="damaged"):
        gpt2.gpt2_ranks()


def test_licence_lies_beside_the_table() -> None:
    text = files("xgen_tokenizer").joinpath("tables", "LICENSE-gpt2.txt").read_text("utf-8")
    assert "Modified MIT License" in text
    assert "Copyright (c) 2019 OpenAI" in text


@pytest.mark.parametrize(
    "merges", [[(b"a", b"bc")], [(b"a", b"b"), (b"a", b"b")], [(b"", b"a")]], ids=repr
)
def test_merges_must_follow_from_those_before(merges: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(ValueError, match="does not follow"):
        gpt2.pack_merges(merges)
