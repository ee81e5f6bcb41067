"""Soft prompts of several tasks in one model: which ids are whose, and each one apart again.

A model with `n · p` virtual tokens holds `n` prompts of `p`. In the store the examples of task `k`
begin with the ids `vocab_size + k · p …`, so batches may mix tasks freely over one frozen backbone,
and nothing but the store has to know.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from xgen_model import ModelConfig, export_adapter, virtual_ids
from xgen_model.parameters import ParameterReader
from xgen_model.stored_array import Index

__all__ = ["PromptParameters", "export_prompts", "prompt_prefixes"]


def prompt_prefixes(
    config: ModelConfig, tasks: Sequence[str], *, shared: bool
) -> dict[str, list[int]]:
    """The virtual ids before the examples of each task; empty where the model has none.

    Args:
        config: of the whole model.
        tasks: in the order of their prompts.
        shared: all of them have the whole soft prompt.

    Raises:
        ValueError: the virtual tokens do not divide into equal prompts.
    """
    ids = virtual_ids(config)
    if not ids:
        return {}
    if shared:
        return dict.fromkeys(tasks, ids)
    tokens, rest = divmod(len(ids), len(tasks))
    if rest:
        raise ValueError(f"{len(ids)} virtual tokens are not {len(tasks)} equal prompts")
    return {task: ids[k * tokens : (k + 1) * tokens] for k, task in enumerate(tasks)}


class PromptParameters:
    """A model with one of its soft prompts in place of all of them.

    Args:
        inner: of the whole model.
        ids: the virtual ids of the prompt, ascending.
    """

    def __init__(self, inner: ParameterReader, ids: Sequence[int]) -> None:
        self._inner = inner
        self._first = ids[0] - inner.config.vocab_size
        self._config = replace(inner.config, soft_prompt=len(ids))

    @property
    def config(self) -> ModelConfig:
        """Of the model with that prompt."""
        return self._config

    def read(self, name: str, index: Index) -> np.ndarray:
        """A part of one parameter; see `ParameterReader.read`."""
        if name == "soft_prompt":
            rows, columns = index
            first, last, _ = rows.indices(self._config.soft_prompt)
            index = (slice(self._first + first, self._first + last), columns)
        return self._inner.read(name, index)


def export_prompts(
    reader: ParameterReader, tasks: Sequence[str], directory: Path, *, base_name: str | None = None
) -> dict[str, Path]:
    """Write each task's prompt as a PEFT directory, `directory/TASK`; one that is there is left.

    Args:
        reader: of a model with one prompt a task.
        tasks: in the order of their prompts.
        directory: made with its parents.
        base_name: of the backbone, for PEFT to find it.

    Raises:
        InputError: a weight is NaN or infinite.
    """
    written: dict[str, Path] = {}
    for task, ids in prompt_prefixes(reader.config, tasks, shared=False).items():
        written[task] = directory / task
        if not written[task].exists():
            directory.mkdir(parents=True, exist_ok=True)
            export_adapter(PromptParameters(reader, ids), written[task], base_name=base_name)
    return written
