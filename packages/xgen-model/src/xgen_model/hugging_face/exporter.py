"""A model as a Hugging Face directory, written as a stream.

config.json  generation_config.json
model.safetensors, or model-00001-of-0000N.safetensors … and model.safetensors.index.json
tokenizer.json …
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from xgen_core.errors import InputError, MissingExtraError
from xgen_core.files import atomic_directory, write_json
from xgen_core.lm import open_tokenizer
from xgen_core.plugins import load
from xgen_core.progress import Progress
from xgen_core.protocols import Tokenizer
from xgen_core.records import Record
from xgen_model.hugging_face.config import hugging_face_config
from xgen_model.hugging_face.directory import copy_tokenizer
from xgen_model.hugging_face.safetensors_file import DTYPES, Planned, write_safetensors
from xgen_model.hugging_face.tensors import TensorSpec, tensor_specs
from xgen_model.parameters import ParameterReader
from xgen_model.stored_array import BLOCK_BYTES
from xgen_model.target import require_new, require_space

__all__ = ["SHARD_BYTES", "Exported", "export_model"]

SHARD_BYTES = 5 * 10**9
"""A file of weights at most, unless one tensor is larger: what hubs and file systems like."""
_HEADER_BYTES = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported(Record):
    """What was written.

    Attributes:
        directory: where.
        architecture: the class of `transformers` that reads it.
        tensors: how many.
        bytes: of all weights.
        files: names of the weight files.
        tokenizer: whether one lies beside them.
    """

    directory: str
    architecture: str
    tensors: int
    bytes: int
    files: tuple[str, ...]
    tokenizer: bool


def export_model(
    reader: ParameterReader,
    target: Path,
    *,
    dtype: str = "float32",
    shard_bytes: int = SHARD_BYTES,
    tokenizer_directory: Path | None = None,
) -> Exported:
    """Write a directory that `transformers` opens without code of ours.

    Memory stays at a few blocks of 32 MiB and the mapped pages of one file of the checkpoint, which
    is one layer of a parameter or the embedding, whatever the model's size.

    Args:
        reader: of a model without adapters.
        target: where; must not exist or be empty.
        dtype: of the weights, `float32` or `bfloat16` (rounded to nearest).
        shard_bytes: of a weight file at most.
        tokenizer_directory: to be written in Hugging Face's form beside the weights.

    Raises:
        InputError: something lies there already, a weight is NaN or infinite (in `dtype`), or the
            tokenizer is not the model's.
        CapabilityError: the architecture cannot hold what the model has.
        MissingExtraError: nobody installed writes the tokenizer.
        OSError: as the file system gives it, a disk too small before anything is written.
    """
    config = reader.config
    if config.lora is not None or config.soft_prompt:
        raise ValueError("a Hugging Face model has no place for adapters: merge or leave them out")
    require_new(target)
    tokenizer = None if tokenizer_directory is None else open_tokenizer(str(tokenizer_directory))
    if tokenizer is not None and tokenizer.vocab_size > config.vocab_size:
        raise InputError(
            f"{tokenizer_directory}: a vocabulary of {tokenizer.vocab_size} ids does not fit in "
            f"the {config.vocab_size} rows of the embedding and head"
        )
    document = hugging_face_config(
        config,
        dtype=dtype,
        eos_id=tokenizer.eos_id if tokenizer else None,
        bos_id=tokenizer.bos_id if tokenizer else None,
    )
    specs = tensor_specs(config)
    itemsize = DTYPES[dtype][1].itemsize
    total = sum(math.prod(s.shape) for s in specs) * itemsize
    require_space(target, total + _HEADER_BYTES, "the export")
    shards = _shards(specs, itemsize, shard_bytes)
    names = _file_names(len(shards))
    with (
        atomic_directory(target) as new,
        Progress("exporting", total // 2**20, unit="MiB") as progress,
    ):
        # The small files first: what can fail in a second does not wait for the weights.
        write_json(new / "config.json", document)
        if tokenizer_directory is not None and tokenizer is not None:
            _write_generation_config(new, tokenizer)
            _write_tokenizer(tokenizer_directory, new, config.context_length)
        if len(shards) > 1:
            homes = {s.name: n for n, shard in zip(names, shards, strict=True) for s in shard}
            index = {"metadata": {"total_size": total}, "weight_map": homes}
            write_json(new / "model.safetensors.index.json", index)
        count = _Counter(progress, itemsize)
        for name, shard in zip(names, shards, strict=True):
            planned = [Planned(s.name, s.shape, _rows(reader, s, dtype, count)) for s in shard]
            write_safetensors(new / name, planned, dtype)
    return Exported(
        directory=str(target),
        architecture=document["architectures"][0],
        tensors=len(specs),
        bytes=total,
        files=names,
        tokenizer=tokenizer is not None,
    )


class _Counter:
    """Bytes written so far, as whole MiB for the progress line."""

    def __init__(self, progress: Progress, itemsize: int) -> None:
        self._progress = progress
        self._itemsize = itemsize
        self._done = 0

    def add(self, elements: int, note: str) -> None:
        before, self._done = self._done, self._done + elements * self._itemsize
        self._progress.advance((self._done >> 20) - (before >> 20), note)


def _shards(specs: tuple[TensorSpec, ...], itemsize: int, limit: int) -> list[list[TensorSpec]]:
    shards: list[list[TensorSpec]] = [[]]
    filled = 0
    for spec in specs:
        size = math.prod(spec.shape) * itemsize
        if shards[-1] and filled + size > limit:
            shards.append([])
            filled = 0
        shards[-1].append(spec)
        filled += size
    return shards


def _file_names(count: int) -> tuple[str, ...]:
    if count == 1:
        return ("model.safetensors",)
    return tuple(f"model-{i + 1:05d}-of-{count:05d}.safetensors" for i in range(count))


def _rows(
    reader: ParameterReader, spec: TensorSpec, dtype: str, count: _Counter
) -> Iterator[np.ndarray]:
    """Blocks of whole rows of a tensor, in the dtype that is written."""
    kind = DTYPES[dtype][1]
    height = max(1, BLOCK_BYTES // (4 * math.prod(spec.shape[1:])))
    for start in range(0, spec.shape[0], height):
        stop = min(start + height, spec.shape[0])
        block = _block(reader, spec, start, stop)
        with np.errstate(over="ignore"):  # found below
            block = block.astype(kind, copy=False)
        if not np.isfinite(block).all():
            raise InputError(f"{spec.name}: holds NaN, infinity, or more than {dtype} can")
        count.add(block.size, spec.name)
        yield block


def _block(reader: ParameterReader, spec: TensorSpec, start: int, stop: int) -> np.ndarray:
    parts: list[np.ndarray] = []
    for piece in spec.pieces:
        first, last = max(start, piece.row), min(stop, piece.row + piece.size)
        if first >= last:
            continue
        columns = slice(first - piece.row + piece.column, last - piece.row + piece.column)
        rest = tuple(slice(0, n) for n in spec.shape[1:])
        index = (*rest, columns) if spec.transposed else (columns, *rest)
        if spec.layer is None:
            part = reader.read(piece.parameter, index)
        else:
            part = reader.read(piece.parameter, (slice(spec.layer, spec.layer + 1), *index))[0]
        parts.append(part.T if spec.transposed else part)
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _write_generation_config(new: Path, tokenizer: Tokenizer) -> None:
    ids = {"bos_token_id": tokenizer.bos_id, "eos_token_id": tokenizer.eos_id}
    write_json(new / "generation_config.json", {k: v for k, v in ids.items() if v is not None})


def _write_tokenizer(source: Path, new: Path, context_length: int) -> None:
    """A `tokenizer.json` as it is; a tokenizer directory of ours through the package that knows."""
    if (source / "tokenizer.json").is_file():
        copy_tokenizer(source, new)
        return
    try:
        write: Callable[[Path, Path, int], None] = load("xgen.exporters", "tokenizer")
    except MissingExtraError as error:
        raise MissingExtraError(
            "writing the tokenizer (--no-tokenizer leaves it out)", error.requirement
        ) from None
    write(source, new / "tokenizer", context_length)
    for path in (new / "tokenizer").iterdir():
        path.rename(new / path.name)
    (new / "tokenizer").rmdir()
