"""Parameters from elsewhere as a checkpoint of ours, written as a stream."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from xgen_core.files import sync_directory
from xgen_core.protocols import Tokenizer
from xgen_model.checkpoint import CheckpointStore
from xgen_model.hugging_face.directory import copy_tokenizer
from xgen_model.parameters import ParameterReader
from xgen_model.target import require_new

__all__ = ["import_model"]


def import_model(
    reader: ParameterReader,
    target: Path,
    *,
    tokenizer: Tokenizer | None = None,
    tokenizer_directory: Path | None = None,
    meta: Mapping[str, object] | None = None,
) -> CheckpointStore:
    """Write a checkpoint with one step, 0; no more than a few blocks of it are in memory.

    Args:
        reader: of the parameters.
        target: where; must not exist or be empty.
        tokenizer: the model's; None leaves the checkpoint without one.
        tokenizer_directory: where `tokenizer` lies: copied as it is, chat template and all.
        meta: JSON values to keep with the step.

    Raises:
        InputError: something lies there already, or a weight is NaN or infinite.
        OSError: as the file system gives it; nothing is left then.
    """
    require_new(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    # Made beside the target and renamed when whole: its disk is the one with room for it.
    with tempfile.TemporaryDirectory(prefix=".partial-", dir=target.parent) as scratch:
        copied = None if tokenizer is None else Path(scratch) / "tokenizer"
        if tokenizer is not None and copied is not None:
            if tokenizer_directory is None:
                tokenizer.save(copied)
            else:
                copy_tokenizer(tokenizer_directory, copied)
        store = CheckpointStore.create(
            Path(scratch) / "checkpoint",
            reader.config,
            tokenizer=copied,
            tokenizer_fingerprint=None if tokenizer is None else tokenizer.fingerprint,
        )
        store.save_streamed(0, reader.read, meta)
        if target.exists():
            target.rmdir()
        store.directory.rename(target)
        sync_directory(target.parent)
    return CheckpointStore(target)
