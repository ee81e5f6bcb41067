"""`parquet:PATH`: Apache Parquet, the columns `text` and `id`, and the others as metadata.

PATH is a file, a directory (its `.parquet` files) or a glob, local or remote. A Parquet file is a
sequence of row groups, each with its columns one after another, and a footer that says where they
are; so a file is cut by row groups without reading anything but the footer, and of a wide table
only what is needed is fetched. Small files are not cut, and not looked at before they are read.

A row without an id is called by its number in the file, from 1; with several files by `FILE:ROW`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xgen_core import InputError
from xgen_data.recipe import SourceConfig
from xgen_data.sources.files import (
    MAX_BYTES,
    Listing,
    group_files,
    identity_of,
    list_files,
    open_raw,
    part_files,
)
from xgen_data.sources.reader import Part
from xgen_data.sources.rows import BadRowError, document_from_row
from xgen_data.sources.tree import TOO_LARGE
from xgen_data.steps import Drop, Item

if TYPE_CHECKING:
    import pyarrow.parquet as pq

__all__ = ["ParquetReader"]

_BATCH_ROWS = 1024
_NOT_PARQUET = "not a Parquet file, or truncated"


class _NotParquetError(InputError):
    pass


@dataclass(frozen=True, slots=True)
class ParquetReader:
    """Reads `parquet:PATH`.

    Attributes:
        part_bytes: a larger file is cut into row groups of together about so many bytes.
    """

    part_bytes: int = 2**28

    def plan(self, config: SourceConfig) -> tuple[Part, ...]:
        """Small files together, large ones by row groups.

        Raises:
            InputError: no such file, or a large one that is not Parquet.
        """
        try:
            listing = list_files(config.rest, (".parquet", ".pq"))
        except InputError as error:
            raise InputError(f"parquet:{error}") from error
        parts: list[Part] = []
        for file in listing.files:
            one = group_files(Listing(listing.root, (file,), listing.single))
            if file.size <= self.part_bytes:
                parts += one
            else:
                parts += self._cut(one[0])
        return tuple(parts)

    def _cut(self, part: Part) -> Iterator[Part]:
        ((_, path),) = part_files(part)
        with open_raw(path) as raw:
            footer = _open(raw, path).metadata
            sizes = [
                sum(
                    footer.row_group(g).column(c).total_compressed_size
                    for c in range(footer.num_columns)
                )
                for g in range(footer.num_row_groups)
            ]
        start = size = 0
        for group, more in enumerate(sizes):
            if group > start and size + more > self.part_bytes:
                yield Part(path=part.path, files=part.files, start=start, stop=group, size=size)
                start, size = group, 0
            size += more
        yield Part(path=part.path, files=part.files, start=start, stop=len(sizes), size=size)

    def read(self, part: Part, config: SourceConfig) -> Iterator[Item]:
        """Yield one document a row; a file that is not Parquet, or cut off, is one `Drop`.

        Raises:
            InputError: no such file, or one without a text column; names those it has.
        """
        for name, path in part_files(part):
            prefix = f"{identity_of(name)}:" if part.files else ""
            with open_raw(path) as raw:
                try:
                    table = _open(raw, path)
                except _NotParquetError:  # one of thousands may be cut off: the policy decides
                    yield Drop(reason=_NOT_PARQUET, example=path, damaged=True)
                    continue
                _check_columns(table, path, config)
                stop = table.num_row_groups if part.stop is None else part.stop
                yield from _read_groups(table, range(part.start, stop), path, prefix, config)


def _open(raw: Any, path: str) -> pq.ParquetFile:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(raw)
    except (pa.ArrowInvalid, OSError) as error:
        if getattr(error, "errno", None) is not None:
            raise
        raise _NotParquetError(
            f"{path}: {_NOT_PARQUET} ({error}); mend or remove it and run again"
        ) from error


def _check_columns(table: pq.ParquetFile, path: str, config: SourceConfig) -> None:
    import pyarrow as pa

    schema = table.schema_arrow
    known = ", ".join(f"{field.name} ({field.type})" for field in schema)
    if schema.get_field_index(config.text) < 0:
        raise InputError(f"{path}: no column {config.text!r} for the text; it has {known}")
    kind = schema.field(config.text).type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        raise InputError(
            f"{path}: column {config.text!r} holds {kind}, not strings; it has {known}"
        )


def _read_groups(
    table: pq.ParquetFile, groups: range, path: str, prefix: str, config: SourceConfig
) -> Iterator[Item]:
    import pyarrow as pa

    row = sum(table.metadata.row_group(g).num_rows for g in range(groups.start))
    for group in groups:
        after = row + table.metadata.row_group(group).num_rows
        try:
            for batch in table.iter_batches(batch_size=_BATCH_ROWS, row_groups=[group]):
                names = batch.schema.names
                columns = [_values(column) for column in batch.columns]
                for values in zip(*columns, strict=True):
                    row += 1
                    yield _item(dict(zip(names, values, strict=True)), row, path, prefix, config)
        except (pa.ArrowException, OSError) as error:
            if getattr(error, "errno", None) is not None:
                raise
            reason = "the row group is damaged"
            yield Drop(reason=reason, example=f"{path}:row {row + 1}", damaged=True)
            row = after


def _item(
    values: dict[str, object], row: int, path: str, prefix: str, config: SourceConfig
) -> Item:
    text = values[config.text]
    example = f"{path}:row {row}"
    if text is None:
        return Drop(reason="no text", example=example)
    if isinstance(text, bytes):
        return Drop(reason="the text is not UTF-8", example=example, damaged=True)
    if isinstance(text, str) and len(text) > MAX_BYTES:
        return Drop(reason=f"text {TOO_LARGE}", example=example)
    try:
        return document_from_row(
            values, f"{prefix}{row}", config.name, text=config.text, id=config.id, rest=True
        )
    except BadRowError as error:
        return Drop(reason=str(error), example=example, damaged=True)


def _values(column: Any) -> Sequence[Any]:
    try:
        return column.to_pylist()
    except UnicodeDecodeError:  # Arrow takes a writer's word that strings are UTF-8
        return [_value(value) for value in column]


def _value(scalar: Any) -> Any:
    try:
        return scalar.as_py()
    except UnicodeDecodeError:
        return scalar.as_buffer().to_pybytes()
