import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest
from click.testing import CliRunner

from xgen_core import InputError
from xgen_core.command import main
from xgen_data import build
from xgen_data.cli import data
from xgen_data.steps import C4BadWords

RECIPE = """
from xgen_data import DataRecipe, SourceConfig

def make():
    return DataRecipe(
        sources=(SourceConfig(name="notes", uri="text:{path}"),),
        validation_fraction=0.2,
        tokenizer="bytes:",
    )
"""


@pytest.fixture
def recipe_file(corpus, tmp_path):
    path = tmp_path / "recipe.py"
    path.write_text(RECIPE.format(path=corpus / "left"))
    return f"{path}:make"


@pytest.fixture
def xgen(capsys):
    def call(*arguments):
        with pytest.raises(SystemExit) as stop:
            main(["data", *map(str, arguments)])
        out, err = capsys.readouterr()
        return stop.value.code, out, err

    return call


def test_build_inspect_verify(xgen, recipe_file, tmp_path):
    store = tmp_path / "store"
    code, out, err = xgen("build", recipe_file, "-o", store, "--until", "documents")
    assert (code, "xgen:" in err) == (0, False)  # there is progress on a busy machine
    assert [line.split() for line in out.splitlines()][-1] == ["notes", "kept", "61"]
    code, out, _ = xgen("inspect", store)
    assert code == 1
    code, out, _ = xgen("build", recipe_file, "-o", store, "--set", "block_tokens=64", "--json")
    assert code == 0
    rows = json.loads(out)["tokens"]
    assert [row["split"] for row in rows] == ["train", "validation"]
    assert sum(row["documents"] for row in rows) == 61
    code, out, _ = xgen("inspect", store, "--json")
    assert json.loads(out)["tokens"] == rows
    code, out, _ = xgen("inspect", store)
    assert out.splitlines()[0].split() == [
        "split", "source", "documents", "bytes", "tokens", "bytes/token",
    ]  # fmt: skip
    assert out.splitlines()[1].split()[:2] == ["train", "notes"]
    code, out, _ = xgen("inspect", store, "--documents", 3, "--json")
    assert [json.loads(line)["source"] for line in out.splitlines()] == ["notes"] * 3
    code, out, _ = xgen("inspect", store, "--documents", 1, "--split", "validation")
    assert out.startswith("--- notes ")
    code, out, _ = xgen("verify", store)
    assert (code, out) == (0, f"{store}: every checksum agrees\n")


def test_verify_names_the_damage(xgen, recipe_file, tmp_path):
    store = tmp_path / "store"
    xgen("build", recipe_file, "-o", store)
    shard = store / "tokens" / "validation" / "notes" / "00000.ids"
    shard.write_bytes(bytes(reversed(shard.read_bytes())))
    code, out, err = xgen("verify", store)
    assert code == 1
    assert err.startswith(f"xgen: error: damaged: {shard}; remove these files and build")
    assert err.count("\n") == 1
    code, out, err = xgen("verify", store, "--json")
    assert code == 1
    assert json.loads(out)["damaged"] == [str(shard)]


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--set", "min_char=3"], 2, "did you mean 'min_chars'"),
        (["--set", "sources.0.uri=text:/no/such"], 1, "no such file or directory"),
        (["--set", "sources.0.name=a/b"], 2, "it becomes a file name"),
        (["--set", "tokenizer=/no/such"], 1, "no such tokenizer directory"),
        (["--set", "validation_fraction=1.5"], 2, "must lie in [0, 1), got 1.5"),
    ],
)
def test_mistakes_are_one_line(xgen, recipe_file, tmp_path, arguments, status, message):
    code, out, err = xgen("build", recipe_file, "-o", tmp_path / "store", *arguments)
    assert code == status
    assert out == ""
    assert err.count("\n") == 1
    assert message in err
    assert not list((tmp_path / "store").glob("documents*"))


def test_a_full_disk_leaves_nothing_half_written(recipe_file, plugin, tmp_path):
    """A limit on file sizes stands in for the full disk: the same call fails in the same place."""
    script = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000));"
        f"sys.path.insert(0, {plugin!r});"
        "from xgen_core.command import main; main()"
    )
    command = [sys.executable, "-c", script, "data", "build", recipe_file]
    result = subprocess.run(
        [*command, "-o", str(tmp_path / "store")], capture_output=True, text=True, check=False
    )
    assert result.returncode == 1
    work = tmp_path / "store" / "work" / "read"
    assert result.stderr.startswith(f"xgen: error: {work}")
    assert result.stderr.endswith(".jsonl: File too large\n")
    assert result.stderr.count("\n") == 1
    left = {p.name for p in (tmp_path / "store").rglob("*") if p.is_file()}
    assert left == {"run.json"}


def test_two_builds_keep_out_of_each_others_way(xgen, recipe_file, tmp_path):
    import fcntl

    store = tmp_path / "store"
    xgen("build", recipe_file, "-o", store, "--until", "documents")
    descriptor = os.open(store, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    code, _, err = xgen("build", recipe_file, "-o", store)
    os.close(descriptor)
    assert code == 1
    assert "another build is at work here" in err
    assert xgen("build", recipe_file, "-o", store)[0] == 0


@pytest.mark.parametrize("command", ["build", "inspect", "verify"])
def test_help_has_an_example(xgen, command):
    code, out, _ = xgen(command, "--help")
    assert code == 0
    assert f"Example:\n    xgen data {command} " in out


def test_python_m():
    command = [sys.executable, "-m", "xgen_data", "inspect", "/no/such"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "not a finished token store" in result.stderr


def test_decontaminate_finds_items_with_evidence(recipe, tmp_path):
    words = " ".join(f"word{chr(97 + i % 26)}{i}" for i in range(60))
    (tmp_path / "corpus" / "left" / "leak.txt").write_text(f"before {words} after\n")
    store = build(recipe, tmp_path / "store", until="documents")
    benchmark = tmp_path / "quiz.jsonl"
    benchmark.write_text(
        json.dumps({"question": " ".join(words.split()[5:45])})
        + "\n"
        + json.dumps({"question": "something that stands in no document at all, not even in part"})
        + "\n"
    )
    arguments = ["decontaminate", str(store), "--benchmark", f"quiz={benchmark}"]
    result = CliRunner().invoke(data, [*arguments, "-o", str(tmp_path / "report"), "--json"])
    assert result.exit_code == 0, result.output
    (row,) = json.loads(result.stdout)["contamination"]
    assert (row["items"], row["contaminated"], row["documents"]) == (2, 1, 1)
    (hit,) = map(json.loads, (tmp_path / "report" / "hits.jsonl").read_text().splitlines())
    assert (hit["document"], hit["share"], hit["kind"]) == ("leak.txt", 1.0, "text")
    section = json.loads((store / "sections" / "40-contamination.json").read_text())
    assert section["summary"].startswith("1 benchmark items stand in the documents")


def test_a_step_file_that_changed_or_is_missing(recipe, tmp_path):
    words = tmp_path / "words.txt"
    changed = replace(recipe, steps=(C4BadWords(words=words),))
    with pytest.raises(InputError, match=r"words\.txt: no such file; a step of the recipe needs"):
        build(changed, tmp_path / "store")
    words.write_text("zeta\n")
    build(changed, tmp_path / "store", until="documents")
    words.write_text("zeta\neta\n")
    with pytest.raises(InputError, match="inputs"):
        build(changed, tmp_path / "store", until="documents")
