"""Batches with the soft prompt's virtual tokens before every document.

Virtual token `i` has the id `vocab_size + i`, so nothing but the batch has to know of it: packing,
attention, caches and sharding treat it as any other token.

Letters: b batch, t time, p virtual tokens.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Int

from xgen_core.records import Batch
from xgen_model.config import ModelConfig

__all__ = ["virtual_ids", "with_soft_prompt"]


def virtual_ids(config: ModelConfig) -> list[int]:
    """The ids of the soft prompt, in order; empty where there is none."""
    return list(range(config.vocab_size, config.vocab_size + config.soft_prompt))


def with_soft_prompt(
    config: ModelConfig, batch: Batch[Int[np.ndarray, "b t"]], *, documents: int | None = None
) -> Batch[Int[np.ndarray, "b s"]]:
    """The batch with `p` virtual tokens inserted where each document begins, on the host.

    Positions of a document's own tokens move by `p`. Virtual tokens count nowhere in the loss.

    Args:
        config: of a model with a soft prompt.
        batch: rows of packed documents.
        documents: how many a row may hold, so that rows of all batches become equally long,
            `t + documents · p`; by default as many as the fullest row of this batch has.

    Raises:
        ValueError: the model has no soft prompt, or a row holds more documents than that.
    """
    p = config.soft_prompt
    if not p:
        raise ValueError("this model has no soft prompt")
    rows = [_starts(segments) for segments in np.asarray(batch.segment_ids)]
    fullest = max(len(starts) for starts in rows)
    room = fullest if documents is None else documents
    if fullest > room:
        raise ValueError(f"a row holds {fullest} documents, and there is room for {room}")
    b, t = batch.inputs.shape
    found = Batch(*(np.zeros((b, t + room * p), np.int32) for _ in batch))
    for row, starts in enumerate(rows):
        moved = np.arange(t) + p * np.searchsorted(starts, np.arange(t), side="right")
        for new, old in zip(found, batch, strict=True):
            new[row, moved] = old[row]
        real = np.asarray(batch.segment_ids[row]) > 0
        found.positions[row, moved] += p * real
        for number, start in enumerate(starts):
            at = slice(start + number * p, start + (number + 1) * p)
            ids = np.asarray(virtual_ids(config), np.int32)
            found.inputs[row, at] = ids
            found.targets[row, at] = np.append(ids[1:], batch.inputs[row, start])
            found.segment_ids[row, at] = batch.segment_ids[row, start]
            found.positions[row, at] = np.arange(p)
    return found


def _starts(segments: Int[np.ndarray, " t"]) -> Int[np.ndarray, " n"]:
    """Where documents begin; padding is none."""
    changes = np.append(True, segments[1:] != segments[:-1])
    return np.flatnonzero(changes & (segments > 0))
