"""`hf:` and `hub:`: Hugging Face `datasets`, saved on disk or streamed.

    hf:DIR, hf:DIR#SPLIT                     as `save_to_disk` leaves it
    hub:NAME[#CONFIG][@SPLIT][?revision=R]   streamed, never stored; also a directory of files

A saved data set is cut by rows, a streamed one by its shards, which are mostly its files:
`datasets` itself can resume only by reading again what it has read. Give a revision for a build
that is to be repeated, because a data set on the hub changes under its name.

A row without an id is called by its number, from 1; in a stream of several shards `SHARD:ROW`.
Columns other than text and id are metadata.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xgen_core import InputError
from xgen_data.recipe import SourceConfig
from xgen_data.sources.files import is_url
from xgen_data.sources.reader import Part
from xgen_data.sources.rows import BadRowError, document_from_row
from xgen_data.steps import Drop, Item

__all__ = ["HubReader", "SavedReader"]

_HUB = re.compile(
    r"(?P<name>[^#@?]+)(?:#(?P<config>[^@?]+))?(?:@(?P<split>[^?]+))?(?:\?revision=(?P<revision>.+))?"
)


@dataclass(frozen=True, slots=True)
class SavedReader:
    """Reads `hf:DIR`.

    Attributes:
        part_bytes: a part holds rows of together about so many bytes.
    """

    part_bytes: int = 2**28

    def plan(self, config: SourceConfig) -> tuple[Part, ...]:
        """Ranges of rows.

        Raises:
            InputError: no saved data set there, no split named where it has several, or no text
                column.
        """
        rows = self._load(config)
        step = max(1, len(rows) * self.part_bytes // max(rows.data.nbytes, 1))
        bytes_per_row = rows.data.nbytes // max(len(rows), 1)
        return tuple(
            Part(
                path=config.rest.partition("#")[0],
                start=start,
                stop=min(start + step, len(rows)),
                size=bytes_per_row * min(step, len(rows) - start),
            )
            for start in range(0, len(rows), step)
        )

    def read(self, part: Part, config: SourceConfig) -> Iterator[Item]:
        """Yield one document a row; parts are of `config`, whose URI names the split.

        Raises:
            InputError: as `plan`.
        """
        rows = self._load(config)
        stop = len(rows) if part.stop is None else part.stop
        chosen = rows.select(range(part.start, stop))  # contiguous: nothing is copied
        yield from _documents(chosen, part.start, "", f"hf:{config.rest}", config)

    def _load(self, config: SourceConfig) -> Any:
        where, _, split = config.rest.partition("#")
        if not is_url(where) and not Path(where).is_dir():
            raise InputError(f"hf:{where}: no such directory")
        from datasets import Dataset, load_from_disk  # 3 s to import

        try:
            loaded = load_from_disk(where)
        except FileNotFoundError as error:
            raise InputError(
                f"hf:{where}: not a data set saved by save_to_disk: {error}"
            ) from error
        if not isinstance(loaded, Dataset):
            if split not in loaded:
                known = ", ".join(map(str, loaded))
                raise InputError(f"hf:{config.rest}: name one split, as hf:{where}#SPLIT: {known}")
            loaded = loaded[split]
        _check_column(loaded.column_names, f"hf:{config.rest}", config)
        return loaded


@dataclass(frozen=True, slots=True)
class HubReader:
    """Reads `hub:NAME`."""

    def plan(self, config: SourceConfig) -> tuple[Part, ...]:
        """One part a shard.

        Raises:
            InputError: no such data set or split, or no text column.
        """
        shards = self._load(config).num_shards
        return tuple(Part(path=config.rest, start=shard, stop=shard + 1) for shard in range(shards))

    def read(self, part: Part, config: SourceConfig) -> Iterator[Item]:
        """Yield one document a row.

        Raises:
            InputError: as `plan`.
        """
        import pyarrow as pa
        from datasets.exceptions import DatasetGenerationError

        stream = self._load(config)
        several = stream.num_shards > 1
        rows = stream.shard(num_shards=stream.num_shards, index=part.start) if several else stream
        prefix = f"{part.start}:" if several else ""
        where = f"hub:{config.rest}" + (f" shard {part.start}" if several else "")
        try:
            yield from _documents(rows, 0, prefix, where, config)
        except (pa.ArrowException, DatasetGenerationError, EOFError, ValueError):
            reason = "the shard is damaged, or its rows differ in type"
            yield Drop(reason=reason, example=where, damaged=True)

    def _load(self, config: SourceConfig) -> Any:
        uri = f"hub:{config.rest}"
        found = _HUB.fullmatch(config.rest)
        if found is None:
            raise InputError(f"{uri}: expected hub:NAME[#CONFIG][@SPLIT][?revision=R]")
        from datasets import IterableDataset, load_dataset

        try:
            loaded = load_dataset(
                found["name"],
                found["config"],
                split=found["split"],
                revision=found["revision"],
                streaming=True,
            )
        except (FileNotFoundError, ConnectionError, ValueError) as error:
            raise InputError(f"{uri}: {_one_line(error)}") from error
        if not isinstance(loaded, IterableDataset):
            known = list(map(str, loaded))
            if len(known) != 1:
                raise InputError(f"{uri}: name one split, as {uri}@SPLIT: {', '.join(known)}")
            loaded = loaded[known[0]]
        if loaded.column_names is not None:
            _check_column(loaded.column_names, uri, config)
        return loaded


def _one_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0][:300]


def _check_column(columns: list[str], uri: str, config: SourceConfig) -> None:
    if config.text not in columns:
        known = ", ".join(columns) or "none"
        raise InputError(f"{uri}: no column {config.text!r} for the text; it has {known}")


def _documents(
    rows: Iterable[object], before: int, prefix: str, where: str, config: SourceConfig
) -> Iterator[Item]:
    for number, row in enumerate(rows, before + 1):
        try:
            yield document_from_row(
                row, f"{prefix}{number}", config.name, text=config.text, id=config.id, rest=True
            )
        except BadRowError as error:
            example = f"{where} row {number}"
            yield Drop(reason=str(error), example=example, damaged=True)
