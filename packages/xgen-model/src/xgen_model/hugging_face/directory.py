"""A Hugging Face model directory as parameters of ours.

config.json
model.safetensors, or model.safetensors.index.json and the shards it lists,
or pytorch_model.bin, or pytorch_model.bin.index.json and its shards
tokenizer.json …
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np

from xgen_core.errors import InputError
from xgen_core.files import read_json
from xgen_model.config import ModelConfig
from xgen_model.hugging_face.config import model_config
from xgen_model.hugging_face.tensors import ARCHITECTURES, Piece, TensorSpec, tensor_specs
from xgen_model.hugging_face.weight_file import Held, WeightFile, open_weight_file
from xgen_model.stored_array import Index

__all__ = ["HuggingFaceDirectory", "copy_tokenizer", "is_hugging_face"]

_TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.jinja",
)
"""What may lie beside the weights and belongs to the tokenizer."""

_WEIGHTS = (
    "model.safetensors.index.json",
    "model.safetensors",
    "pytorch_model.bin.index.json",
    "pytorch_model.bin",
)
_SAMPLES = 4096
_SAMPLE_BYTES = 4096


def is_hugging_face(directory: Path) -> bool:
    """Whether there is a `config.json` such as `transformers` writes.

    Raises:
        InputError: there is one, and it is not JSON.
    """
    path = directory / "config.json"
    document = read_json(path) if path.is_file() else None
    return isinstance(document, dict) and not {"architectures", "model_type"}.isdisjoint(document)


def copy_tokenizer(source: Path, target: Path) -> None:
    """Copy a tokenizer directory: all of ours, or what belongs to a `tokenizer.json` and no more.

    Args:
        source: where it lies, weights beside it or not.
        target: where to; made if it is not there.
    """
    target.mkdir(parents=True, exist_ok=True)
    if not (source / "tokenizer.json").is_file():
        shutil.copytree(source, target, dirs_exist_ok=True)
        return
    for name in _TOKENIZER_FILES:
        if (source / name).is_file():
            shutil.copyfile(source / name, target / name)


class HuggingFaceDirectory:
    """The parameters in a directory; opening it checks names, shapes and dtypes of all tensors.

    Reads are safe from any number of threads.

    Attributes:
        directory: where.

    Raises:
        InputError: no weights, another architecture, tensors missing or left over or of other
            shapes, damaged files; names the tensor, file or field.
        MissingExtraError: PyTorch files, and PyTorch is not installed.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        path = directory / "config.json"
        self._config = model_config(read_json(path), path)
        self._architecture = ARCHITECTURES[self._config.block]
        self._files = _open(directory)
        self._pieces: dict[tuple[str, int | None], list[tuple[TensorSpec, Piece]]] = {}
        self._homes = self._match(tensor_specs(self._config))

    def _match(self, specs: tuple[TensorSpec, ...]) -> dict[str, tuple[WeightFile, str]]:
        """The file of each tensor and its name there."""
        held: dict[str, tuple[WeightFile, Held]] = {}
        for file in self._files:
            for name, what in file.tensors.items():
                if name in held:
                    raise InputError(f"{file.path}: holds {name}, which {held[name][0].path} has")
                held[name] = (file, what)
        prefix = self._architecture.prefix
        bare = not any(name.startswith(prefix) for name in held)
        homes: dict[str, tuple[WeightFile, str]] = {}
        missing: list[TensorSpec] = []
        for spec in specs:
            name = spec.name.removeprefix(prefix) if bare else spec.name
            if name not in held:
                missing.append(spec)
                continue
            file, what = held.pop(name)
            if what.shape != spec.shape:
                raise InputError(
                    f"{file.path}: {name} is {list(what.shape)}, but by config.json it must be "
                    f"{list(spec.shape)}"
                )
            homes[spec.name] = (file, name)
            for piece in spec.pieces:
                place = self._pieces.setdefault((piece.parameter, spec.layer), [])
                place.append((spec, piece))
        if missing:
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            raise InputError(
                f"{self.directory}: no tensor {missing[0].name} {list(missing[0].shape)}{more}, "
                f"which {self._architecture.name} has: fetch all its files"
            )
        tied = self._config.tie_embeddings
        left = [n for n in held if not self._architecture.ignored(n, tied=tied)]
        if left:
            more = f" and {len(left) - 1} more" if len(left) > 1 else ""
            raise InputError(
                f"{held[left[0]][0].path}: holds a tensor {left[0]}{more}, for which "
                f"{self._architecture.name} with this config.json has no place"
            )
        return homes

    @property
    def config(self) -> ModelConfig:
        """By `config.json`, with as many ids as the embedding has rows."""
        return self._config

    @property
    def tokenizer_directory(self) -> Path | None:
        """The directory itself where a `tokenizer.json` is in it."""
        return self.directory if (self.directory / "tokenizer.json").is_file() else None

    def identity(self) -> str:
        """Hex sha256 over `config.json` and the weights; reads at most 16 MiB of each file.

        Of a file larger than that it takes the size and 4,096 evenly spaced pages of 4 KiB: in
        XGen-7B's shards one in every 2.4 MB, so several of every matrix. Training changes almost
        every number of a matrix and so the identity; a file edited in one place may keep it.
        """
        digest = hashlib.sha256((self.directory / "config.json").read_bytes())
        for file in self._files:
            size = file.path.stat().st_size
            digest.update(f"{file.path.name} {size}".encode())
            with file.path.open("rb") as handle:
                if size <= _SAMPLES * _SAMPLE_BYTES:
                    digest.update(handle.read())
                    continue
                for sample in range(_SAMPLES):
                    handle.seek(sample * (size - _SAMPLE_BYTES) // (_SAMPLES - 1))
                    digest.update(handle.read(_SAMPLE_BYTES))
        return digest.hexdigest()

    def read(self, name: str, index: Index) -> np.ndarray:
        """A part of one parameter; see `ParameterReader.read`."""
        found = np.empty([s.stop - s.start for s in index], np.float32)
        if not name.startswith("layers."):
            self._read(name, None, index, found)
            return found
        for place, layer in enumerate(range(index[0].start, index[0].stop)):
            self._read(name, layer, index[1:], found[place, ...])
        return found

    def _read(self, name: str, layer: int | None, index: Index, into: np.ndarray) -> None:
        for spec, piece in self._pieces[name, layer]:
            columns = index[-1] if spec.transposed or len(index) == 1 else index[0]
            start = max(columns.start, piece.column)
            stop = min(columns.stop, piece.column + piece.size)
            if start >= stop:
                continue
            offset = piece.row - piece.column
            rows = slice(start + offset, stop + offset)
            target = slice(start - columns.start, stop - columns.start)
            rest = index[:-1] if spec.transposed else index[1:]
            part = self._checked(spec, (rows, *rest))
            if spec.transposed:
                into[:, target] = part.T
            else:
                into[target] = part

    def _checked(self, spec: TensorSpec, index: Index) -> np.ndarray:
        file, stored = self._homes[spec.name]
        part = file.read(stored, index)
        if not np.isfinite(part).all():
            raise InputError(
                f"{file.path}: {stored} holds NaN or infinity; a model of it is no use"
            )
        return part


def _open(directory: Path) -> list[WeightFile]:
    """The weight files of a directory, in the order of their names."""
    name = next((n for n in _WEIGHTS if (directory / n).is_file()), None)
    if name is None:
        raise InputError(
            f"{directory}: no weights: expected model.safetensors, its shards with "
            "model.safetensors.index.json, or pytorch_model.bin"
        )
    if not name.endswith(".index.json"):
        return [open_weight_file(directory / name)]
    path = directory / name
    index = read_json(path)
    listed = index.get("weight_map") if isinstance(index, dict) else None
    if not isinstance(listed, dict) or not listed:
        raise InputError(f"{path}: expected an object weight_map, from tensor to file")
    suffix = ".bin" if name.startswith("pytorch") else ".safetensors"
    for tensor, file in listed.items():
        # A name that leads out of the directory, or to a pickle by another name, is no shard.
        if not isinstance(file, str) or Path(file).name != file or Path(file).suffix != suffix:
            raise InputError(
                f"{path}: {tensor} lies in {file!r}, expected a {suffix} file beside it"
            )
        if not (directory / file).is_file():
            raise InputError(f"{directory / file}: missing, but {name} lists {tensor} in it")
    files = {file: open_weight_file(directory / file) for file in sorted(set(listed.values()))}
    for tensor, file in listed.items():
        if tensor not in files[file].tensors:
            raise InputError(f"{directory / file}: lacks {tensor}, which {name} lists in it")
    return list(files.values())
