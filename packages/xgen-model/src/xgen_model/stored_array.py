"""One array of a checkpoint on disk, read and written in parts.

    NAME/.zarray      shape, dtype and chunk shape: zarr format 2, C order, no compression
    NAME/0.0.0        the raw bytes of a chunk; the last of a dim is filled up to full size

That is the layout that Orbax gives to an array. Read here directly, a part costs the memory of that
part alone; Orbax and tensorstore read whole arrays or whole chunks.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import numpy as np

from xgen_core.errors import FormatError, InputError
from xgen_core.files import read_json

__all__ = ["BLOCK_BYTES", "Index", "StoredArray", "blocks", "describe", "whole", "write_array"]

Index: TypeAlias = tuple[slice, ...]
"""A slice for each dim, with start and stop given and no step."""

BLOCK_BYTES = 32 * 2**20
"""How much of an array is in memory while it streams from one file to another."""


def whole(shape: tuple[int, ...]) -> Index:
    """The index of everything."""
    return tuple(slice(0, size) for size in shape)


def blocks(index: Index, itemsize: int, limit: int = BLOCK_BYTES) -> Iterator[Index]:
    """Cut along the first dim into parts of at most `limit` bytes, but of one row at least."""
    if not index:
        yield index
        return
    first, rest = index[0], index[1:]
    row = itemsize * math.prod(s.stop - s.start for s in rest)
    step = max(1, limit // max(1, row))
    for start in range(first.start, first.stop, step):
        yield (slice(start, min(start + step, first.stop)), *rest)


class StoredArray:
    """An array in a directory; opening it reads its few bytes of description only.

    Attributes:
        directory: where.
        shape: of the array.
        dtype: of its elements.

    Raises:
        FormatError: the description is missing, or says something that is not written here.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        path = directory / ".zarray"
        try:
            header = read_json(path)
            self.shape = tuple(int(n) for n in header["shape"])
            self.dtype = np.dtype(header["dtype"])
            self._chunks = tuple(int(n) for n in header["chunks"])
            plain = header["compressor"] is None and not header["filters"]
            plain = plain and (header["zarr_format"], header["order"]) == (2, "C")
            separator = header.get("dimension_separator", ".")
        except InputError as error:
            raise FormatError(str(error)) from error
        except (KeyError, TypeError, ValueError) as error:
            raise FormatError(f"{path}: not the description of an array: {error}") from error
        if not plain or separator != "." or len(self._chunks) != len(self.shape):
            raise FormatError(
                f"{path}: expected an uncompressed array in C order, in zarr format 2"
            )

    def read(self, index: Index) -> np.ndarray:
        """A part of the array, as an array of its own.

        Raises:
            FormatError: a chunk is missing or has the wrong size; names the file.
        """
        found = np.empty([s.stop - s.start for s in index], self.dtype)
        spans = [
            range(s.start // size, -(-s.stop // size))
            for s, size in zip(index, self._chunks, strict=True)
        ]
        for number in itertools.product(*spans):
            begin = [n * size for n, size in zip(number, self._chunks, strict=True)]
            into, out_of = [], []
            for wanted, at, size in zip(index, begin, self._chunks, strict=True):
                start, stop = max(wanted.start, at), min(wanted.stop, at + size)
                into.append(slice(start - wanted.start, stop - wanted.start))
                out_of.append(slice(start - at, stop - at))
            # Mapped anew for each part, so that pages that were read do not add up.
            found[tuple(into)] = self._chunk(number)[tuple(out_of)]
        return found

    def _chunk(self, number: tuple[int, ...]) -> np.ndarray:
        path = self.directory / (".".join(map(str, number)) or "0")
        expected = math.prod(self._chunks) * self.dtype.itemsize
        try:
            size = path.stat().st_size
        except FileNotFoundError:
            raise FormatError(f"{path}: missing; the checkpoint is not complete") from None
        if size != expected:
            raise FormatError(f"{path}: damaged: {size} bytes, expected {expected}")
        return np.memmap(path, self.dtype, "r", shape=self._chunks)


def describe(shape: tuple[int, ...], chunks: tuple[int, ...], dtype: np.dtype) -> str:
    """The description of an array, byte for byte as tensorstore writes it."""
    header = {
        "chunks": chunks,
        "compressor": None,
        "dimension_separator": ".",
        # bfloat16 and its like have no code of numpy's own
        "dtype": dtype.name if dtype.kind == "V" else dtype.str,
        "fill_value": None,
        "filters": None,
        "order": "C",
        "shape": shape,
        "zarr_format": 2,
    }
    return json.dumps(header, sort_keys=True, separators=(",", ":"))


def write_array(
    directory: Path,
    shape: tuple[int, ...],
    chunks: tuple[int, ...],
    read: Callable[[Index], np.ndarray],
) -> None:
    """Write a float32 array in the layout of this module, block by block, not flushed to disk.

    Args:
        directory: a new one.
        shape: of the array.
        chunks: shape of one file; it divides `shape`, and its dims after the first are whole.
        read: gives any part of the array.
    """
    if any(s % c for s, c in zip(shape, chunks, strict=True)) or shape[1:] != chunks[1:]:
        raise ValueError(f"chunks of {chunks} do not cut {shape} along its first dim")
    directory.mkdir()
    header = describe(shape, chunks, np.dtype(np.float32))
    (directory / ".zarray").write_text(header, encoding="ascii")
    for number in range(shape[0] // chunks[0] if shape else 1):
        index = whole(shape)
        if shape:
            index = (slice(number * chunks[0], (number + 1) * chunks[0]), *index[1:])
        name = ".".join([str(number), *["0"] * (len(shape) - 1)])
        with (directory / name).open("xb") as handle:
            for block in _within(index):
                part = np.ascontiguousarray(read(block), "<f4")
                handle.write(part.data)


def _within(index: Index) -> Iterator[Index]:
    """Blocks of a chunk; where one layer is a block too large, rows of it."""
    if len(index) > 1 and index[0].stop - index[0].start == 1:
        for block in blocks(index[1:], 4):
            yield (index[0], *block)
    else:
        yield from blocks(index, 4)
