"""`xgen tokenizer` from a shell's point of view."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Protocol

import pytest

from xgen_core.command import main

TEXT = "The theatre thrilled them; they'd thought that there were three.\n" * 20


def xgen(*arguments: str | Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "xgen_tokenizer", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, check=False)


def output(*arguments: str | Path, stdin: bytes = b"") -> str:
    result = xgen(*arguments, stdin=stdin)
    assert result.returncode == 0, result.stderr.decode()
    return result.stdout.decode()


class Refusal(Protocol):
    def __call__(self, *arguments: str | Path, code: int = 1) -> str: ...


@pytest.fixture
def error(capsys: pytest.CaptureFixture[str]) -> Refusal:
    """Runs a command that must fail, in this process, and returns what it says."""

    def run(*arguments: str | Path, code: int = 1) -> str:
        with pytest.raises(SystemExit) as stop:
            main(["tokenizer", *map(str, arguments)])
        assert stop.value.code == code
        captured = capsys.readouterr()
        assert not captured.out
        message = captured.err.removeprefix(captured.err.partition("xgen: error:")[0])
        assert len(message.splitlines()) == 1
        return message

    return run


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    (tmp_path / "corpus" / "deep").mkdir(parents=True)
    (tmp_path / "corpus" / "a.txt").write_text(TEXT)
    row = {"id": "1", "source": "s", "text": TEXT}
    (tmp_path / "corpus" / "deep" / "b.jsonl").write_text(json.dumps(row) + "\n\n")
    (tmp_path / "corpus" / "ignored.md").write_text("not this")
    return tmp_path / "corpus"


def test_info() -> None:
    facts = json.loads(output("info", "xgen", "--json"))
    assert facts["vocab_size"] == 50313
    assert (facts["eos"], facts["bos"]) == ("<|endoftext|>", None)
    assert facts["specials"]["<fim_middle>"] == 50296
    table = output("info", "xgen")
    assert "50,313" in table
    assert facts["fingerprint"] in table
    assert "50296 <fim_middle>" in table
    assert facts["backend"]["name"] in ("fast", "tiktoken")
    assert facts["backend"]["reason"] in table


def test_encode() -> None:
    assert output("encode", "xgen", "    return x") == "50285 1441 2124\n"
    assert output("encode", "xgen", stdin=b"    return x") == "50285 1441 2124\n"
    assert output("encode", "xgen", "-", stdin="π".encode()) == "46582\n"
    assert output("encode", "xgen", "<fim_pad>", "--specials") == "50298\n"
    assert output("encode", "xgen", "<fim_pad>") != "50298\n"


def test_encode_with_pieces() -> None:
    result = json.loads(output("encode", "xgen", "A 𓀀", "--json"))
    assert result["ids"][0] == 32
    assert result["pieces"][0] == {"text": "A", "hex": "41"}
    assert b"".join(bytes.fromhex(p["hex"]) for p in result["pieces"]) == "A 𓀀".encode()
    assert None in [p["text"] for p in result["pieces"]]


def test_decode() -> None:
    assert output("decode", "xgen", "50285", "1441", "2124") == "    return x\n"
    ids = output("encode", "xgen", "a\n  round trip\n")
    assert json.loads(output("decode", "xgen", "--json", stdin=ids.encode())) == {
        "text": "a\n  round trip\n"
    }


def test_mistakes_are_one_line(error: Refusal) -> None:
    assert "got 'x'" in error("decode", "xgen", "32", "x")
    assert "id 50313 is outside" in error("decode", "xgen", "50313")
    assert "lone surrogate" in error("encode", "xgen", "a\udcff")
    assert "no such tokenizer directory" in error("info", "./nowhere")
    assert "nonesuch" in error("info", "nonesuch", code=2)


def test_train(corpus: Path, tmp_path: Path) -> None:
    out = tmp_path / "small"
    command = ("train", corpus, "--vocab-size", "280", "--output", out, "--json")
    first = json.loads(output(*command))
    assert first["written"]
    assert first["corpus_bytes"] == first["measured_bytes"] == 2 * len(TEXT)
    ids = output("encode", str(out), "-", stdin=TEXT.encode()).split()
    assert first["bytes_per_token"] == pytest.approx(len(TEXT) / len(ids))
    facts = json.loads(output("info", str(out), "--json"))
    assert (facts["name"], facts["vocab_size"]) == ("small", 280)
    assert facts["fingerprint"] == first["fingerprint"]

    before = {p.name: p.stat().st_mtime_ns for p in out.iterdir()}
    again = json.loads(output(*command))
    assert again == first | {"written": False}
    assert {p.name: p.stat().st_mtime_ns for p in out.iterdir()} == before
    assert "holds this vocabulary already" in output(*command[:-1])


def test_train_options(corpus: Path, tmp_path: Path) -> None:
    out = tmp_path / "options"
    options = ("--special", "<sep>", "--no-bos", "--name", "mine", "--min-frequency", "3")
    output("train", corpus / "a.txt", "--vocab-size", "270", "--output", out, *options)
    facts = json.loads(output("info", str(out), "--json"))
    assert facts["specials"] == {"<|endoftext|>": 268, "<sep>": 269}
    assert (facts["name"], facts["bos"]) == ("mine", None)


def test_train_keeps_what_is_there(corpus: Path, tmp_path: Path, error: Refusal) -> None:
    out = tmp_path / "out"
    command = ("train", corpus / "a.txt", "--output", out, "--vocab-size")
    output(*command, "270")
    kept = {p.name: p.read_bytes() for p in out.iterdir()}
    assert "holds another tokenizer (out, 270 ids)" in error(*command, "271")
    (corpus / "a.txt").write_text("quite another text " * 9)
    assert "exists already" in error(*command, "270")
    assert {p.name: p.read_bytes() for p in out.iterdir()} == kept
    assert "is not empty" in error("train", corpus, "--vocab-size", "270", "--output", corpus)
    file = corpus / "a.txt"
    assert "is a file" in error("train", corpus, "--vocab-size", "270", "--output", file)


def test_train_on_bad_input(corpus: Path, tmp_path: Path, error: Refusal) -> None:
    bad = tmp_path / "bad"
    bad.mkdir()

    def message(path: Path, size: str = "270") -> str:
        return error("train", path, "--vocab-size", size, "--output", tmp_path / "out")

    assert "no .txt or .jsonl file" in message(bad)
    assert "no such file" in message(bad / "none.txt")
    assert "expected a .txt or .jsonl" in message(corpus / "ignored.md")
    assert "at least 262" in message(corpus, "256")
    (bad / "latin.txt").write_bytes(b"caf\xe9 " * 10)
    assert "latin.txt: not UTF-8" in message(bad / "latin.txt")
    for row in ('{"body": "x"}', "[]", '{"text": 3}', '{"text": "\\ud800"}', "{"):
        (bad / "rows.jsonl").write_text('{"text": "fine"}\n' + row)
        assert "rows.jsonl:2: " in message(bad / "rows.jsonl")
    assert not (tmp_path / "out").exists()


def test_too_little_text(tmp_path: Path, error: Refusal) -> None:
    (tmp_path / "a.txt").write_text("abc abc")
    command = ("train", tmp_path / "a.txt", "--vocab-size", "1000", "-o", tmp_path / "out")
    assert "ask for at most 263 ids" in error(*command)
    assert not (tmp_path / "out").exists()


def test_a_template_from_training_to_export(corpus: Path, tmp_path: Path) -> None:
    out, copy, hub = tmp_path / "chat", tmp_path / "copy", tmp_path / "hub"
    output("train", corpus, "--vocab-size", "280", "--template", "chatml", "-o", out)
    facts = json.loads(output("info", out, "--json"))
    assert facts["template"] == "chatml"
    assert facts["specials"]["<|im_end|>"] == 279
    output("extend", out, "--special", "<|tool|>", "-o", copy)
    facts = json.loads(output("info", copy, "--json"))
    assert (facts["template"], facts["specials"]["<|tool|>"]) == ("chatml", 280)
    result = json.loads(output("export", copy, "--pad-token", "<fim_pad>", "-o", hub, "--json"))
    assert (result["template"], result["pad_token"]) == ("chatml", "<fim_pad>")
    assert result["verified_texts"] > 100
    assert json.loads(output("info", hub, "--json"))["fingerprint"] == facts["fingerprint"]


def test_extend_brings_what_the_template_needs(tmp_path: Path) -> None:
    output("extend", "xgen", "--template", "chatml", "-o", tmp_path / "chat")
    facts = json.loads(output("info", tmp_path / "chat", "--json"))
    assert (facts["vocab_size"], facts["template"]) == (50315, "chatml")


def test_export_refusals(tmp_path: Path, error: Refusal) -> None:
    out = tmp_path / "out"
    assert "learn to stop" in error("export", "xgen", "--pad-token", "<|endoftext|>", "-o", out)
    assert "<|im_start|>" in error("export", "xgen", "--template", "chatml", "-o", out)
    assert "no BOS" in error("export", "xgen", "--add-bos", "-o", out)
    assert "without whitespace" in error("extend", "xgen", "--special", "a b", "-o", out)
    assert not out.exists()


def test_input_that_is_not_utf8() -> None:
    result = xgen("encode", "xgen", stdin=b"caf\xe9")
    assert result.returncode == 1
    assert result.stderr.startswith(b"xgen: error: standard input is not UTF-8")


@pytest.mark.parametrize(
    "command",
    [(), ("info",), ("encode",), ("decode",), ("train",), ("extend",), ("export",)],
)
def test_help_has_an_example(command: tuple[str, ...]) -> None:
    assert "Example:" in output(*command, "--help")


def test_one_of_the_xgen_commands() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "xgen_core", "--help"], capture_output=True, text=True, check=True
    )
    assert "50,313-id vocabulary" in " ".join(result.stdout.split())
