"""A tree of arrays in a directory, through Orbax: one uncompressed zarr array for each leaf.

A parameter with a row for each layer has a file for each layer, unless it is small: so one layer
can be read, or written, without the others.

Orbax is imported on first use: it takes half a second, and much of this package never saves.
"""

from __future__ import annotations

import contextlib
import json
import logging
import math
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from xgen_core.errors import FormatError
from xgen_core.progress import Progress
from xgen_model.stored_array import Index, write_array

__all__ = ["is_array_file", "leaf_names", "read_arrays", "stream_arrays", "write_arrays"]

_SMALL = 4 * 2**20
"""Bytes of a parameter of all layers below which it is one file: few files open faster."""
_MOST_LAYERS = 4096
_SYSTEM_ERROR = re.compile(r"os_error_code='(\d+)'")
_NOISE = (
    "Skipping merge of OCDBT",  # at every save, about a format that is not used
    "raised an exception",  # an error that reaches the caller too
)


@contextlib.contextmanager
def _orbax(directory: Path) -> Iterator[None]:
    """Keep Orbax's log quiet, and turn what the file system refused back into `OSError`."""

    def wanted(record: logging.LogRecord) -> bool:
        message = record.getMessage()
        return not any(noise in message for noise in _NOISE)

    logger = logging.getLogger("absl")
    logger.addFilter(wanted)
    try:
        yield
    except ValueError as error:
        code = _SYSTEM_ERROR.search(str(error))
        if code is None:
            raise
        number = int(code[1])
        raise OSError(number, os.strerror(number), str(directory)) from error
    finally:
        logger.removeFilter(wanted)


def leaf_names(tree: Any) -> tuple[list[str], list[Any], Any]:
    """Leaves by dotted path: unlike a tree's own containers these need no class to be read."""
    pairs, structure = jax.tree_util.tree_flatten_with_path(tree)
    names = [jax.tree_util.keystr(path, simple=True, separator=".") or "value" for path, _ in pairs]
    return names, [leaf for _, leaf in pairs], structure


def _by_layer(name: str, shape: tuple[int, ...], itemsize: int) -> bool:
    """Whether each layer of a leaf has a file of its own."""
    layered = "layers" in name.split(".") and len(shape) > 1 and shape[0] <= _MOST_LAYERS
    return layered and itemsize * math.prod(shape) > _SMALL


def write_arrays(directory: Path, tree: Any) -> None:
    """Write the leaves of a tree (jax or numpy arrays, or numbers) into a new directory.

    Raises:
        OSError: as the file system gives it (a full disk, say).
    """
    import orbax.checkpoint as ocp

    names, leaves, _ = leaf_names(tree)
    arrays = [a if isinstance(a, jax.Array) else np.asarray(a) for a in leaves]
    arguments = {
        name: ocp.SaveArgs(shard_axes=(0,) * _by_layer(name, a.shape, a.dtype.itemsize))
        for name, a in zip(names, arrays, strict=True)
    }
    handler = ocp.PyTreeCheckpointHandler(use_ocdbt=False, use_compression=False)
    here = ocp.options.MultiprocessingOptions(
        primary_host=jax.process_index(), active_processes={jax.process_index()}
    )
    checkpointer = ocp.Checkpointer(handler, multiprocessing_options=here)
    with _orbax(directory), checkpointer:
        items = dict(zip(names, arrays, strict=True))
        checkpointer.save(directory.absolute(), args=ocp.args.PyTreeSave(items, arguments))


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
    metadata: dict[str, object] = {}
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
            chunks = (1, *shape[1:]) if _by_layer(name, shape, 4) else shape
            write_array(directory / name, shape, chunks, lambda index, n=name: part(n, index))
            metadata[str((name,))] = {
                "key_metadata": [{"key": name, "key_type": 2}],
                "value_metadata": {
                    "value_type": "jax.Array",
                    "skip_deserialize": False,
                    "write_shape": shape,
                },
            }
    notes = {
        "tree_metadata": metadata,
        "use_ocdbt": False,
        "use_zarr3": False,
        "store_array_data_equal_to_fill_value": True,
        "custom_metadata": None,
    }
    (directory / "_METADATA").write_text(json.dumps(notes), encoding="utf-8")
    moment = time.time_ns()
    times = {"init_timestamp_nsecs": moment, "commit_timestamp_nsecs": moment}
    (directory / "_CHECKPOINT_METADATA").write_text(json.dumps(times), encoding="utf-8")


def read_arrays(directory: Path, like: Any) -> Any:
    """Read a tree back into the structure of `like`, as jax arrays, bit for bit.

    Args:
        directory: written by `write_arrays`, on any mesh.
        like: a tree of arrays or `jax.ShapeDtypeStruct`; where a leaf has a sharding the result
            has it too, otherwise it lies on the first device.

    Raises:
        FormatError: leaves are missing or left over, or have another shape or dtype.
    """
    import orbax.checkpoint as ocp

    names, leaves, structure = leaf_names(like)
    handler = ocp.PyTreeCheckpointHandler(use_ocdbt=False, use_compression=False)
    with ocp.Checkpointer(handler) as checkpointer:
        metadata = checkpointer.metadata(directory.absolute())
        stored = dict(metadata.item_metadata.tree if metadata.item_metadata else {})
        _compare(directory, stored, dict(zip(names, leaves, strict=True)))
        first = jax.sharding.SingleDeviceSharding(jax.devices()[0])
        arguments = {
            name: ocp.ArrayRestoreArgs(
                sharding=getattr(leaf, "sharding", None) or first, dtype=stored[name].dtype
            )
            for name, leaf in zip(names, leaves, strict=True)
        }
        flat = checkpointer.restore(
            directory.absolute(), args=ocp.args.PyTreeRestore(restore_args=arguments)
        )
    return jax.tree.unflatten(structure, [flat[name] for name in names])


def _compare(directory: Path, stored: dict[str, Any], wanted: dict[str, Any]) -> None:
    missing, left_over = sorted(set(wanted) - set(stored)), sorted(set(stored) - set(wanted))
    if missing or left_over:
        raise FormatError(
            f"{directory}: holds other arrays than expected: lacks {missing[:3]}, has unexpected "
            f"{left_over[:3]}; was it written with another configuration or optimizer?"
        )
    for name, leaf in wanted.items():
        shape, dtype = np.shape(leaf), jax.dtypes.canonicalize_dtype(jax.dtypes.result_type(leaf))
        if tuple(stored[name].shape) != shape or stored[name].dtype != dtype:
            raise FormatError(
                f"{directory}: {name} is {stored[name].dtype}{list(stored[name].shape)}, "
                f"expected {dtype}{list(shape)}"
            )


def is_array_file(path: str) -> bool:
    """Whether a file's bytes are weights, rather than Orbax's notes with times and devices."""
    parts = Path(path).parts
    return not parts[-1].startswith("_") and len(parts) > 2 and parts[-2] != "array_metadatas"
