"""What a user gets wrong: one clear line, exit code 1 or 2, and nothing half-written."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from xgen_core.command import main
from xgen_core.testing import Fault, LoopbackServer, UnigramModel

XGEN = Path(sys.executable).parent / "xgen"
STDLIB = "xgen_data.recipes.stdlib:build"
QUICKSTART = "xgen_train.recipes.quickstart:smoke"
WORDS = "Some words that make a document long enough to be kept.\n"


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    """Run the command; its exit code and the one line it printed."""
    with pytest.raises(SystemExit) as stop:
        main([str(a) for a in arguments])
    error = capsys.readouterr().err
    assert "Traceback" not in error
    line = [text for text in error.splitlines() if text.startswith("xgen: error: ")]
    assert len(line) == 1, error
    assert isinstance(stop.value.code, int)
    return stop.value.code, line[0]


def recipe(path: Path, uri: str, extra: str = "") -> str:
    path.write_text(
        "from xgen_data import DataRecipe, SourceConfig\n"
        "def it():\n"
        f"    return DataRecipe(sources=(SourceConfig(name='mine', uri={uri!r}),), {extra})\n"
    )
    return f"{path}:it"


def left_over(directory: Path) -> list[Path]:
    return [p for p in directory.rglob("*") if ".partial" in p.name or p.suffix == ".ids"]


@pytest.mark.parametrize("uri", ["text:absent", "jsonl:absent.jsonl", "code:absent"])
def test_a_missing_source(
    uri: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    name = recipe(tmp_path / "r.py", uri)
    code, line = refused(capsys, "data", "build", name, "-o", "store")
    assert code == 1
    assert "absent" in line
    assert not left_over(tmp_path)


def test_an_empty_corpus(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes").mkdir()
    name = recipe(tmp_path / "r.py", f"text:{tmp_path / 'notes'}")
    code, line = refused(capsys, "data", "build", name, "-o", tmp_path / "store")
    assert code == 1
    assert "notes" in line
    assert not left_over(tmp_path)


def test_a_binary_file_in_a_tree_is_counted_and_the_rest_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes").mkdir()
    for i in range(5):
        (tmp_path / "notes" / f"{i}.txt").write_text(f"{i} {WORDS}")
    (tmp_path / "notes" / "picture.txt").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    name = recipe(tmp_path / "r.py", f"text:{tmp_path / 'notes'}")
    with pytest.raises(SystemExit) as stop:
        main(["data", "build", name, "-o", str(tmp_path / "store"), "--until", "documents"])
    assert stop.value.code == 0
    shown = capsys.readouterr().out
    assert "picture.txt" in shown
    assert "binary" in shown


def test_a_binary_file_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "picture.txt").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    name = recipe(tmp_path / "r.py", f"text:{tmp_path / 'picture.txt'}")
    code, line = refused(capsys, "data", "build", name, "-o", tmp_path / "store")
    assert code == 1
    assert "picture.txt" in line
    assert "binary" in line


def test_a_line_that_is_not_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [json.dumps({"text": WORDS}), '{"text": "cut']
    (tmp_path / "rows.jsonl").write_text("\n".join(rows))
    name = recipe(tmp_path / "r.py", f"jsonl:{tmp_path / 'rows.jsonl'}")
    code, line = refused(capsys, "data", "build", name, "-o", tmp_path / "store")
    assert code == 1
    assert "rows.jsonl:2" in line
    assert not left_over(tmp_path)


def test_a_recipe_with_an_unknown_field(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, line = refused(
        capsys, "train", "run", QUICKSTART, "-o", tmp_path / "run", "--set", "batch_token=8"
    )
    assert code == 2
    assert "did you mean 'batch_tokens'" in line
    code, line = refused(
        capsys, "data", "build", STDLIB, "-o", tmp_path / "run", "--set", "validation_fractoin=0.1"
    )
    assert code == 2
    assert "did you mean 'validation_fraction'" in line
    assert not (tmp_path / "run").exists()


def test_a_recipe_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, line = refused(capsys, "train", "run", "absent.py:it", "-o", tmp_path / "run")
    assert code == 2
    assert "absent.py" in line


def test_training_without_a_store(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = f"store={tmp_path / 'absent'}"
    code, line = refused(capsys, "train", "run", QUICKSTART, "-o", tmp_path / "run", "--set", store)
    assert code == 1
    assert "absent" in line
    assert not (tmp_path / "run").exists()


def test_a_vocabulary_too_large_for_the_corpus(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "small.txt").write_text(WORDS * 3)
    out = tmp_path / "tokenizer"
    code, line = refused(
        capsys, "tokenizer", "train", tmp_path / "small.txt", "--vocab-size", 5000, "-o", out
    )
    assert code == 1
    assert "5,000" in line or "5000" in line
    assert not out.exists()


def test_held_out_documents_that_are_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, line = refused(
        capsys, "eval", "run", "--model", "scripted:x.jsonl", "--task", "samples",
        "--documents", tmp_path / "absent", "-o", tmp_path / "run",
    )  # fmt: skip
    assert code == 1
    assert "absent" in line


def test_a_model_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "held.txt").write_text(WORDS)
    for uri, expected in [
        (f"local:{tmp_path / 'absent'}", "absent"),
        ("scripted:absent.jsonl", "absent.jsonl"),
        ("unheard:of", "unheard"),
    ]:
        _, line = refused(
            capsys, "eval", "run", "--model", uri, "--task", "samples",
            "--documents", tmp_path / "held.txt", "-o", tmp_path / "run",
        )  # fmt: skip
        assert expected in line
        assert not (tmp_path / "run").exists()


def test_an_endpoint_that_is_down_or_lies(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "held.txt").write_text(WORDS * 40)

    def ask(uri: str, output: str) -> tuple[int, str]:
        return refused(
            capsys, "eval", "run", "--model", uri, "--task", "samples",
            "--documents", tmp_path / "held.txt", "-o", tmp_path / output,
        )  # fmt: skip

    code, line = ask("http://127.0.0.1:1/v1#model", "down")
    assert code == 1
    assert "cannot connect" in line
    with LoopbackServer(UnigramModel(), faults=[Fault(kind="html")] * 50) as server:
        code, line = ask(f"{server.url}#model", "lies")
    assert code == 1
    assert "not JSON" in line


def test_a_report_of_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, line = refused(capsys, "report", tmp_path / "absent")
    assert code == 1
    assert "absent" in line


def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    for i in range(50):
        (tmp_path / "notes" / f"{i}.txt").write_text(f"{i} {WORDS * 40}")
    name = recipe(tmp_path / "r.py", f"text:{tmp_path / 'notes'}")

    command = [XGEN, "data", "build", name, "-o", tmp_path / "store"]
    # no file may grow beyond 100 blocks of 512 bytes: the write fails as on a full disk
    limited = ["sh", "-c", 'ulimit -f 100; exec "$0" "$@"', *command]
    failed = subprocess.run(limited, capture_output=True, text=True, check=False)
    assert failed.returncode == 1
    assert failed.stderr.count("xgen: error: ") == 1
    assert "Traceback" not in failed.stderr
    assert not left_over(tmp_path)
    assert not (tmp_path / "store" / "documents").exists()
    subprocess.run(command, check=True, capture_output=True)
    assert (tmp_path / "store" / "manifest.json").exists()
