"""Ids to ids: generation for callers who have a model and no tokenizer."""

from __future__ import annotations

from collections.abc import Sequence

from xgen_model.config import ModelConfig
from xgen_model.engine.batch import Batch
from xgen_model.engine.sample import Sampling
from xgen_model.engine.weights import prepare
from xgen_model.model import Params

__all__ = ["generate"]


def generate(
    config: ModelConfig,
    params: Params,
    prompts: Sequence[Sequence[int]],
    sampling: Sequence[Sampling],
    *,
    max_tokens: int,
    eos_id: int,
) -> list[list[int]]:
    """Continue each prompt until `eos_id` or `max_tokens`.

    What a prompt is continued with depends on itself and its `sampling` alone.

    Args:
        config: of the parameters.
        params: as made by `create`.
        prompts: ids, at least one for each.
        sampling: one for each prompt.
        max_tokens: new tokens at most.
        eos_id: ends a text.

    Returns:
        New ids of each prompt, up to and including `eos_id`.
    """
    batch = Batch(config, prepare(config, params), eos_id=eos_id)
    made: list[list[int]] = [[] for _ in prompts]
    waiting = list(zip(range(len(prompts)), prompts, sampling, strict=True))[::-1]
    texts: dict[int, int] = {}
    while waiting or batch.busy:
        while waiting and batch.free:
            number, prompt, how = waiting.pop()
            texts[batch.join(batch.read(prompt), how, max_tokens)] = number
        for row, written in batch.advance().items():
            made[texts[row]] += written.ids
    return made
