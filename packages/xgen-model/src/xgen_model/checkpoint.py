"""The checkpoint format: everything that is needed to load a model, or to train on.

    CKPT/config.json           format, version, the model's configuration, tokenizer fingerprint
    CKPT/tokenizer/            a tokenizer directory, copied
    CKPT/STEP/params/          weights alone; they restore without the rest
    CKPT/STEP/optimizer/       any tree of arrays; absent from a fresh or exported model
    CKPT/STEP/meta.json        what the trainer wants to know again
    CKPT/STEP/manifest.json    size and sha256 of every file of the step

A step appears by one rename after all its files are on disk, so a kill at any moment leaves the
step whole or not there. Weights are stored whole, whatever mesh they came from. One process writes
a checkpoint directory at a time.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import re
import shutil
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from xgen_core.codec import CodecError
from xgen_core.errors import FormatError, InputError
from xgen_core.files import atomic_directory, check_format, read_json, sha256_file, write_json
from xgen_core.progress import Progress
from xgen_model.arrays import is_array_file, read_arrays, stream_arrays, write_arrays
from xgen_model.config import ModelConfig
from xgen_model.model import Params, abstract_params
from xgen_model.parameters import parameter_shapes
from xgen_model.stored_array import Index
from xgen_model.target import require_space

__all__ = ["CheckpointStore"]

_FORMAT = "xgen-checkpoint"
_VERSION = 1
_STEP_FORMAT = "xgen-checkpoint-step"
_STEP = re.compile(r"\d+")


class CheckpointStore:
    """The steps of one model in a directory.

    Attributes:
        directory: where.
        config: of the model.
        tokenizer_fingerprint: of the tokenizer that the model was made for, or None.
        keep_last: how many steps `save` leaves; None keeps all.
        keep: steps that it leaves besides those.
    """

    def __init__(
        self,
        directory: Path | str,
        *,
        keep_last: int | None = None,
        keep: Collection[int] = (),
    ) -> None:
        """Open an existing checkpoint directory.

        Raises:
            InputError: there is none.
            FormatError: of another format or version, or its configuration does not make sense.
        """
        if keep_last is not None and keep_last < 1:
            raise ValueError(f"keep_last must be at least 1, got {keep_last}")
        self.directory = Path(directory)
        self.keep_last = keep_last
        self.keep = frozenset(keep)
        path = self.directory / "config.json"
        if not path.is_file():
            raise InputError(f"{self.directory}: not a checkpoint (no config.json in it)")
        header = check_format(read_json(path), name=_FORMAT, version=_VERSION, path=path)
        try:
            self.config = ModelConfig.from_json(header.get("model"))
        except CodecError as error:
            raise FormatError(f"{path}: {error}") from error
        self.tokenizer_fingerprint: str | None = header.get("tokenizer")

    @classmethod
    def create(
        cls,
        directory: Path | str,
        config: ModelConfig,
        *,
        tokenizer: Path | str | None = None,
        tokenizer_fingerprint: str | None = None,
        keep_last: int | None = None,
        keep: Collection[int] = (),
    ) -> CheckpointStore:
        """Make a checkpoint directory without steps, or take up one of the same model.

        Args:
            directory: where; made with its parents.
            config: of the model.
            tokenizer: a tokenizer directory to copy.
            tokenizer_fingerprint: of that tokenizer.
            keep_last: as in `__init__`.
            keep: as in `__init__`.

        Raises:
            InputError: a checkpoint of another model or tokenizer lies there.
        """
        path = Path(directory)
        if (path / "config.json").exists():
            store = cls(path, keep_last=keep_last, keep=keep)
            if store.config != config or store.tokenizer_fingerprint != tokenizer_fingerprint:
                raise InputError(
                    f"{path} holds a checkpoint of another model or tokenizer: "
                    "give another directory, or remove this one to start again"
                )
            return store
        if tokenizer is not None:
            with atomic_directory(path / "tokenizer", replace=True) as copy:
                shutil.copytree(tokenizer, copy, dirs_exist_ok=True)
        header = {"format": _FORMAT, "version": _VERSION, "tokenizer": tokenizer_fingerprint}
        write_json(path / "config.json", {**header, "model": config.to_json()})
        return cls(path, keep_last=keep_last, keep=keep)

    @property
    def tokenizer_directory(self) -> Path | None:
        """The tokenizer that came with the model, if one did."""
        path = self.directory / "tokenizer"
        return path if path.is_dir() else None

    def steps(self) -> list[int]:
        """Complete steps, oldest first."""
        found = [
            int(p.name)
            for p in self.directory.iterdir()
            if _STEP.fullmatch(p.name) and (p / "manifest.json").is_file()
        ]
        return sorted(found)

    def latest(self) -> int | None:
        """The newest complete step, or None."""
        return max(self.steps(), default=None)

    def save(
        self,
        step: int,
        params: Params,
        optimizer: Any = None,
        meta: Mapping[str, object] | None = None,
    ) -> None:
        """Write a step, then remove the oldest beyond `keep_last` that are not in `keep`.

        Args:
            step: its number, at least 0.
            params: the weights.
            optimizer: any tree of arrays and numbers.
            meta: JSON values.

        Raises:
            InputError: this step is there already.
            OSError: as the file system gives it; nothing of the step is left then.
        """
        leaves = jax.tree.leaves((params, optimizer))
        with self._new_step(step, sum(getattr(a, "nbytes", 8) for a in leaves), meta) as partial:
            write_arrays(partial / "params", params)
            if optimizer is not None:
                write_arrays(partial / "optimizer", optimizer)

    def save_streamed(
        self,
        step: int,
        read: Callable[[str, Index], np.ndarray],
        meta: Mapping[str, object] | None = None,
    ) -> None:
        """Write a step of weights alone that are nowhere in memory at once.

        Args:
            step: its number, at least 0.
            read: gives any part of a parameter by its dotted path, as float32.
            meta: JSON values.

        Raises:
            InputError: this step is there already.
            OSError: as the file system gives it; nothing of the step is left then.
        """
        shapes = parameter_shapes(self.config)
        size = sum(4 * math.prod(shape) for shape in shapes.values())
        with self._new_step(step, size, meta) as partial:
            stream_arrays(partial / "params", shapes, read)

    @contextlib.contextmanager
    def _new_step(self, step: int, size: int, meta: Mapping[str, object] | None) -> Generator[Path]:
        if step < 0:
            raise ValueError(f"step must be at least 0, got {step}")
        target = self.directory / str(step)
        self._remove_leavings()
        require_space(self.directory, size, "a checkpoint")
        if target.exists() and not (target / "manifest.json").exists():
            shutil.rmtree(target)
        with atomic_directory(target) as partial:
            yield partial
            write_json(partial / "meta.json", dict(meta or {}))
            write_json(partial / "manifest.json", _manifest(partial))
        if self.keep_last is not None:
            for old in set(self.steps()[: -self.keep_last]) - self.keep:
                # Unlisted first: a kill half way must not leave a step that looks complete.
                (self.directory / str(old) / "manifest.json").unlink()
                shutil.rmtree(self.directory / str(old))

    def _remove_leavings(self) -> None:
        for path in self.directory.iterdir():
            unlisted = _STEP.fullmatch(path.name) and not (path / "manifest.json").exists()
            if path.is_dir() and (unlisted or path.name.startswith(".partial-")):
                shutil.rmtree(path)

    def meta(self, step: int | None = None) -> dict[str, Any]:
        """What was saved as `meta` with a step; the latest by default."""
        return read_json(self.step_directory(step) / "meta.json")

    def restore_params(
        self, step: int | None = None, *, shardings: Any = None, verify: bool = True
    ) -> Params:
        """Weights of a step, onto any mesh.

        Args:
            step: the latest by default.
            shardings: a tree parallel to the parameters; the first device by default.
            verify: compare every file with its sha256 first, which reads it twice.

        Raises:
            InputError: no such step.
            FormatError: a file is missing or damaged; names it.
        """
        path = self.step_directory(step)
        self._check(path, "params", verify)
        like = abstract_params(self.config)
        if shardings is not None:
            like = jax.tree.map(
                lambda a, s: jax.ShapeDtypeStruct(a.shape, a.dtype, sharding=s), like, shardings
            )
        return read_arrays(path / "params", like)

    def restore(
        self, step: int | None, params_like: Params, optimizer_like: Any, *, verify: bool = True
    ) -> tuple[Params, Any, dict[str, Any]]:
        """Weights, optimizer state and meta of a step, bit for bit.

        Args:
            step: None is the latest.
            params_like: a tree of arrays or `jax.ShapeDtypeStruct`: structure and shardings.
            optimizer_like: the same for the optimizer state.
            verify: as in `restore_params`.

        Raises:
            InputError: no such step, or it was saved without optimizer state.
            FormatError: a file is missing or damaged, or the trees do not fit; names it.
        """
        path = self.step_directory(step)
        if not (path / "optimizer").is_dir():
            raise InputError(f"{path}: has no optimizer state; training cannot go on from it")
        self._check(path, "", verify)
        params = read_arrays(path / "params", params_like)
        return params, read_arrays(path / "optimizer", optimizer_like), self.meta(int(path.name))

    def identity(self, step: int | None = None) -> str:
        """Hex sha256 that changes with the configuration or any weight; reads no weights."""
        files = self._manifest(self.step_directory(step))
        weights = {
            name: entry["sha256"]
            for name, entry in sorted(files.items())
            if name.startswith("params/") and is_array_file(name)
        }
        text = json.dumps({"config": self.config.to_json(), "weights": weights}, sort_keys=True)
        return hashlib.sha256(text.encode("utf-8")).hexdigest()

    def verify(self, step: int | None = None) -> None:
        """Compare every file of a step's weights with its size and sha256 in the manifest.

        Raises:
            InputError: no such step.
            FormatError: a file is missing or damaged; names it.
        """
        self._check(self.step_directory(step), "params", True)

    def step_directory(self, step: int | None = None) -> Path:
        """Where a complete step lies; the latest by default.

        Raises:
            InputError: no such step.
        """
        found = self.steps()
        if not found or (step is not None and step not in found):
            listed = ", ".join(map(str, found)) or "none"
            wanted = "a complete step" if step is None else f"step {step}"
            raise InputError(f"{self.directory}: no {wanted}; complete steps: {listed}")
        return self.directory / str(found[-1] if step is None else step)

    @staticmethod
    def _manifest(path: Path) -> dict[str, Any]:
        where = path / "manifest.json"
        try:
            header = check_format(read_json(where), name=_STEP_FORMAT, version=_VERSION, path=where)
        except InputError as error:
            raise FormatError(str(error)) from error
        return header["files"]

    def _check(self, path: Path, prefix: str, verify: bool) -> None:
        listed = {n: e for n, e in self._manifest(path).items() if n.startswith(prefix)}
        for name, entry in listed.items():
            file = path / name
            if not file.is_file():
                raise FormatError(f"{file}: missing, but the manifest lists it")
            size = file.stat().st_size
            if size != entry["bytes"]:
                raise FormatError(f"{file}: damaged: {size} bytes, expected {entry['bytes']}")
        if not verify:
            return
        for name, found in _checksums(path, listed, "verifying"):
            if found != listed[name]["sha256"]:
                raise FormatError(
                    f"{path / name}: damaged: its sha256 is not the one in the manifest"
                )


def _checksums(directory: Path, names: Iterable[str], label: str) -> Iterator[tuple[str, str]]:
    """Names with their sha256, showing progress: 27 GB take half a minute."""
    sizes = {name: (directory / name).stat().st_size for name in names}
    done = 0
    with Progress(label, sum(sizes.values()) // 2**20, unit="MiB") as progress:
        for name, size in sizes.items():
            yield name, sha256_file(directory / name)
            before, done = done >> 20, done + size
            progress.advance((done >> 20) - before)


def _manifest(directory: Path) -> dict[str, Any]:
    found = sorted(p for p in directory.rglob("*") if p.is_file())
    names = [p.relative_to(directory).as_posix() for p in found]
    files = {
        name: {"bytes": (directory / name).stat().st_size, "sha256": digest}
        for name, digest in _checksums(directory, names, "taking checksums")
    }
    return {"format": _STEP_FORMAT, "version": _VERSION, "files": files}
