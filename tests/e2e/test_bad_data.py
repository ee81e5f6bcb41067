"""Damaged data through `xgen data build`: one line that says where, and nothing good is lost."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from xgen_core import FormatError
from xgen_data import TokenStore

XGEN = str(Path(sys.executable).parent / "xgen")
ROW = json.dumps({"text": "words enough to make a document"}).encode() + b"\n"


# A small process starts the command and says how large it became: a child's own account begins with
# the size of the process that it was forked from, and a test runner may be a large one.
WATCH = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[2:]).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=open(sys.argv[1], "w"))
sys.exit(code if code >= 0 else 128 - code)
"""


@dataclass(frozen=True)
class Ended:
    """What a command left behind; `peak` is the most memory that it held, in MiB."""

    code: int
    out: str
    error: str
    peak: float

    @property
    def line(self) -> str:
        """The one line of a command that failed as it should."""
        assert self.code == 1, self.error
        lines = self.error.splitlines()
        (line,) = (text for text in lines if "% " not in text)  # progress, on a busy machine
        assert line.startswith("xgen: error: "), line
        return line.removeprefix("xgen: error: ")


def xgen(*arguments: object, limit: int | None = None) -> Ended:
    """Run the command; `limit` is the size in blocks of 512 bytes that no file may exceed."""
    command = [XGEN, *map(str, arguments)]
    if limit is not None:
        command = ["sh", "-c", f'ulimit -f {limit}; exec "$0" "$@"', *command]
    with tempfile.NamedTemporaryFile("r") as file:
        watched = [sys.executable, "-c", WATCH, file.name, *command]
        done = subprocess.run(watched, capture_output=True, text=True, check=False)
        peak = int(file.read()) / (2**20 if sys.platform == "darwin" else 2**10)
    return Ended(done.returncode, done.stdout, done.stderr, peak)


def recipe(directory: Path, *uris: str) -> str:
    """A recipe of sources `s0`, `s1` …"""
    sources = ", ".join(f"SourceConfig(name='s{i}', uri={u!r})" for i, u in enumerate(uris))
    (directory / "recipe.py").write_text(
        "from xgen_data import DataRecipe, SourceConfig\n"
        f"def it():\n    return DataRecipe(sources=({sources},), validation_fraction=0)\n"
    )
    return f"{directory / 'recipe.py'}:it"


def build(name: str, store: Path, *more: object, limit: int | None = None) -> Ended:
    return xgen("data", "build", name, "-o", store, "--workers", 0, *more, limit=limit)


def rows(count: int) -> bytes:
    texts = (f"document {i} has words enough, {os.urandom(30).hex()}" for i in range(count))
    return b"".join(json.dumps({"text": text}).encode() + b"\n" for text in texts)


def write_zstd(path: Path, content: bytes) -> None:
    with pa.CompressedOutputStream(str(path), "zstd") as stream:
        stream.write(content)


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size * 2 // 3)


def truncated_gzip(path: Path) -> None:
    path.write_bytes(gzip.compress(rows(3000)))
    cut(path)


def truncated_zstd(path: Path) -> None:
    write_zstd(path, rows(3000))
    cut(path)


def truncated_parquet(path: Path) -> None:
    pq.write_table(pa.table({"text": ["words"] * 100}), path)
    cut(path)


def damage(content: bytes) -> Callable[[Path], None]:
    return lambda path: (path.write_bytes(content), None)[1]


def table(**columns: list[object]) -> Callable[[Path], None]:
    return lambda path: pq.write_table(pa.table(columns), path)


@pytest.mark.parametrize(
    ("name", "write", "where", "what", "advice"),
    [
        ("a.jsonl.gz", truncated_gzip, r":\d+", "compressed file is truncated", "damaged=drop"),
        ("a.jsonl.zst", truncated_zstd, r":\d+", "compressed file is truncated", "damaged=drop"),
        ("a.jsonl.gz", damage(ROW), ":0", "compressed file is damaged", "damaged=drop"),
        ("a.jsonl", damage(ROW + b'{"text": "caf\xe9"}\n'), ":2", "is not UTF-8", "damaged=drop"),
        ("a.jsonl", damage(ROW * 2 + b'{"text": "cut'), ":3", "is not JSON", "damaged=drop"),
        ("a.jsonl", damage(ROW + b"[" * 10**6), ":2", "", "damaged=drop"),
        ("a.jsonl", damage(ROW.decode().encode("utf-16")), "", "UTF-16", "convert it to UTF-8"),
        ("a.parquet", table(body=["words"]), "", "no column 'text'", "it has body (string)"),
        ("a.parquet", table(text=[1, 2]), "", "holds int64, not strings", "it has text (int64)"),
        ("a.parquet", truncated_parquet, "", "not a Parquet file, or truncated", "damaged=drop"),
        ("a.parquet", damage(b""), "", "not a Parquet file, or truncated", "damaged=drop"),
    ],
)
def test_damage_is_one_line(
    name: str, write: Callable[[Path], None], where: str, what: str, advice: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    write(path)
    scheme = "parquet" if name.endswith("parquet") else "jsonl"
    failed = build(recipe(tmp_path, f"{scheme}:{path}"), tmp_path / "store", "--until", "documents")
    assert failed.line.startswith(f"{path}:")
    place = failed.line.removeprefix(str(path)).partition(": ")[0]
    assert place.lstrip(":").isdecimal() if where == r":\d+" else place == where
    assert what in failed.line
    assert advice in failed.line
    assert not list((tmp_path / "store").rglob(".partial-*"))


def test_what_was_read_is_not_read_again_after_mending(tmp_path: Path) -> None:
    good = [rows(20), rows(20), rows(20)]
    paths = [tmp_path / f"{i}.jsonl" for i in range(3)]
    for path, content in zip(paths, good, strict=True):
        path.write_bytes(content)
    for path in paths[1:]:
        path.write_bytes(path.read_bytes() + b'{"text": "cut')
    name, store = recipe(tmp_path, *(f"jsonl:{p}" for p in paths)), tmp_path / "store"

    assert f"{paths[1]}:21" in build(name, store).line
    receipts = [store / "work" / "read" / f"s{i}-00000.json" for i in range(3)]
    first = receipts[0].stat()
    assert not receipts[1].exists()

    paths[1].write_bytes(good[1])
    assert f"{paths[2]}:21" in build(name, store).line
    again = receipts[0].stat()
    assert (again.st_mtime_ns, again.st_ino) == (first.st_mtime_ns, first.st_ino)
    assert receipts[1].exists()

    paths[2].write_bytes(good[2])
    assert build(name, store).code == 0
    assert build(name, tmp_path / "at-once").code == 0
    manifests = [(d / "manifest.json").read_bytes() for d in (store, tmp_path / "at-once")]
    assert manifests[0] == manifests[1]


def test_going_on_without_what_is_damaged_counts_it(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(rows(5) + b'{"text": "cut\n' + rows(5) + b'{"text": 1}\n')
    truncated_gzip(tmp_path / "b.jsonl.gz")
    (tmp_path / "c").mkdir()
    truncated_parquet(tmp_path / "c" / "0.parquet")
    table(text=[f"document {i} of the whole file" for i in range(7)])(tmp_path / "c" / "1.parquet")
    uris = [f"jsonl:{tmp_path / n}" for n in ("a.jsonl", "b.jsonl.gz")]
    uris.append(f"parquet:{tmp_path / 'c'}")
    ended = build(
        recipe(tmp_path, *uris), tmp_path / "store",
        "--until", "documents", "--set", "damaged=drop", "--json",
    )  # fmt: skip
    assert ended.code == 0, ended.error
    funnel = json.loads(ended.out)["documents"]
    dropped = {(r["source"], r["reason"]): r["documents"] for r in funnel if r["reason"]}
    assert dropped == {
        ("s0", "this line is not JSON"): -1,
        ("s0", 'expected a string under "text"'): -1,
        ("s1", "the compressed file is truncated"): -1,
        ("s2", "not a Parquet file, or truncated"): -1,
    }
    kept = {r["source"]: r["documents"] for r in funnel if r["step"] == "kept"}
    assert kept["s0"] == 10
    assert kept["s2"] == 7
    assert 1000 < kept["s1"] < 3000


def test_a_line_of_a_gigabyte_is_passed_over_in_little_memory(tmp_path: Path) -> None:
    path, store = tmp_path / "a.jsonl", tmp_path / "store"
    with path.open("wb") as handle:  # nearly all of it a hole: no disk is filled
        handle.write(ROW + b'{"text": "')
        handle.seek(2**30)
        handle.write(b"\n" + rows(3))
    name = recipe(tmp_path, f"jsonl:{path}")
    failed = build(name, store, "--until", "documents")
    assert failed.line.startswith(f"{path}:2: line larger than ")
    assert failed.peak < 700
    ended = build(
        name, tmp_path / "other", "--until", "documents", "--set", "damaged=drop", "--json"
    )
    path.unlink()
    assert ended.code == 0, ended.error
    assert ended.peak < 700
    assert [r["documents"] for r in json.loads(ended.out)["documents"]] == [5, -1, 4]


def test_nul_bytes_and_lone_surrogates_do_not_reach_the_store(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(
        b'{"id": "a", "text": "words with \\u0000 a NUL, and enough"}\n'
        b'{"id": "b\\ud83d", "text": "half an emoji \\ud83d, and words", "meta": {"k": "\\udc00"}}'
    )
    ended = build(recipe(tmp_path, f"jsonl:{tmp_path / 'a.jsonl'}"), tmp_path / "store")
    assert ended.code == 0, ended.error
    shown = xgen("data", "inspect", tmp_path / "store", "--documents", 2, "--json")
    documents = {d["id"]: d["text"] for d in map(json.loads, shown.out.splitlines())}
    assert documents == {
        "a": "words with  a NUL, and enough",
        "b\\ud83d": "half an emoji , and words",
    }


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A small store of one source, `s0`."""
    (tmp_path / "a.jsonl").write_bytes(rows(200))
    ended = build(recipe(tmp_path, f"jsonl:{tmp_path / 'a.jsonl'}"), tmp_path / "store")
    assert ended.code == 0, ended.error
    return tmp_path / "store"


def test_a_shard_that_changed_after_the_build(store: Path) -> None:
    assert xgen("data", "verify", store).code == 0
    (shard,) = (store / "tokens").rglob("*.ids")
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)
    assert str(shard) in xgen("data", "verify", store).line
    shard.write_bytes(content[:-2])
    with pytest.raises(FormatError, match="bytes long, but the manifest says"):
        TokenStore.open(store)
    assert f"{shard}: {len(content) - 2} bytes long" in xgen("data", "inspect", store).line
    shard.unlink()
    assert f"{shard}: missing" in xgen("data", "verify", store).line


def test_a_full_disk_while_tokens_are_written_keeps_the_documents(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(rows(16_000))
    name, store = recipe(tmp_path, f"jsonl:{tmp_path / 'a.jsonl'}"), tmp_path / "store"
    assert build(name, store, "--until", "documents").code == 0
    summary = store / "documents" / "summary.json"
    before = summary.stat()
    assert "tokenizer" in build(name, store, limit=50).line
    line = build(name, store, limit=1700).line  # the tokenizer is smaller than that
    assert line.startswith(f"{store}/tokens/train/s0/")
    assert line.endswith(".ids: File too large")
    assert not list(store.rglob(".partial-*"))
    assert not (store / "manifest.json").exists()
    assert build(name, store).code == 0
    assert (summary.stat().st_mtime_ns, summary.stat().st_ino) == (
        before.st_mtime_ns,
        before.st_ino,
    )
    assert xgen("data", "verify", store).code == 0


def test_a_mixture_that_asks_for_more_than_there_is(store: Path, tmp_path: Path) -> None:
    (tmp_path / "mixture.py").write_text(
        "from xgen_data.mixture import Component, Mixture\n"
        "def it(epochs=1.0):\n"
        "    one = Component(source='s0', tokens=100_000, epochs=epochs)\n"
        "    return Mixture(name='m', components=(one,))\n"
        "def often():\n    return it(1000.0)\n"
    )
    size = ["--sequence-length", 64, "--batch-size", 4, "--json"]
    ended = xgen("data", "mix", f"{tmp_path / 'mixture.py'}:it", "--store", store, *size)
    assert ended.code == 0, ended.error
    (row,) = json.loads(ended.out)["mixture"]
    assert row["epochs of this store"] > 2 * row["epochs declared"]
    assert row["warning"].startswith("too few tokens: read ")
    assert "too few tokens in s0" in (store / "sections" / "30-mixture.json").read_text()
    ended = xgen("data", "mix", f"{tmp_path / 'mixture.py'}:often", "--store", store, *size)
    assert json.loads(ended.out)["mixture"][0]["warning"] is None
