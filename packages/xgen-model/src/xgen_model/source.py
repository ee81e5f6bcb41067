"""Where a model comes from: a checkpoint of ours, one step of it, a run, or a Hugging Face model.

`open_source(path)` finds out which, and gives one record for all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from xgen_core.codec import CodecError
from xgen_core.errors import FormatError, InputError
from xgen_core.files import check_format, read_json
from xgen_core.lm import open_tokenizer
from xgen_core.protocols import Tokenizer
from xgen_core.records import ChatTemplate
from xgen_model.checkpoint import CheckpointStore
from xgen_model.config import ModelConfig
from xgen_model.hugging_face.adapter import is_adapter_directory
from xgen_model.hugging_face.directory import HuggingFaceDirectory, is_hugging_face
from xgen_model.model import Params
from xgen_model.parameters import (
    CheckpointParameters,
    ParameterReader,
    ReconfiguredParameters,
    load_params,
)

__all__ = ["ModelSource", "find_checkpoint", "open_source"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSource:
    """A model on disk, its weights not read yet.

    Attributes:
        directory: the checkpoint, or the Hugging Face directory.
        step: of the checkpoint; None for a Hugging Face model.
        store: the checkpoint; None for a Hugging Face model.
        parameters: read in parts.
        identity: hex sha256 that follows the weights and configuration; costs no reading of the
            whole (`CheckpointStore.identity`, `HuggingFaceDirectory.identity`).
        tokenizer_directory: what `open_tokenizer` opens, or None.
        tokenizer_fingerprint: of the tokenizer it was made for, where that is recorded.
    """

    directory: Path
    step: int | None
    store: CheckpointStore | None
    parameters: ParameterReader
    identity: str
    tokenizer_directory: Path | None
    tokenizer_fingerprint: str | None

    @property
    def config(self) -> ModelConfig:
        """Of the parameters."""
        return self.parameters.config

    @property
    def template(self) -> ChatTemplate | None:
        """The chat template in the tokenizer directory, if one of ours is there.

        Raises:
            FormatError: it is damaged.
        """
        if self.tokenizer_directory is None:
            return None
        path = self.tokenizer_directory / "template.json"
        if not path.is_file():
            return None
        header = check_format(read_json(path), name="xgen-template", version=1, path=path)
        try:
            return ChatTemplate.from_json(header.get("template"))
        except CodecError as error:
            raise FormatError(f"{path}: {error}") from error

    def load(self, shardings: Any = None) -> Params:
        """The parameters as jax arrays; a checkpoint's files are compared with their sha256 first.

        Args:
            shardings: a tree parallel to the parameters; the first device by default.

        Raises:
            XgenError: a file is damaged, or a weight NaN or infinite.
        """
        self.verify()
        return load_params(self.parameters, shardings)

    def verify(self) -> None:
        """Compare a checkpoint's files with their sha256; a Hugging Face model has none.

        Raises:
            FormatError: a file is missing or damaged; names it.
        """
        if self.store is not None:
            self.store.verify(self.step)

    def open_tokenizer(self) -> Tokenizer:
        """The tokenizer beside the weights.

        Raises:
            InputError: there is none.
            FormatError: it is not the one the weights were made for.
        """
        if self.tokenizer_directory is None:
            beside = "tokenizer/" if self.store is not None else "tokenizer.json"
            raise InputError(f"{self.directory}: has no {beside}; text needs one")
        return self.checked(open_tokenizer(str(self.tokenizer_directory)))

    def checked(self, tokenizer: Tokenizer) -> Tokenizer:
        """The tokenizer, if it is the one the weights were made for or nobody knows.

        Raises:
            FormatError: it is another.
        """
        expected = self.tokenizer_fingerprint
        if expected is not None and tokenizer.fingerprint != expected:
            raise FormatError(
                f"{self.directory}: made for tokenizer {expected[:16]}, got "
                f"{tokenizer.fingerprint[:16]}"
            )
        return tokenizer

    def fitted(self, tokenizer: Tokenizer) -> ModelSource:
        """The same with the number of ids taken from the tokenizer, where nothing recorded it.

        `config.json` of a Hugging Face model says how many rows the embedding has, not how many
        of them are ids.

        Raises:
            InputError: the tokenizer has more ids than there are rows.
        """
        if self.store is not None or tokenizer.vocab_size == self.config.n_tokens:
            return self
        if tokenizer.vocab_size > self.config.vocab_size:
            raise InputError(
                f"{self.directory}: a vocabulary of {tokenizer.vocab_size} ids "
                f"({tokenizer.name!r}) does not fit in the {self.config.vocab_size} rows of "
                "embedding and head: it is another model's"
            )
        config = replace(self.config, n_tokens=tokenizer.vocab_size)
        return replace(self, parameters=ReconfiguredParameters(self.parameters, config))


def open_source(path: Path | str, *, step: int | None = None) -> ModelSource:
    """Open whatever model a path names.

    Args:
        path: a checkpoint (its latest step), one step of it, a run directory with `checkpoints/`,
            or a Hugging Face model directory.
        step: one step of a checkpoint or run.

    Raises:
        InputError: there is no model, or it is incomplete or damaged; names file or tensor.
        FormatError: a checkpoint of ours is.
        MissingExtraError: its weights are PyTorch files, and PyTorch is not installed.
    """
    where = Path(path)
    if is_adapter_directory(where):
        raise InputError(
            f"{path}: an adapter, not a model: xgen model import it beside its base, with --base"
        )
    if where.is_dir() and is_hugging_face(where):
        if step is not None:
            raise InputError(f"{path}: a Hugging Face model has no steps")
        opened = HuggingFaceDirectory(where)
        return ModelSource(
            directory=where,
            step=None,
            store=None,
            parameters=opened,
            identity=opened.identity(),
            tokenizer_directory=opened.tokenizer_directory,
            tokenizer_fingerprint=None,
        )
    store, found = find_checkpoint(where, step)
    return ModelSource(
        directory=store.directory,
        step=found,
        store=store,
        parameters=CheckpointParameters(store.config, store.step_directory(found)),
        identity=store.identity(found),
        tokenizer_directory=store.tokenizer_directory,
        tokenizer_fingerprint=store.tokenizer_fingerprint,
    )


def find_checkpoint(path: Path | str, step: int | None = None) -> tuple[CheckpointStore, int]:
    """The checkpoint, and the step in it, that a path names.

    Args:
        path: a checkpoint directory, one step of it, or a run directory with `checkpoints/`.
        step: which; by default the one that the path names, else the latest.

    Raises:
        InputError: there is no checkpoint, or no such complete step in it.
    """
    where = Path(path)
    if not where.is_dir():
        raise InputError(f"{where}: no such checkpoint directory")
    if (where / "checkpoints" / "config.json").is_file():
        where = where / "checkpoints"
    elif where.name.isdigit() and (where.parent / "config.json").is_file():
        where, step = where.parent, int(where.name) if step is None else step
    store = CheckpointStore(where)
    if step is None:
        step = store.latest()
    if step is None or step not in store.steps():
        listed = ", ".join(map(str, store.steps())) or "none"
        wanted = "no complete step" if step is None else f"no complete step {step}"
        raise InputError(f"{path}: {wanted} in this checkpoint; there are: {listed}")
    return store, step
