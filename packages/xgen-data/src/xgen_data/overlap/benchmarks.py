"""Benchmark files as items: what training data must not contain."""

from __future__ import annotations

import csv
import gzip
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from xgen_core import InputError
from xgen_core.codec import unknown_name
from xgen_core.files import read_json, read_jsonl, sha256_file

__all__ = ["LAYOUTS", "Benchmark", "BenchmarkItem", "benchmark_named", "read_items"]

_READ = (".jsonl", ".jsonl.gz", ".json", ".csv", ".csv.gz", ".tsv", ".tsv.gz")


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """A benchmark and where its items are.

    Attributes:
        name: in reports and drop reasons.
        path: a file (`.jsonl`, `.json`, `.csv`, `.tsv`, all but `.json` also with `.gz`), or a
            directory of such files. `.json` holds a list of rows, or an object with one list in it.
        fields: columns with the texts to look for, `a.b` for `b` inside `a`; lists and objects
            stand for the texts in them. All columns if empty.
        code: columns that make a Python program when joined; its functions are looked for as well.
        id: column with the item's id; file and row, from 1, if empty.
        sha256: of the file, or as `digest` gives it of a directory; checked unless empty.
    """

    name: str
    path: str
    fields: tuple[str, ...] = ()
    code: tuple[str, ...] = ()
    id: str = ""
    sha256: str = ""

    def __post_init__(self) -> None:
        if not self.name or not self.path:
            raise ValueError("a Benchmark needs a name and a path")

    def files(self) -> list[Path]:
        """Its files, sorted.

        Raises:
            InputError: nothing there, or nothing of a kind that is read.
        """
        path = Path(self.path)
        if path.is_file():
            found = [path]
        elif path.is_dir():
            found = sorted(p for p in path.rglob("*") if p.is_file() and p.name.endswith(_READ))
        else:
            raise InputError(f"benchmark {self.name!r}: {path}: no such file or directory")
        if not found or not found[0].name.endswith(_READ):
            raise InputError(f"benchmark {self.name!r}: {path}: expected {', '.join(_READ)}")
        return found

    def digest(self) -> str:
        """Sha256 of the file; of a directory's files with their names, where it is one."""
        files = self.files()
        if Path(self.path).is_file():
            return sha256_file(files[0])
        lines = [f"{p.relative_to(self.path).as_posix()} {sha256_file(p)}\n" for p in files]
        return hashlib.sha256("".join(lines).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkItem:
    """One item: its id, its texts one by one, and its program if it has one."""

    id: str
    texts: tuple[str, ...]
    code: str


LAYOUTS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...], str]] = {
    "humaneval": (("prompt", "canonical_solution"), ("prompt", "canonical_solution"), "task_id"),
    "mbpp": (("text", "code"), ("code",), "task_id"),
    "mbpp-sanitized": (("prompt", "code"), ("code",), "task_id"),
    "gsm8k": (("question", "answer"), (), ""),
    "hellaswag": (("ctx", "endings"), (), "ind"),
    "piqa": (("goal", "sol1", "sol2"), (), ""),
    "truthfulqa": (("Question", "Best Answer"), (), ""),
}
"""Fields, code and id of benchmarks in the files of their authors; others are read whole."""


def benchmark_named(text: str) -> Benchmark:
    """A benchmark from `NAME=PATH`, in the layout that `LAYOUTS` has for the name.

    Raises:
        InputError: it is not of that form.
    """
    name, equals, path = text.partition("=")
    if not (name and equals and path):
        raise InputError(f"expected NAME=PATH, got {text!r}")
    fields, code, identity = LAYOUTS.get(name, ((), (), ""))
    return Benchmark(name=name, path=path, fields=fields, code=code, id=identity)


def read_items(benchmark: Benchmark) -> Iterator[BenchmarkItem]:
    """Yield the items of all its files.

    Raises:
        InputError: a file is missing, damaged, without items, or lacks a column; names file and
            row.
    """
    files = benchmark.files()
    for file in files:
        prefix = f"{file.name}:" if len(files) > 1 else ""
        count = 0
        for count, row in enumerate(_read_rows(file), 1):
            if count == 1:
                _check_columns(benchmark, file, row)
            identity = _look_up(row, benchmark.id) if benchmark.id else None
            yield BenchmarkItem(
                id=f"{prefix}{count}" if identity is None else str(identity),
                texts=tuple(_texts(row, benchmark)),
                code="".join(str(_look_up(row, name) or "") for name in benchmark.code),
            )
        if not count:
            raise InputError(f"benchmark {benchmark.name!r}: {file}: no items")


def _check_columns(benchmark: Benchmark, file: Path, row: Mapping[str, object]) -> None:
    wanted = (*benchmark.fields, *benchmark.code, *([benchmark.id] if benchmark.id else []))
    for name in wanted:
        if _look_up(row, name) is None:
            raise InputError(
                f"benchmark {benchmark.name!r}: {file}, row 1: "
                + unknown_name(name, list(row), "column")
            )


def _texts(row: Mapping[str, object], benchmark: Benchmark) -> Iterator[str]:
    names = benchmark.fields or tuple(name for name in row if name != benchmark.id)
    for name in names:
        yield from _strings(_look_up(row, name))


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in cast("Mapping[object, object]", value).values():
            yield from _strings(inner)
    elif isinstance(value, Sequence):
        for inner in cast("Sequence[object]", value):
            yield from _strings(inner)


def _look_up(row: Mapping[str, object], name: str) -> object:
    if name in row:
        return row[name]
    head, dot, tail = name.partition(".")
    inner = row.get(head)
    if dot and isinstance(inner, Mapping):
        return _look_up(cast("Mapping[str, object]", inner), tail)
    return None


def _read_rows(file: Path) -> Iterator[Mapping[str, object]]:
    name = file.name.removesuffix(".gz")
    if name.endswith(".jsonl"):
        rows: Iterator[object] = read_jsonl(file)
    elif name.endswith(".json"):
        rows = iter(_rows_of(read_json(file), file))
    else:
        rows = _read_table(file, "\t" if name.endswith(".tsv") else ",")
    for number, row in enumerate(rows, 1):
        if not isinstance(row, Mapping):
            raise InputError(f"{file}, row {number}: expected an object, got {row!r:.80}")
        yield cast("Mapping[str, object]", row)


def _rows_of(value: object, file: Path) -> list[object]:
    if isinstance(value, Mapping):
        lists = [v for v in cast("Mapping[str, object]", value).values() if isinstance(v, list)]
        if len(lists) == 1:
            return cast("list[object]", lists[0])
    if isinstance(value, list):
        return cast("list[object]", value)
    raise InputError(f"{file}: expected a list of rows, or an object with one list in it")


def _read_table(file: Path, delimiter: str) -> Iterator[object]:
    opened = gzip.open if file.suffix == ".gz" else open
    try:
        with opened(file, "rt", encoding="utf-8-sig", newline="") as lines:
            for row in csv.DictReader(lines, delimiter=delimiter):
                if None in row:  # where DictReader puts cells beyond the last column
                    first = str(next(iter(row.values())))
                    raise InputError(
                        f"{file}: more cells than columns in the row that begins {first[:60]!r}; "
                        "the first line must name the columns"
                    )
                yield row
    except (UnicodeDecodeError, csv.Error, EOFError, gzip.BadGzipFile) as error:
        raise InputError(f"{file}: not a table of UTF-8 text: {error}") from error
