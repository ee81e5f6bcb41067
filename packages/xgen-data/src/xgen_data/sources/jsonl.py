"""`jsonl:PATH`: one JSON object a line, `{"text": …}` with optional `id` and `meta`.

PATH is a file, a directory (its `.jsonl` and `.ndjson` files) or a glob; `.gz`, `.zst`, `.bz2` and
`.xz` are decompressed. `SourceConfig.text` and `.id` name other columns than `text` and `id`.

A file of more than `CUT_BYTES` that is not compressed is read in byte ranges, by as many processes
as there are; a line belongs to the range in which it begins. Peers take a file as one task, however
large it is.

A row without an id gets one that does not depend on how files are cut. Rows are counted from 1,
blank lines left out; in a source of several files that is `FILE:ROW`. In a file that is cut, nobody
has counted the rows before a range, so it is the offset of the line in bytes: `@OFFSET`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from xgen_core import InputError
from xgen_data.recipe import SourceConfig
from xgen_data.sources.files import (
    DamageError,
    Listing,
    group_files,
    identity_of,
    is_compressed,
    list_files,
    part_files,
    read_chunks,
    read_lines,
)
from xgen_data.sources.reader import Part
from xgen_data.sources.rows import BadRowError, document_from_row, json_loader
from xgen_data.sources.tree import TOO_LARGE
from xgen_data.steps import Drop, Item

__all__ = ["CUT_BYTES", "SUFFIXES", "JsonlReader", "line_number"]

SUFFIXES = frozenset({".jsonl", ".ndjson"})
CUT_BYTES = 2**28
"""Larger files are cut, and their rows named by offset: a change of this changes ids."""
_UTF_16_32 = (b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")


@dataclass(frozen=True, slots=True)
class JsonlReader:
    """Reads `jsonl:PATH`.

    Attributes:
        range_bytes: a file that is cut is cut into ranges of about so many bytes.
        cut_bytes: files above this size are.
    """

    range_bytes: int = 2**28
    cut_bytes: int = CUT_BYTES

    def plan(self, config: SourceConfig) -> tuple[Part, ...]:
        """Small files together, large ones in byte ranges.

        Raises:
            InputError: no such file.
        """
        try:
            listing = list_files(config.rest, SUFFIXES)
        except InputError as error:
            raise InputError(f"jsonl:{error}") from error
        parts: list[Part] = []
        small: list[int] = []
        for index, file in enumerate(listing.files):
            if file.size <= self.cut_bytes or is_compressed(file.name):
                small.append(index)
                continue
            parts += self._group(listing, small)
            small = []
            files = () if listing.single else (file.name,)
            for start in range(0, file.size, self.range_bytes):
                stop = min(start + self.range_bytes, file.size)
                parts.append(
                    Part(path=listing.root, files=files, start=start, stop=stop, size=stop - start)
                )
        return (*parts, *self._group(listing, small))

    def _group(self, listing: Listing, indices: list[int]) -> tuple[Part, ...]:
        files = tuple(listing.files[index] for index in indices)
        return group_files(Listing(listing.root, files, listing.single))

    def read(self, part: Part, config: SourceConfig) -> Iterator[Item]:
        """Yield one document a row.

        A row that is not such an object, or too long, is dropped and the next one read; a
        compressed file that breaks off ends there.

        Raises:
            InputError: no such file, or one in UTF-16 or UTF-32.
        """
        for name, path in part_files(part):
            prefix = f"{identity_of(name)}:" if part.files else ""
            try:
                yield from _read_file(path, prefix, part, config)
            except DamageError as damage:
                example = f"{path}:{damage.offset}"
                yield Drop(reason=damage.reason, example=example, damaged=True)


def _read_file(path: str, prefix: str, part: Part, config: SourceConfig) -> Iterator[Item]:
    start = max(part.start - 1, 0)  # the byte before says whether a line begins at `part.start`
    lines = read_lines(_checked(read_chunks(path, start), path, start), start)
    if part.start:
        next(lines, None)
    loads = json_loader()
    counted = part.stop is None
    number = 0
    for offset, line in lines:
        if not counted and offset >= (part.stop or 0):
            return
        if line is None:
            yield Drop(reason=f"line {TOO_LARGE}", example=f"{path}:{offset}", damaged=True)
            number += 1
            continue
        if not line or line.isspace():
            continue
        number += 1
        try:
            yield document_from_row(
                loads(line),
                f"{prefix}{number}" if counted else f"{prefix}@{offset}",
                config.name,
                text=config.text,
                id=config.id,
            )
        except BadRowError as error:
            yield Drop(reason=str(error), example=f"{path}:{offset}", damaged=True)
        except RecursionError:
            reason = "this line is nested too deeply"
            yield Drop(reason=reason, example=f"{path}:{offset}", damaged=True)


def _checked(chunks: Iterator[bytes], path: str, start: int) -> Iterator[bytes]:
    for number, chunk in enumerate(chunks):
        if number == 0 and start == 0 and chunk.startswith(_UTF_16_32):
            raise InputError(f"{path}: in UTF-16 or UTF-32; convert it to UTF-8 first")
        yield chunk


def line_number(path: str, offset: int) -> int:
    """The number, from 1, of the line that begins at an offset; reads all that is before it.

    Raises:
        InputError: no such file.
        DamageError: it is broken before the offset.
    """
    lines, seen = 1, 0
    for chunk in read_chunks(path):
        lines += chunk[: max(offset - seen, 0)].count(b"\n")
        seen += len(chunk)
        if seen >= offset:
            break
    return lines
