"""Benchmark data on this machine: added from local files or fetched from the hub, one form each.

    FILE in any known form ──parse──▶ rows of one record type ──▶ DATA/NAME.SPLIT.jsonl

The stored form is the same whatever it was made from, so results pinned to its checksum agree
wherever the same questions came from. `NAME.SPLIT.json` beside it names the source files.
"""

from __future__ import annotations

import csv
import gzip
import io
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

from xgen_core import CodecError, InputError, MissingExtraError
from xgen_core.files import read_json, read_jsonl, write_json, write_jsonl
from xgen_core.progress import track
from xgen_core.records import Record
from xgen_eval.inputs import DataFile

__all__ = ["DataDirectory", "DataSet", "Hub", "Raw", "data_directory", "read_rows"]

R = TypeVar("R", bound=Record)
_FORMAT = "xgen-eval-data"
_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """One raw row with where it came from.

    Attributes:
        fields: by name.
        stem: of the file, `"astronomy_dev"` say; the configuration's name for rows of the hub.
        number: from 1 in its file.
    """

    fields: Mapping[str, object]
    stem: str
    number: int

    def text(self, *names: str, empty: bool = False) -> str:
        """The first of these fields that is there, which must be text.

        Args:
            names: of the field, in different forms of the data.
            empty: whether the text may be empty.

        Raises:
            CodecError: none of them is there, or it is not text or empty.
        """
        value = self.value(*names)
        if not isinstance(value, str) or not (value or empty):
            raise CodecError(f"{names[0]}: expected text, got {value!r:.60}")
        return value

    def texts(self, *names: str) -> tuple[str, ...]:
        """The first of these fields that is there, which must be a list of texts.

        Raises:
            CodecError: none of them is there, or it is something else.
        """
        value = self.value(*names)
        if not isinstance(value, (list, tuple)) or not all(isinstance(x, str) for x in value):
            raise CodecError(f"{names[0]}: expected a list of texts, got {value!r:.60}")
        return tuple(cast("Sequence[str]", value))

    def number_of(self, *names: str) -> int:
        """The first of these fields that is there, which must be a whole number or its digits.

        Raises:
            CodecError: none of them is there, or it is something else.
        """
        value = self.value(*names)
        if isinstance(value, str) and value.strip().isdecimal():
            return int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise CodecError(f"{names[0]}: expected a whole number, got {value!r:.60}")
        return value

    def fields_of(self, name: str) -> Raw:
        """A field that is an object, as a row of its own.

        Raises:
            CodecError: it is missing, or something else.
        """
        value = self.value(name)
        if not isinstance(value, Mapping):
            raise CodecError(f"{name}: expected an object, got {value!r:.60}")
        return Raw(fields=cast("Mapping[str, object]", value), stem=self.stem, number=self.number)

    def value(self, *names: str) -> object:
        """The first of these fields that is there.

        Raises:
            CodecError: none of them is.
        """
        for name in names:
            if name in self.fields:
                return self.fields[name]
        there = ", ".join(self.fields)
        raise CodecError(f"{' or '.join(names)}: this field is missing (there are: {there})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hub:
    """Where a data set lies on the Hugging Face hub.

    Attributes:
        path: its repository.
        configurations: their names; None where there is but one without a name.
        splits: our split → the hub's.
        revision: the commit.
    """

    path: str
    configurations: tuple[str | None, ...] = (None,)
    splits: Mapping[str, str] = field(default_factory=dict[str, str])
    revision: str = "main"


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSet(Generic[R]):
    """What a benchmark's data is, and how raw rows of any known form become its records.

    Attributes:
        name: of the data set, and of its files here.
        row: the record.
        parse: raw row → record; raises CodecError that names the field.
        splits: what there is; the first is the one that is evaluated.
        columns: names for a CSV file without a header.
        hub: where it can be fetched.
        about: origin and licence, one line.
    """

    name: str
    row: type[R]
    parse: Callable[[Raw], R]
    splits: tuple[str, ...] = ("test",)
    columns: tuple[str, ...] = ()
    hub: Hub | None = None
    about: str = ""


class DataDirectory:
    """A directory of benchmark data.

    Args:
        path: where; made when something is added.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def file(self, dataset: DataSet[Any], split: str) -> Path:
        """The file of a split.

        Raises:
            InputError: it was not added; says how.
        """
        if split not in dataset.splits:
            raise InputError(f"{dataset.name} has no split {split!r}: {', '.join(dataset.splits)}")
        path = self._rows(dataset, split)
        if not path.is_file():
            fetch = f", or: xgen eval data fetch {dataset.name}" if dataset.hub else ""
            option = "" if split == dataset.splits[0] else f" --split {split}"
            raise InputError(
                f"the data of {dataset.name} ({split}) is not in {self.path}: "
                f"xgen eval data add {dataset.name}{option} FILE{fetch}"
            )
        return path

    def read(self, dataset: DataSet[R], split: str) -> tuple[R, ...]:
        """All rows of a split.

        Raises:
            InputError: it was not added, or is damaged.
        """
        return tuple(read_jsonl(self.file(dataset, split), dataset.row.from_json))

    def add(self, dataset: DataSet[Any], split: str, files: Sequence[Path]) -> int:
        """Read raw files, check every row, and store them; an earlier version is replaced.

        Known files: `.jsonl`, `.json` (a list, or an object a line), `.csv`, each also with `.gz`,
        and `.parquet` (`[hub]`). A `.lst` file of labels goes with the file before it, as field
        `label`.

        Returns:
            The number of rows.

        Raises:
            InputError: no such file, an unknown kind, a row that is not one of this data set (file,
                line and field are named), rows with one id, or no rows.
        """
        if split not in dataset.splits:
            raise InputError(f"{dataset.name} has no split {split!r}: {', '.join(dataset.splits)}")
        sources = tuple(map(DataFile.of, files))
        rows = list(read_rows(dataset, files))
        return self._store(dataset, split, rows, {"files": [s.to_json() for s in sources]})

    def fetch(self, dataset: DataSet[Any]) -> dict[str, int]:
        """Fetch every split from the hub; gives the number of rows of each.

        Raises:
            InputError: the data set is on no hub, cannot be reached, or has rows of another form.
            MissingExtraError: `datasets` is not installed.
        """
        hub = dataset.hub
        if hub is None:
            raise InputError(f"{dataset.name} is not on a hub: xgen eval data add {dataset.name} …")
        counts: dict[str, int] = {}
        for split in dataset.splits:
            if split not in hub.splits:
                continue
            rows = list(_parsed(dataset, _hub_rows(hub, hub.splits[split])))
            source = {"hub": hub.path, "revision": hub.revision}
            counts[split] = self._store(dataset, split, rows, source)
        return counts

    def entries(self) -> list[tuple[str, str, int, str]]:
        """What is here: data set, split, rows, sha256 of the stored file."""
        found: list[tuple[str, str, int, str]] = []
        for path in sorted(self.path.glob("*.json")):
            header = read_json(path)
            if isinstance(header, dict) and header.get("format") == _FORMAT:
                rows = DataFile.of(path.with_suffix(".jsonl"))
                found.append((header["name"], header["split"], header["rows"], rows.sha256))
        return found

    def _store(
        self, dataset: DataSet[Any], split: str, rows: Sequence[Record], source: dict[str, Any]
    ) -> int:
        if not rows:
            raise InputError(f"no rows of {dataset.name} in these files")
        seen: set[object] = set()
        for row in rows:
            key = getattr(row, "id", None)
            if key in seen:
                raise InputError(f"{dataset.name}: two rows have the id {key!r}")
            seen.add(key)
        path = self._rows(dataset, split)
        write_jsonl(path, (row.to_json() for row in rows))
        header = {"format": _FORMAT, "version": _VERSION, "name": dataset.name, "split": split}
        write_json(path.with_suffix(".json"), {**header, "rows": len(rows), "source": source})
        return len(rows)

    def _rows(self, dataset: DataSet[Any], split: str) -> Path:
        return self.path / f"{dataset.name}.{split}.jsonl"


def data_directory(path: Path | str | None = None) -> DataDirectory:
    """The directory given, that of `XGEN_EVAL_DATA`, or `xgen/eval` in the user's cache."""
    if path is None:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        path = os.environ.get("XGEN_EVAL_DATA") or cache / "xgen" / "eval"
    return DataDirectory(Path(path))


def read_rows(dataset: DataSet[R], files: Sequence[Path]) -> Iterator[R]:
    """Rows of raw files, each checked; known files are those of `DataDirectory.add`.

    Raises:
        InputError: no such file, an unknown kind, or a row that is not one of this data set; file,
            line and field are named.
    """
    yield from _parsed(dataset, _raw_rows(files, dataset.columns))


def _parsed(dataset: DataSet[R], rows: Iterable[tuple[Raw, str]]) -> Iterator[R]:
    for raw, where in track(rows, dataset.name, unit="rows"):
        try:
            yield dataset.parse(raw)
        except CodecError as error:
            raise InputError(f"{where}: not a row of {dataset.name}: {error}") from error
        except (ValueError, TypeError, KeyError, IndexError) as error:
            raise InputError(
                f"{where}: not a row of {dataset.name}: {type(error).__name__}: {error}"
            ) from error


def _raw_rows(files: Sequence[Path], columns: Sequence[str]) -> Iterator[tuple[Raw, str]]:
    for path, after in zip(files, [*files[1:], None], strict=True):
        if path.suffix == ".lst":
            continue
        rows = _with_labels(path, after, columns) if after else _fields(path, columns)
        for number, (line, fields) in enumerate(rows, 1):
            yield Raw(fields=fields, stem=_stem(path), number=number), f"{path}:{line}"


def _with_labels(
    path: Path, labels: Path, columns: Sequence[str]
) -> Iterator[tuple[int, Mapping[str, object]]]:
    if labels.suffix != ".lst":
        yield from _fields(path, columns)
        return
    lines = labels.read_text("utf-8").split()
    rows = list(_fields(path, columns))
    if len(lines) != len(rows):
        raise InputError(f"{labels} has {len(lines)} labels, {path} {len(rows)} rows")
    for (number, fields), label in zip(rows, lines, strict=True):
        yield number, {**fields, "label": label}


def _fields(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, Mapping[str, object]]]:
    """Rows of one file with their line (or row) number."""
    kind = path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix
    if kind == ".jsonl" or (kind == ".json" and _is_lines(path)):
        yield from enumerate(read_jsonl(path, _object), 1)
    elif kind == ".json":
        value = read_json(path)
        if not isinstance(value, list):
            raise InputError(f"{path}: expected a JSON list of rows, got {type(value).__name__}")
        yield from enumerate((_row(item, path, i) for i, item in enumerate(value, 1)), 1)
    elif kind == ".csv":
        yield from _csv(path, columns)
    elif kind == ".parquet":
        yield from enumerate(_parquet(path), 1)
    else:
        raise InputError(f"{path}: expected .jsonl, .json, .csv or .parquet (also .gz), or .lst")


def _is_lines(path: Path) -> bool:
    """Whether a `.json` file has an object a line, as some releases do, and not one list."""
    if not path.is_file():
        return False
    with path.open("rb") as handle:
        return handle.readline().strip()[-1:] == b"}" and bool(handle.readline().strip())


def _object(value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise CodecError(f"expected an object, got {value!r:.60}")
    return cast("Mapping[str, object]", value)


def _row(value: object, path: Path, number: int) -> Mapping[str, object]:
    try:
        return _object(value)
    except CodecError as error:
        raise InputError(f"{path}: row {number}: {error}") from error


def _csv(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, Mapping[str, object]]]:
    try:
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        text = raw.decode("utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (UnicodeDecodeError, OSError, EOFError) as error:
        raise InputError(f"{path}: not UTF-8 text: {error}") from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] | None = None
    try:
        for row in reader:
            if header is None:
                header = list(columns) if columns and columns[0] not in row else row
                if header is row:
                    continue
            if len(row) != len(header):
                raise InputError(
                    f"{path}:{reader.line_num}: {len(row)} columns, expected {len(header)}: "
                    f"{', '.join(header)}"
                )
            yield reader.line_num, dict(zip(header, row, strict=True))
    except csv.Error as error:
        raise InputError(f"{path}:{reader.line_num}: not CSV: {error}") from error


def _parquet(path: Path) -> Iterator[Mapping[str, object]]:
    try:
        import pyarrow.parquet
    except ImportError:
        raise MissingExtraError("reading Parquet files", "xgen-eval[hub]") from None
    try:
        for batch in pyarrow.parquet.ParquetFile(path).iter_batches():
            yield from batch.to_pylist()
    except (OSError, pyarrow.ArrowInvalid) as error:
        raise InputError(f"{path}: not a Parquet file: {error}") from error


def _stem(path: Path) -> str:
    return Path(path.stem).stem if path.suffix == ".gz" else path.stem


def _hub_rows(hub: Hub, split: str) -> Iterator[tuple[Raw, str]]:
    try:
        import datasets
        from datasets.exceptions import DatasetsError
    except ImportError:
        raise MissingExtraError("fetching data from the hub", "xgen-eval[hub]") from None
    for name in hub.configurations:
        try:
            rows = datasets.load_dataset(hub.path, name, split=split, revision=hub.revision)
        except (OSError, ValueError, DatasetsError) as error:
            first = str(error).strip().split("\n")[0]
            raise InputError(
                f"{hub.path} could not be fetched ({first}): is the network there? "
                "Local files work too: xgen eval data add"
            ) from error
        for number, fields in enumerate(cast("Iterable[Mapping[str, object]]", rows), 1):
            where = f"{hub.path} {name or ''} {split} row {number}"
            yield Raw(fields=fields, stem=name or "", number=number), where
