"""From score requests to fixed-shape passes through the model, and back to scores.

A request becomes one or more *windows*. Where few targets follow a long context, the context is
read once for all windows that share it, and the rest of them is read after it, several in one flat
list. Which way a window goes, and every shape on it, depends on the window alone, so a score does
not depend on its neighbours: sharing saves time and changes no number.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np

from xgen_core.errors import InputError
from xgen_core.protocols import Tokenizer
from xgen_core.records import Score, ScoreRequest
from xgen_model.config import ModelConfig
from xgen_model.engine.cache import Cache, bucket
from xgen_model.engine.cached import Layout
from xgen_model.engine.likelihood import after, context, whole
from xgen_model.engine.weights import Weights

__all__ = ["Found", "Window", "pair_ids", "score_windows", "to_score", "windows"]

_TOKENS_PER_CALL = 1024
_SHAPES = ((1, 8), (64, 64))
"""Targets of a window that follows a shared context, at most, and tokens of a flat list of such."""
_TEXTS = 8
"""Windows in a flat list, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Ids that go through the model once.

    Attributes:
        inputs: ids read.
        targets: what should follow the last of them, one by one.
    """

    inputs: tuple[int, ...]
    targets: tuple[int, ...]

    @property
    def before(self) -> tuple[int, ...]:
        """Inputs that no target is asked for after."""
        return self.inputs[: len(self.inputs) - len(self.targets)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Log-probabilities of a window's targets, and whether all were the likeliest."""

    logprobs: tuple[float, ...]
    greedy: bool


def pair_ids(tokenizer: Tokenizer, context: str, continuation: str) -> tuple[list[int], list[int]]:
    """Ids of context and continuation, encoded together and cut where the context's ids end.

    White space that ends the context goes to the continuation first, since most vocabularies put
    a space at the beginning of a word (the rule of lm-evaluation-harness). Where a token spans the
    seam so that nothing would be left, the last token counts as the continuation.
    """
    kept = context.rstrip()
    whole = tokenizer.encode(kept + context[len(kept) :] + continuation)
    if not whole:
        raise InputError(f"nothing to score: {continuation!r} has no tokens")
    cut = min(len(tokenizer.encode(kept)), len(whole) - 1) if kept else 0
    return whole[:cut], whole[cut:]


def windows(
    request: ScoreRequest,
    tokenizer: Tokenizer,
    context_length: int,
    virtual: tuple[int, ...] = (),
) -> tuple[list[Window], list[int]]:
    """The windows of a request, and the ids whose scores they give, in order.

    The first token of a text is conditioned on `bos_id`, or on `eos_id`, which stands between
    documents, where the tokenizer has none. A context that is too long loses its beginning.

    Args:
        request: what to score.
        tokenizer: of the model.
        context_length: tokens that a window may have, the virtual ones not among them.
        virtual: ids of a soft prompt, read before every window.

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
        return [Window(inputs=(*virtual, *stream[:-1]), targets=tuple(ids))], ids
    size = request.window or context_length
    if size > context_length:
        raise InputError(f"a window of {size} tokens exceeds the context of {context_length}")
    stride = request.stride or size
    stream = [first, *ids]
    found: list[Window] = []
    done = 0
    for start in range(0, len(ids), stride):
        end = min(start + size, len(ids))
        inputs = (*virtual, *stream[start:end])
        found.append(Window(inputs=inputs, targets=tuple(stream[done + 1 : end + 1])))
        done = end
        if end == len(ids):
            break
    return found, ids


def score_windows(
    config: ModelConfig, weights: Weights, items: Sequence[Window]
) -> Iterator[list[tuple[int, Found]]]:
    """Score windows pass by pass; each is found once, by its number.

    Args:
        config: of the weights.
        weights: as made by `prepare`.
        items: in any order.

    Yields:
        Numbers of windows and what was found, after every pass through the model.
    """
    alone: dict[int, list[int]] = {}
    shared: dict[tuple[int, ...], list[int]] = {}
    for number, item in enumerate(items):
        if item.before and len(item.targets) <= _SHAPES[-1][0]:
            shared.setdefault(item.before, []).append(number)
        else:
            alone.setdefault(bucket(len(item.inputs)), []).append(number)
    for before, numbers in shared.items():
        yield from _shared(config, weights, before, [(n, items[n]) for n in numbers])
    for time in sorted(alone):
        rows = max(1, _TOKENS_PER_CALL // time)
        for at in range(0, len(alone[time]), rows):
            part = [(n, items[n]) for n in alone[time][at : at + rows]]
            yield _alone(config, weights, part, rows, time)


def _alone(
    config: ModelConfig,
    weights: Weights,
    items: Sequence[tuple[int, Window]],
    rows: int,
    time: int,
) -> list[tuple[int, Found]]:
    tokens = np.zeros((rows, time), np.int32)
    targets, lengths = tokens.copy(), np.zeros(rows, np.int32)
    for row, (_, item) in enumerate(items):
        length = lengths[row] = len(item.inputs)
        tokens[row, :length] = item.inputs
        targets[row, len(item.before) : length] = item.targets
    arrays = (jnp.asarray(a) for a in (tokens, targets, lengths))
    found = whole(config, weights, *arrays, 0)
    logprob, greedy = np.asarray(found.logprob), np.asarray(found.greedy)
    results = []
    for row, (number, item) in enumerate(items):
        asked = slice(len(item.before), len(item.inputs))
        results.append((number, _found(logprob[row, asked], greedy[row, asked])))
    return results


def _shared(
    config: ModelConfig,
    weights: Weights,
    before: tuple[int, ...],
    items: Sequence[tuple[int, Window]],
) -> Iterator[list[tuple[int, Found]]]:
    time = bucket(len(before))
    tokens = np.zeros(time, np.int32)
    tokens[: len(before)] = before
    slots = 1 << (time - 1).bit_length()
    length = jnp.int32(len(before))
    cache = context(config, weights, jnp.asarray(tokens), length, slots)
    for least, (most, size) in zip((0, *(m for m, _ in _SHAPES)), _SHAPES, strict=False):
        fitting = [i for i in items if least < len(i[1].targets) <= most]
        for part in _filled(fitting, size):
            yield _after(config, weights, cache, len(before), part, most, size)


def _filled(items: Sequence[tuple[int, Window]], size: int) -> Iterator[list[tuple[int, Window]]]:
    """Cut a list into parts that fit in a flat list."""
    part: list[tuple[int, Window]] = []
    for item in items:
        used = sum(len(window.targets) for _, window in part)
        if part and (used + len(item[1].targets) > size or len(part) == _TEXTS):
            yield part
            part = []
        part.append(item)
    if part:
        yield part


def _after(
    config: ModelConfig,
    weights: Weights,
    cache: Cache,
    length: int,
    items: Sequence[tuple[int, Window]],
    most: int,
    size: int,
) -> list[tuple[int, Found]]:
    flat, targets = np.zeros(size, np.int32), np.zeros(size, np.int32)
    row, column = np.zeros(size, np.int32), np.zeros(size, np.int32)
    place = np.zeros((_TEXTS, most), np.int32)
    ends = []
    at = 0
    for text, (_, item) in enumerate(items):
        count = len(item.targets)
        part = slice(at, at + count)
        flat[part] = item.inputs[-count:]
        targets[part] = item.targets
        row[part], column[part] = text, np.arange(count)
        place[text, :count] = np.arange(at, at + count)
        ends.append(part)
        at += count
    layout = Layout(*(jnp.asarray(a) for a in (place, row, column)))
    arrays = (jnp.int32(length), jnp.asarray(flat), jnp.asarray(targets))
    found = after(config, weights, cache, *arrays, layout)
    logprob, greedy = np.asarray(found.logprob), np.asarray(found.greedy)
    return [
        (number, _found(logprob[part], greedy[part]))
        for (number, _), part in zip(items, ends, strict=True)
    ]


def _found(logprob: np.ndarray, greedy: np.ndarray) -> Found:
    return Found(logprobs=tuple(logprob.tolist()), greedy=bool(greedy.all()))


def to_score(
    tokenizer: Tokenizer, request: ScoreRequest, ids: Sequence[int], parts: Sequence[Found]
) -> Score:
    """Put the windows of one request together again."""
    return Score(
        token_logprobs=tuple(value for part in parts for value in part.logprobs),
        byte_lengths=_byte_lengths(tokenizer, request.continuation, ids),
        is_greedy=all(part.greedy for part in parts),
    )


def _byte_lengths(tokenizer: Tokenizer, text: str, ids: Sequence[int]) -> tuple[int, ...]:
    """Bytes of `text` in each token; what the first ones took over from a context is not in it."""
    lengths = [len(tokenizer.token_bytes(i)) for i in ids]
    borrowed = sum(lengths) - len(text.encode("utf-8"))
    for index, length in enumerate(lengths):
        taken = min(length, borrowed)
        lengths[index] -= taken
        borrowed -= taken
    return tuple(lengths)
