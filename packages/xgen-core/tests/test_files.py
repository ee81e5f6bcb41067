import subprocess
import sys

import pytest

from xgen_core import FormatError, InputError
from xgen_core.codec import CodecError
from xgen_core.files import (
    append_jsonl,
    atomic_directory,
    atomic_file,
    check_format,
    read_json,
    read_jsonl,
    sha256_file,
    write_json,
    write_jsonl,
    write_text,
)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    target = tmp_path / "a.txt"
    write_text(target, "old")

    def write_half():
        with atomic_file(target) as handle:
            handle.write(b"new, half of i")
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        write_half()
    assert target.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_failed_directory_leaves_nothing(tmp_path):
    def make_half():
        with atomic_directory(tmp_path / "d") as directory:
            (directory / "x").write_text("1")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_half()
    assert list(tmp_path.iterdir()) == []


def test_a_directory_is_replaced_only_if_asked(tmp_path):
    target = tmp_path / "deep" / "d"
    with atomic_directory(target) as directory:
        (directory / "sub").mkdir()
        (directory / "sub" / "x").write_text("1")
    with pytest.raises(InputError, match="exists already"), atomic_directory(target):
        pass
    with atomic_directory(target, replace=True) as directory:
        (directory / "y").write_text("2")
    assert [p.name for p in target.iterdir()] == ["y"]
    assert [p.name for p in target.parent.iterdir()] == ["d"]


FULL_DISK = """
import resource, sys
from pathlib import Path
from xgen_core.files import atomic_directory, write_jsonl, write_text
directory = Path(sys.argv[1])
write_text(directory / "kept.txt", "old")
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
failures = 0
try:
    write_text(directory / "kept.txt", "x" * 100_000)
except OSError:
    failures += 1
try:
    write_jsonl(directory / "rows.jsonl", ({"i": i} for i in range(100_000)))
except OSError:
    failures += 1
try:
    with atomic_directory(directory / "d") as inside:
        (inside / "x").write_bytes(b"x" * 100_000)
except OSError:
    failures += 1
print(failures, sorted(p.name for p in directory.iterdir()), (directory / "kept.txt").read_text())
"""


def test_no_room_on_the_disk_is_an_error_and_leaves_nothing(tmp_path):
    run = subprocess.run(
        [sys.executable, "-c", FULL_DISK, tmp_path], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "3 ['kept.txt'] old"


def test_json_round_trips_and_says_where_it_is_broken(tmp_path):
    path = tmp_path / "v.json"
    write_json(path, {"text": "zürich 😀", "half": "\ud83d", "n": 1.5})
    assert read_json(path) == {"text": "zürich 😀", "half": "\ud83d", "n": 1.5}
    write_json(path, {"text": "zürich"})
    assert "zürich" in path.read_text("utf-8")
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, float("nan"))
    path.write_text('{"a": 1,}')
    with pytest.raises(InputError, match=r"v\.json: not JSON: .*line 1 column"):
        read_json(path)
    with pytest.raises(InputError, match="no such file"):
        read_json(tmp_path / "missing.json")


def test_jsonl_names_the_bad_line(tmp_path):
    path = tmp_path / "rows.jsonl"
    assert write_jsonl(path, [{"a": 1}, {"a": "\udc00"}]) == 2
    append_jsonl(path, [{"a": 3}])
    assert [row["a"] for row in read_jsonl(path)] == [1, "\udc00", 3]
    with path.open("ab") as handle:
        handle.write(b"\n{broken\n")
    rows = read_jsonl(path)
    assert [next(rows)["a"] for _ in range(3)] == [1, "\udc00", 3]
    with pytest.raises(InputError, match=r"rows\.jsonl:5: this line is not JSON"):
        next(rows)

    def refuse(row):
        raise CodecError("a: expected str, got 1")

    with pytest.raises(InputError, match=r"rows\.jsonl:1: a: expected str, got 1"):
        next(read_jsonl(path, refuse))
    with pytest.raises(InputError, match="no such file"):
        next(read_jsonl(tmp_path / "missing.jsonl"))
    path.write_bytes(b'{"a": "\xff"}\n')
    with pytest.raises(InputError, match=r"rows\.jsonl:1"):
        next(read_jsonl(path))


def test_sha256_of_a_file(tmp_path):
    write_text(tmp_path / "a", "abc")
    wanted = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256_file(tmp_path / "a") == wanted


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ({"format": "other", "version": 1}, "expected a mine file, found 'other'"),
        ([], "expected a mine file, found None"),
        ({"format": "mine", "version": 2}, "mine version 2, but this release reads 1"),
    ],
)
def test_foreign_formats_are_refused(header, message):
    with pytest.raises(FormatError, match=message):
        check_format(header, name="mine", version=1, path="p")
