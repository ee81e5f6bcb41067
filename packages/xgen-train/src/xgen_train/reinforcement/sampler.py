"""Groups of answers, drawn from the policy by the engine that serves it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from xgen_data.permutation import mix
from xgen_model import ModelConfig, Params, Sampling, virtual_ids
from xgen_model.engine.batch import Batch
from xgen_model.engine.batch import Prompt as Read
from xgen_model.engine.weights import prepare

__all__ = ["Drawn", "draw_groups", "group_seed"]


class Drawn(NamedTuple):
    """One answer: its ids, the end among them if it came, and what each cost in nats."""

    ids: list[int]
    logprobs: list[float]


def group_seed(seed: int, step: int, prompt: int) -> int:
    """Where the seeds of a group begin: by run, step and number of the prompt, and nothing else."""
    value = np.zeros(1, np.uint64)
    for part in (seed, step, prompt):
        value = mix(value ^ np.uint64(part % 2**64))
    return int(value[0] % np.uint64(2**32))


def draw_groups(
    config: ModelConfig,
    params: Params,
    prompts: Sequence[Sequence[int]],
    seeds: Sequence[int],
    *,
    group: int,
    max_tokens: int,
    eos_id: int,
    rows: int,
) -> list[list[Drawn]]:
    """Answer each prompt `group` times, at temperature 1, all answers side by side.

    What an answer is depends on the weights, its prompt and its seed alone.

    Args:
        config: of the parameters.
        params: the policy.
        prompts: ids, at least one each; a soft prompt apart.
        seeds: of each prompt; answer `i` has seed + i.
        group: answers to a prompt.
        max_tokens: the most ids of an answer.
        eos_id: ends one.
        rows: answers that are written at one time.

    Returns:
        The answers to each prompt.
    """
    batch = Batch(config, prepare(config, params), eos_id=eos_id, rows=rows)
    before = virtual_ids(config)
    drawn = [[Drawn([], []) for _ in range(group)] for _ in prompts]
    waiting = [(number, index) for number in range(len(prompts)) for index in range(group)][::-1]
    writing: dict[int, tuple[int, int]] = {}
    reading: tuple[int, Read] | None = None
    while waiting or batch.busy:
        while waiting and batch.free:
            number, index = waiting.pop()
            if reading is None or reading[0] != number:
                reading = number, batch.read([*before, *prompts[number]])
            sampling = Sampling(seed=seeds[number] + index, temperature=1.0, reports=True)
            writing[batch.join(reading[1], sampling, max_tokens)] = number, index
        for row, written in batch.advance().items():
            number, index = writing[row]
            drawn[number][index].ids.extend(written.ids)
            drawn[number][index].logprobs.extend(written.logprobs)
    return drawn
