"""The checkpoint format: everything that is needed to load a model, or to train on.

    CKPT/config.json           format, version, the model's configuration, tokenizer fingerprint
    CKPT/tokenizer/            a tokenizer directory, copied
    CKPT/STEP/params/          weights alone; they restore without the rest
    CKPT/STEP/optimizer/       any tree of arrays; absent from a fresh or exported model
    CKPT/STEP/meta.json        what the trainer wants to know again
    CKPT/STEP/manifest.json    size and sha256 of every file of the step

A step appears by one rename after all its files are on disk, so a kill at any moment leaves the
step whole or not there. Arrays are stored as such, whatever mesh they came from; which files they
are cut into depends on the processes (see `xgen_model.chunks`). One job writes a checkpoint
directory at a time; all its processes take part in `save` and `restore`, and see the same files.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import re
import shutil
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from xgen_core.codec import CodecError
from xgen_core.errors import FormatError, InputError
from xgen_core.files import (
    atomic_directory,
    check_format,
    read_json,
    sync_directory,
    write_json,
)
from xgen_model.arrays import (
    is_array_file,
    read_arrays,
    stream_arrays,
    take_snapshot,
)
from xgen_model.config import ModelConfig
from xgen_model.manifest import (
    DamagedError,
    Files,
    find_damage,
    list_files,
    read_manifest,
    write_manifest,
)
from xgen_model.model import Params, abstract_params
from xgen_model.parameters import parameter_shapes
from xgen_model.processes import Processes
from xgen_model.saving import Saving
from xgen_model.stored_array import Index
from xgen_model.target import require_space

__all__ = ["CheckpointStore", "DamagedError"]

_FORMAT = "xgen-checkpoint"
_VERSION = 1
_STEP = re.compile(r"\d+")
_PARTIAL = ".partial-"

_messages = itertools.count()
"""Numbers the exchanges of this job's processes, which all have them in the same order."""


class CheckpointStore:
    """The steps of one model in a directory.

    Attributes:
        directory: where.
        config: of the model.
        tokenizer_fingerprint: of the tokenizer that the model was made for, or None.
        keep_last: how many steps `save` leaves; None keeps all.
        keep: steps that it leaves besides those.
        keep_every: it also leaves the multiples of this; 0 for none.
    """

    def __init__(
        self,
        directory: Path | str,
        *,
        keep_last: int | None = None,
        keep: Collection[int] = (),
        keep_every: int = 0,
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
        self.keep_every = keep_every
        self._saving: Saving | None = None
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
        keep_every: int = 0,
    ) -> CheckpointStore:
        """Make a checkpoint directory without steps, or take up one of the same model.

        Args:
            directory: where; made with its parents.
            config: of the model.
            tokenizer: a tokenizer directory to copy.
            tokenizer_fingerprint: of that tokenizer.
            keep_last: as in `__init__`.
            keep: as in `__init__`.
            keep_every: as in `__init__`.

        Raises:
            InputError: a checkpoint of another model or tokenizer lies there.
        """
        path = Path(directory)
        if (path / "config.json").exists():
            store = cls(path, keep_last=keep_last, keep=keep, keep_every=keep_every)
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
        return cls(path, keep_last=keep_last, keep=keep, keep_every=keep_every)

    @property
    def tokenizer_directory(self) -> Path | None:
        """The tokenizer that came with the model, if one did."""
        path = self.directory / "tokenizer"
        return path if path.is_dir() else None

    def steps(self) -> list[int]:
        """Complete steps, oldest first."""
        return [n for n in self.numbered() if (self.directory / str(n) / "manifest.json").is_file()]

    def numbered(self) -> list[int]:
        """Steps that are there, oldest first, those included that are damaged beyond a manifest."""
        return sorted(int(p.name) for p in self.directory.iterdir() if _STEP.fullmatch(p.name))

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
        """Write a step, then remove the oldest that are not to be kept.

        Args:
            step: its number, at least 0.
            params: the weights.
            optimizer: any tree of arrays and numbers.
            meta: JSON values.

        Raises:
            InputError: this step is there already.
            OSError: as the file system gives it; nothing of the step is left then.
        """
        self.begin_save(step, params, optimizer, meta, progress=True).wait()

    def begin_save(
        self,
        step: int,
        params: Params,
        optimizer: Any = None,
        meta: Mapping[str, object] | None = None,
        *,
        progress: bool = False,
    ) -> Saving:
        """Begin what `save` does; when this returns the arrays may change, or be donated.

        Waits for an earlier save of this store, and for a copy to host memory of what this process
        writes.

        Args:
            step: as in `save`.
            params: as in `save`.
            optimizer: as in `save`.
            meta: as in `save`.
            progress: show that of the write.

        Raises:
            InputError: this step is there already.
            OSError: as the file system gives it, to the earlier save too.
        """
        earlier, self._saving = self._saving, None
        if earlier is not None:
            earlier.wait()
        trees = {"params": params} | ({} if optimizer is None else {"optimizer": optimizer})
        size = sum(getattr(leaf, "nbytes", 8) for leaf in jax.tree.leaves(trees))
        name, here = f"save-{next(_messages)}", Processes.here()
        partial = self.directory / f"{_PARTIAL}{step}"

        def prepare() -> None:
            self._prepare(step, size)
            partial.mkdir()

        here.lead(f"{name}/begin", prepare)
        self._saving = Saving(
            name, partial, self.directory / str(step), take_snapshot(trees), dict(meta or {})
        )
        self._saving.start(then=self._drop_old, progress=progress)
        return self._saving

    def save_streamed(
        self,
        step: int,
        read: Callable[[str, Index], np.ndarray],
        meta: Mapping[str, object] | None = None,
    ) -> None:
        """Write a step of weights alone that are nowhere in memory at once, by one process.

        Args:
            step: its number, at least 0.
            read: gives any part of a parameter by its dotted path, as float32.
            meta: JSON values.

        Raises:
            InputError: this step is there already.
            OSError: as the file system gives it; nothing of the step is left then.
        """
        shapes = parameter_shapes(self.config)
        self._prepare(step, sum(4 * math.prod(shape) for shape in shapes.values()))
        with atomic_directory(self.directory / str(step)) as partial:
            stream_arrays(partial / "params", shapes, read)
            write_json(partial / "meta.json", dict(meta or {}))
            write_manifest(partial, list_files(partial))
        self._drop_old()

    def _prepare(self, step: int, size: int) -> None:
        if step < 0:
            raise ValueError(f"step must be at least 0, got {step}")
        target = self.directory / str(step)
        if target.exists():
            raise InputError(f"{target} exists already: choose another name or remove it first")
        for path in self.directory.iterdir():
            if path.name.startswith(_PARTIAL) and path.is_dir():
                shutil.rmtree(path)
        require_space(self.directory, size, "a checkpoint")

    def _drop_old(self) -> None:
        if self.keep_last is None:
            return
        for step in self.steps()[: -self.keep_last]:
            kept = step in self.keep or (self.keep_every and step % self.keep_every == 0)
            if not kept:
                self._drop(step)

    def _drop(self, step: int) -> None:
        # another name first: a kill half way must not leave a step that looks damaged, or complete
        going = self.directory / f"{_PARTIAL}removed-{step}"
        (self.directory / str(step)).rename(going)
        shutil.rmtree(going)

    def remove(self, steps: Collection[int]) -> None:
        """Remove steps, complete or not; every process of the job has to call it."""
        if self._saving is not None:
            self._saving.wait()

        def drop() -> None:
            for step in steps:
                self._drop(step)

        Processes.here().lead(f"remove-{next(_messages)}", drop)

    def set_aside(self, step: int) -> Path:
        """Give a damaged step a name under which nothing looks for it; returns the new path.

        Every process of the job has to call it.
        """
        names = (f"damaged-{step}", *(f"damaged-{step}-{n}" for n in range(2, 1000)))
        target = next(self.directory / n for n in names if not (self.directory / n).exists())
        source = self.directory / str(step)
        Processes.here().lead(f"aside-{next(_messages)}", lambda: _rename(source, target))
        return target

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
        _check(path, read_manifest(path), "params", checksums=verify)
        like = abstract_params(self.config)
        if shardings is not None:
            like = jax.tree.map(
                lambda a, s: jax.ShapeDtypeStruct(a.shape, a.dtype, sharding=s), like, shardings
            )
        return read_arrays(path / "params", like)

    def restore(
        self, step: int | None, params_like: Params, optimizer_like: Any, *, verify: bool = True
    ) -> tuple[Params, Any, dict[str, Any]]:
        """Weights, optimizer state and meta of a step, bit for bit, onto any mesh.

        Every process of the job has to call it, and reads what its own devices will hold.

        Args:
            step: None is the latest.
            params_like: a tree of arrays or `jax.ShapeDtypeStruct`: structure and shardings.
            optimizer_like: the same for the optimizer state.
            verify: see `check`, which is not called again where it is off.

        Raises:
            InputError: no such step, or it was saved without optimizer state.
            DamagedError: a file is missing or damaged; names it.
            FormatError: the trees do not fit; names a leaf.
        """
        path = self.step_directory(step)
        if not (path / "optimizer").is_dir():
            raise InputError(f"{path}: has no optimizer state; training cannot go on from it")
        if verify:
            self.check(int(path.name))
        params = read_arrays(path / "params", params_like)
        return params, read_arrays(path / "optimizer", optimizer_like), self.meta(int(path.name))

    def check(self, step: int) -> None:
        """Compare every file of a step with its size and sha256.

        The processes of the job share them out, so all have to call it, and all find the same.

        Raises:
            DamagedError: a file is missing or damaged; names it.
        """
        path, here, name = self.directory / str(step), Processes.here(), f"check-{next(_messages)}"
        listed = sorted(read_manifest(path).items(), key=lambda item: item[1]["bytes"])
        mine = dict(listed[here.index :: here.count])
        found = here.gather(f"{name}/found", find_damage(path, mine, checksums=True) or "")
        damage = here.broadcast(name, next((text for text in found if text), ""))
        if damage:
            raise DamagedError(damage)

    def identity(self, step: int | None = None) -> str:
        """Hex sha256 that changes with the configuration or any weight; reads no weights."""
        files = read_manifest(self.step_directory(step))
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
            DamagedError: a file is missing or damaged; names it.
        """
        path = self.step_directory(step)
        _check(path, read_manifest(path), "params", checksums=True)

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


def _check(path: Path, files: Files, prefix: str, *, checksums: bool) -> None:
    listed = {name: entry for name, entry in files.items() if name.startswith(prefix)}
    damage = find_damage(path, listed, checksums=checksums)
    if damage is not None:
        raise DamagedError(damage)


def _rename(source: Path, target: Path) -> None:
    source.rename(target)
    sync_directory(target.parent)
