"""A safetensors file written as a stream; the library's own writer wants all tensors in memory.

8 bytes      length of the header, little-endian
header       JSON: for each tensor its dtype, shape and byte range in what follows
data         the tensors, one after the other
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from xgen_core.files import atomic_file

__all__ = ["DTYPES", "Planned", "write_safetensors"]

DTYPES = {"float32": ("F32", np.dtype("<f4")), "bfloat16": ("BF16", np.dtype(jnp.bfloat16))}
"""By the names that `config.json` uses: the name in a header, and numpy's dtype."""


class Planned(NamedTuple):
    """A tensor to be written: its name, shape, and rows in order as float32."""

    name: str
    shape: tuple[int, ...]
    rows: Iterator[np.ndarray]

    def size(self, dtype: str) -> int:
        """Bytes it takes."""
        return math.prod(self.shape) * DTYPES[dtype][1].itemsize


def write_safetensors(path: Path, tensors: Sequence[Planned], dtype: str) -> None:
    """Write a file, holding no more of it than a block of rows.

    Args:
        path: the file.
        tensors: what it will hold.
        dtype: in `DTYPES`; of all of them.

    Raises:
        OSError: as the file system gives it; nothing is left then.
    """
    code, kind = DTYPES[dtype]
    # Readers of PyTorch models refuse a file that does not say which library's layout it has.
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    end = 0
    for tensor in tensors:
        begin, end = end, end + tensor.size(dtype)
        header[tensor.name] = {"dtype": code, "shape": tensor.shape, "data_offsets": [begin, end]}
    text = json.dumps(header, separators=(",", ":")).encode("utf-8")
    text += b" " * (-len(text) % 8)
    with atomic_file(path) as handle:
        handle.write(len(text).to_bytes(8, "little") + text)
        for tensor in tensors:
            written = 0
            for block in tensor.rows:
                data = np.ascontiguousarray(block.astype(kind, copy=False))
                written += handle.write(data.reshape(-1).view(np.uint8).data)
            if written != tensor.size(dtype):
                raise AssertionError(f"{tensor.name}: {written} bytes of {tensor.size(dtype)}")
