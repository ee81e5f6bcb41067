"""A tree of arrays in a directory: one uncompressed zarr array for each leaf, as Orbax has it.

A parameter with a row for each layer has a file for each layer, unless it is small: so one layer
can be read, or written, without the others. Orbax can read the directory (ADR 0014).
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from xgen_core.errors import FormatError
from xgen_core.progress import Progress
from xgen_model.chunks import Chunk, Dealer, by_layer
from xgen_model.processes import Processes
from xgen_model.stored_array import Index, StoredArray, describe, write_array

__all__ = [
    "File",
    "Snapshot",
    "is_array_file",
    "leaf_names",
    "read_arrays",
    "stream_arrays",
    "take_snapshot",
    "write_arrays",
    "write_files",
]

_THREADS = min(8, os.cpu_count() or 1)


class File(NamedTuple):
    """What a file will hold: raw bytes, or an array that is stored as its bytes."""

    path: str
    data: bytes | np.ndarray


class Snapshot(NamedTuple):
    """A copy in host memory of what this process has to write of some trees.

    Attributes:
        files: the process's own.
        bytes: of all processes together.
    """

    files: list[File]
    bytes: int


def leaf_names(tree: Any) -> tuple[list[str], list[Any], Any]:
    """Leaves by dotted path: unlike a tree's own containers these need no class to be read."""
    pairs, structure = jax.tree_util.tree_flatten_with_path(tree)
    names = [jax.tree_util.keystr(path, simple=True, separator=".") or "value" for path, _ in pairs]
    return names, [leaf for _, leaf in pairs], structure


def take_snapshot(trees: Mapping[str, Any]) -> Snapshot:
    """Copy what this process will write; afterwards the arrays may change or go.

    Args:
        trees: jax or numpy arrays, or numbers, by the directory that they will lie in. The same
            on all processes.
    """
    here, dealer, files = Processes.here(), Dealer(), list[File]()
    waiting: list[tuple[str, jax.Array | np.ndarray, list[Chunk]]] = []
    for directory, tree in trees.items():
        names, leaves, _ = leaf_names(tree)
        shapes: dict[str, tuple[int, ...]] = {}
        for name, leaf in zip(names, leaves, strict=True):
            array = leaf if isinstance(leaf, jax.Array) else np.asarray(leaf)
            size, chunks = dealer.cut(name, array)
            shapes[name] = array.shape
            mine = [chunk for chunk in chunks if chunk.writer == here.index]
            if mine and isinstance(array, jax.Array):
                for shard in array.addressable_shards:
                    shard.data.copy_to_host_async()
            waiting.append((f"{directory}/{name}", array, mine))
            if here.leads:
                header = describe(array.shape, size, array.dtype)
                files.append(File(f"{directory}/{name}/.zarray", header.encode()))
        if here.leads:
            files += [File(f"{directory}/{name}", text) for name, text in _notes(shapes).items()]
    for path, array, mine in waiting:
        files += [File(f"{path}/{chunk.name}", _copied(array, chunk.part)) for chunk in mine]
    return Snapshot(files, sum(dealer.load))


def _copied(array: jax.Array | np.ndarray, index: Index) -> np.ndarray:
    """A part of an array, put together from the shards that this process has."""
    if not isinstance(array, jax.Array):
        return np.array(array[index])
    found = np.empty([s.stop - s.start for s in index], array.dtype)
    seen: set[tuple[tuple[int, int], ...]] = set()
    for shard in array.addressable_shards:
        held = tuple(
            slice(*s.indices(n)[:2]) for s, n in zip(shard.index, array.shape, strict=True)
        )
        common = tuple(
            slice(max(a.start, b.start), min(a.stop, b.stop))
            for a, b in zip(held, index, strict=True)
        )
        place = tuple((s.start, s.stop) for s in common)
        if place in seen or any(s.start >= s.stop for s in common):
            continue
        seen.add(place)
        found[_relative(common, index)] = np.asarray(shard.data)[_relative(common, held)]
    return found


def _relative(index: Index, to: Index) -> Index:
    return tuple(slice(s.start - t.start, s.stop - t.start) for s, t in zip(index, to, strict=True))


def write_files(
    directory: Path, files: Sequence[File], *, progress: bool = False
) -> dict[str, dict[str, Any]]:
    """Write files below a directory and flush them to disk; returns size and sha256 of each.

    Args:
        directory: made where it is not there.
        files: new ones.
        progress: show it.

    Raises:
        OSError: as the file system gives it (a full disk, say).
    """
    for parent in sorted({(directory / file.path).parent for file in files}):
        parent.mkdir(parents=True, exist_ok=True)
    total = sum(_bytes(file).nbytes for file in files)
    found: dict[str, dict[str, Any]] = {}
    with (
        Progress("writing", total // 2**20, unit="MiB") as shown,
        ThreadPoolExecutor(_THREADS) as pool,
    ):
        done = 0
        for file, digest in zip(
            files, pool.map(lambda f: _write(directory, f), files), strict=True
        ):
            size = _bytes(file).nbytes
            found[file.path] = {"bytes": size, "sha256": digest}
            before, done = done >> 20, done + size
            if progress:
                shown.advance((done >> 20) - before)
    return found


def _bytes(file: File) -> memoryview:
    if isinstance(file.data, bytes):
        return memoryview(file.data)
    return np.ascontiguousarray(file.data).reshape(-1).view(np.uint8).data


def _write(directory: Path, file: File) -> str:
    data = _bytes(file)
    with (directory / file.path).open("xb") as handle:
        handle.write(data)
        handle.flush()
        os.fsync(handle.fileno())
    return hashlib.sha256(data).hexdigest()


def write_arrays(directory: Path, tree: Any) -> None:
    """Write the leaves of a tree (jax or numpy arrays, or numbers) into a new directory.

    Raises:
        OSError: as the file system gives it (a full disk, say).
    """
    write_files(directory.parent, take_snapshot({directory.name: tree}).files)


def stream_arrays(
    directory: Path,
    shapes: Mapping[str, tuple[int, ...]],
    read: Callable[[str, Index], np.ndarray],
) -> None:
    """Write float32 arrays as `write_arrays` would, without ever holding one of them whole.

    Args:
        directory: a new one.
        shapes: by dotted path, as in `leaf_names`.
        read: gives any part of an array by its path.
    """
    directory.mkdir()
    total = sum(4 * math.prod(shape) for shape in shapes.values())
    with Progress("writing", total // 2**20, unit="MiB") as progress:
        done = 0

        def part(name: str, index: Index) -> np.ndarray:
            nonlocal done
            found = read(name, index)
            before, done = done >> 20, done + found.nbytes
            progress.advance((done >> 20) - before, name)
            return found

        for name, shape in shapes.items():
            chunks = (1, *shape[1:]) if by_layer(name, shape, 4) else shape
            write_array(directory / name, shape, chunks, lambda index, n=name: part(n, index))
    for name, text in _notes(shapes).items():
        (directory / name).write_bytes(text)


def _notes(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, bytes]:
    """The files by which Orbax knows the tree."""
    tree = {
        str((name,)): {
            "key_metadata": [{"key": name, "key_type": 2}],
            "value_metadata": {
                "value_type": "np.ndarray",
                "skip_deserialize": False,
                "write_shape": shape,
            },
        }
        for name, shape in shapes.items()
    }
    notes = {
        "tree_metadata": tree,
        "use_ocdbt": False,
        "use_zarr3": False,
        "store_array_data_equal_to_fill_value": True,
        "custom_metadata": None,
    }
    moment = time.time_ns()
    times = {"init_timestamp_nsecs": moment, "commit_timestamp_nsecs": moment}
    return {
        "_METADATA": json.dumps(notes).encode(),
        "_CHECKPOINT_METADATA": json.dumps(times).encode(),
    }


def read_arrays(directory: Path, like: Any) -> Any:
    """Read a tree back into the structure of `like`, as jax arrays, bit for bit.

    Every process reads what its own devices will hold.

    Args:
        directory: written by `write_arrays`, on any mesh.
        like: a tree of arrays or `jax.ShapeDtypeStruct`; where a leaf has a sharding the result
            has it too, otherwise it lies on the first device.

    Raises:
        FormatError: leaves are missing or left over, or have another shape or dtype.
    """
    names, leaves, structure = leaf_names(like)
    stored = {p.parent.name: StoredArray(p.parent) for p in directory.glob("*/.zarray")}
    _compare(directory, stored, dict(zip(names, leaves, strict=True)))
    first = jax.sharding.SingleDeviceSharding(jax.local_devices()[0])

    def place(name: str, leaf: Any) -> jax.Array:
        array = stored[name]
        sharding = getattr(leaf, "sharding", None) or first

        def part(index: Any) -> np.ndarray:
            sliced = (slice(*s.indices(n)[:2]) for s, n in zip(index, array.shape, strict=True))
            return array.read(tuple(sliced))

        return jax.make_array_from_callback(array.shape, sharding, part)

    with ThreadPoolExecutor(_THREADS) as pool:
        return jax.tree.unflatten(structure, list(pool.map(place, names, leaves)))


def _compare(directory: Path, stored: dict[str, StoredArray], wanted: dict[str, Any]) -> None:
    missing, left_over = sorted(set(wanted) - set(stored)), sorted(set(stored) - set(wanted))
    if missing or left_over:
        raise FormatError(
            f"{directory}: holds other arrays than expected: lacks {missing[:3]}, has unexpected "
            f"{left_over[:3]}; was it written with another configuration or optimizer?"
        )
    for name, leaf in wanted.items():
        shape, dtype = np.shape(leaf), jax.dtypes.canonicalize_dtype(jax.dtypes.result_type(leaf))
        if stored[name].shape != shape or stored[name].dtype != dtype:
            raise FormatError(
                f"{directory}: {name} is {stored[name].dtype}{list(stored[name].shape)}, "
                f"expected {dtype}{list(shape)}"
            )


def is_array_file(path: str) -> bool:
    """Whether a file's bytes are weights, rather than Orbax's notes with times and devices."""
    parts = Path(path).parts
    return not parts[-1].startswith("_") and len(parts) > 2 and parts[-2] != "array_metadatas"
