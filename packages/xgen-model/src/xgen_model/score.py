"""From score requests to fixed-shape batches, and back to scores.

A request becomes one or more *windows*. A window's padded length depends on its own length alone
and the rows of a call on that length alone, so a score never depends on its neighbours.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from xgen_core.errors import InputError
from xgen_core.protocols import Tokenizer
from xgen_core.records import Batch, Score, ScoreRequest
from xgen_model.config import ModelConfig
from xgen_model.cross_entropy import TokenScores, token_logprobs
from xgen_model.generation import bucket
from xgen_model.model import Params

__all__ = ["Window", "pair_ids", "score_windows", "to_score", "windows"]

_TOKENS_PER_CALL = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Ids that go through the model once.

    Attributes:
        inputs: ids read.
        targets: for each input the id after it.
        scored: how many of the last targets are asked for.
    """

    inputs: tuple[int, ...]
    targets: tuple[int, ...]
    scored: int


def pair_ids(tokenizer: Tokenizer, context: str, continuation: str) -> tuple[list[int], list[int]]:
    """Ids of context and continuation, encoded together and cut where the context's ids end.

    Spaces that end the context go to the continuation first, since most vocabularies put a space
    at the beginning of a word (the rule of lm-evaluation-harness). Where a token spans the seam
    so that nothing would be left, the last token counts as the continuation.
    """
    kept = context.rstrip(" ")
    whole = tokenizer.encode(kept + context[len(kept) :] + continuation)
    if not whole:
        raise InputError(f"nothing to score: {continuation!r} has no tokens")
    cut = min(len(tokenizer.encode(kept)), len(whole) - 1) if kept else 0
    return whole[:cut], whole[cut:]


def windows(
    request: ScoreRequest, tokenizer: Tokenizer, context_length: int
) -> tuple[list[Window], list[int]]:
    """The windows of a request, and the ids whose scores they give, in order.

    The first token of a text is conditioned on `bos_id`, or on `eos_id`, which stands between
    documents, where the tokenizer has none. A context that is too long loses its beginning.

    Raises:
        InputError: the continuation alone, or the window asked for, exceeds the context length.
    """
    first = tokenizer.eos_id if tokenizer.bos_id is None else tokenizer.bos_id
    context, ids = pair_ids(tokenizer, request.context, request.continuation)
    if request.context:
        if len(ids) > context_length:
            raise InputError(
                f"a continuation of {len(ids)} tokens does not fit in the context of "
                f"{context_length}: score it without context, as a rolling request, or shorten it"
            )
        begin = [first] if tokenizer.bos_id is not None or not context else []
        stream = [*begin, *context, *ids][-(context_length + 1) :]
        window = Window(inputs=tuple(stream[:-1]), targets=tuple(stream[1:]), scored=len(ids))
        return [window], ids
    size = request.window or context_length
    if size > context_length:
        raise InputError(f"a window of {size} tokens exceeds the context of {context_length}")
    stride = request.stride or size
    stream = [first, *ids]
    found: list[Window] = []
    done = 0
    for start in range(0, len(ids), stride):
        end = min(start + size, len(ids))
        found.append(
            Window(
                inputs=tuple(stream[start:end]),
                targets=tuple(stream[start + 1 : end + 1]),
                scored=end - done,
            )
        )
        done = end
        if end == len(ids):
            break
    return found, ids


@functools.partial(jax.jit, static_argnums=0)
def _run(config: ModelConfig, params: Params, batch: Batch[Array]) -> TokenScores:
    return token_logprobs(config, params, batch)


def score_windows(
    config: ModelConfig, params: Params, items: Sequence[Window]
) -> list[tuple[list[float], bool]]:
    """Log-probabilities of each window's scored targets, and whether all were the likeliest."""
    results: list[tuple[list[float], bool]] = [([], True)] * len(items)
    groups: dict[int, list[int]] = {}
    for index, item in enumerate(items):
        groups.setdefault(bucket(len(item.inputs)), []).append(index)
    for time in sorted(groups):
        rows = max(1, _TOKENS_PER_CALL // time)
        for at in range(0, len(groups[time]), rows):
            part = groups[time][at : at + rows]
            logprob, greedy = _call(config, params, [items[i] for i in part], rows, time)
            for row, index in enumerate(part):
                end = len(items[index].inputs)
                asked = slice(end - items[index].scored, end)
                results[index] = (logprob[row, asked].tolist(), bool(greedy[row, asked].all()))
    return results


def _call(
    config: ModelConfig, params: Params, items: Sequence[Window], rows: int, time: int
) -> tuple[np.ndarray, np.ndarray]:
    inputs = np.zeros((rows, time), np.int32)
    targets, segments = inputs.copy(), inputs.copy()
    for row, item in enumerate(items):
        length = len(item.inputs)
        inputs[row, :length] = item.inputs
        targets[row, :length] = item.targets
        segments[row, :length] = 1
    positions = np.broadcast_to(np.arange(time, dtype=np.int32), (rows, time))
    arrays = Batch(inputs, targets, segments, positions, segments)
    found = _run(config, params, Batch(*(jnp.asarray(a) for a in arrays)))
    return np.asarray(found.logprob), np.asarray(found.greedy)


def to_score(
    tokenizer: Tokenizer, ids: Sequence[int], parts: Sequence[tuple[list[float], bool]]
) -> Score:
    """Put the windows of one request together again."""
    special = set(tokenizer.special_ids.values())
    return Score(
        token_logprobs=tuple(value for logprobs, _ in parts for value in logprobs),
        byte_lengths=tuple(0 if i in special else len(tokenizer.token_bytes(i)) for i in ids),
        is_greedy=all(greedy for _, greedy in parts),
    )
