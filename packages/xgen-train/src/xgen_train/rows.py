"""Conversations as rows of a batch, one a row, padded at the right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from xgen_core import Batch, InputError
from xgen_data import Encoded
from xgen_model import ModelConfig, with_soft_prompt

__all__ = ["check_division", "row_width", "stack_rows"]

_MULTIPLE = 64


def row_width(longest: int, limit: int) -> int:
    """How wide the rows of a run are: as the longest text needs it, in steps of 64 tokens.

    One width for the whole run is one compilation.

    Args:
        longest: ids of the longest text.
        limit: the recipe's sequence length.
    """
    return min(limit, -(-longest // _MULTIPLE) * _MULTIPLE)


def check_division(sizes: Mapping[str, int], rows: int, width: int) -> None:
    """See that the mesh can share rows.

    Args:
        sizes: of the mesh's axes.
        rows: of a micro-batch.
        width: tokens in a row, a soft prompt's included.

    Raises:
        InputError: it cannot.
    """
    ways, time = sizes["data"] * sizes["fsdp"], sizes["sequence"]
    if rows % ways or width % time:
        raise InputError(
            f"the mesh splits rows {ways} ways and time {time} ways, which does not divide "
            f"micro-batches of {rows} rows of {width} tokens: change the mesh, the batch or "
            "micro_batches"
        )


def stack_rows(config: ModelConfig, texts: Sequence[Encoded], width: int) -> Batch[np.ndarray]:
    """A batch of a text in each row; a text without ids is a row of padding.

    Args:
        config: of the model; its soft prompt stands before every text, and widens the rows.
        texts: of at most `width + 1` ids, with a mask over them.
        width: tokens in a row.
    """
    batch = Batch(*(np.zeros((len(texts), width), np.int32) for _ in Batch._fields))
    for row, (ids, mask) in enumerate(texts):
        read = max(len(ids) - 1, 0)
        batch.inputs[row, :read] = ids[:-1]
        batch.targets[row, :read] = ids[1:]
        batch.segment_ids[row, :read] = 1
        batch.positions[row, :read] = np.arange(read)
        batch.loss_mask[row, :read] = mask[1:]
    return with_soft_prompt(config, batch, documents=1) if config.soft_prompt else batch
