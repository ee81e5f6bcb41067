"""From a model, examples and what to tune to a `TrainRecipe` over a token store."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import jax
import numpy as np

from xgen_core import ChatTemplate, InputError, Run, Tokenizer
from xgen_core.report import Section, Table
from xgen_data import TokenStore
from xgen_data.instruction import Mixture, build_examples
from xgen_data.store import TokenLine
from xgen_model import ModelConfig, open_source
from xgen_train.chat import adapted, chat_template
from xgen_train.recipe import StageRecipe, TrainRecipe
from xgen_train.tuning.prompts import prompt_prefixes
from xgen_train.tuning.tasks import PreparedSets
from xgen_train.tuning.tuning import Tuning, tuning_optimizer

__all__ = ["Resolved", "resolve"]

_LENGTH = 2048
_EVALUATE_BATCHES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """A tuning run that is ready to begin.

    Attributes:
        recipe: what `train` runs.
        sets: the examples.
        template: how they became text.
        prompts: by task, the virtual ids before its examples; empty without a soft prompt.
        apart: whether each task has a soft prompt of its own.
        left_out: examples that are in no row: task, reason, how many.
    """

    recipe: TrainRecipe
    sets: PreparedSets
    template: ChatTemplate
    prompts: Mapping[str, list[int]]
    apart: bool
    left_out: tuple[tuple[str, str, int], ...]


def resolve(
    tuning: Tuning, sets: PreparedSets, store: Path, *, template: ChatTemplate | None = None
) -> Resolved:
    """Build the token store, unless it is there, and the recipe over it.

    Args:
        tuning: what to tune.
        sets: the examples.
        store: where the token store goes.
        template: how conversations become text; the model's own by default.

    Raises:
        InputError: the model is missing or has no tokenizer or template, or already has other
            adapters; no example fits in a row; the store is of other examples.
    """
    source = open_source(tuning.start)
    tokenizer = source.open_tokenizer()
    source = source.fitted(tokenizer)
    template = chat_template(source, tokenizer, template)
    apart = tuning.prompt_tokens > 0 and not tuning.shared_prompt and len(sets.train) > 1
    # of prompts apart, a task that is only measured has none
    tasks = sorted(sets.train if apart else {**sets.train, **sets.validation})
    virtual = tuning.prompt_tokens * (len(tasks) if apart else 1)
    config = adapted(source.config, tuning.start, lora=tuning.lora, soft_prompt=virtual)
    length = tuning.length or min(_LENGTH, config.context_length)
    prompts = prompt_prefixes(config, tasks, shared=not apart)
    longest = max((len(ids) for ids in prompts.values()), default=0)
    if length > config.context_length or longest >= length:
        raise InputError(
            f"rows of {length} tokens, {longest} of each example virtual, do not fit the model's "
            f"context of {config.context_length}"
        )
    build_examples(
        sets.train,
        store,
        template=template,
        tokenizer=tokenizer,
        validation=sets.validation,
        overlong="truncate" if tuning.truncate else "drop",
        row_tokens=length,
        prefixes=prompts,
    )
    recipe = _recipe(tuning, config, TokenStore.open(store), length, tokenizer)
    return Resolved(
        recipe=recipe,
        sets=sets,
        template=template,
        prompts=prompts,
        apart=apart,
        left_out=tuple(_left_out(store)),
    )


def _recipe(
    tuning: Tuning, config: ModelConfig, store: TokenStore, length: int, tokenizer: Tokenizer
) -> TrainRecipe:
    names = store.sources("train")
    lines = {name: store.line("train", name) for name in names}
    examples = {name: _examples(line) for name, line in lines.items()}
    rows = sum((line.tokens - 1) // length for line in lines.values())
    # a step's rows are shared by the devices, so that any number of them is as good as one
    devices = jax.device_count()
    batch = max(1, round(tuning.batch * rows / sum(examples.values())))
    batch = math.ceil(batch / devices) * devices
    epoch = math.ceil(rows / batch)
    weights = dict(tuning.weights)
    if not weights and (tuning.cap or tuning.temperature != 1):
        mixture = Mixture(tasks=examples, cap=tuning.cap, temperature=tuning.temperature)
        weights = {
            count.task: count.rate * lines[count.task].tokens / count.examples
            for count in mixture.counts()
        }
    steps = math.ceil(tuning.epochs * rows / batch)
    return TrainRecipe(
        model=config,
        start=tuning.start,
        trained=tuning.selection,
        soft_prompt_ids=_prompt_ids(tuning, config, tokenizer),
        store=store.location,
        stages=(StageRecipe(sequence_length=length, steps=steps, weights=weights),),
        batch_tokens=batch * length,
        max_epochs=0,
        optimizer=tuning_optimizer(tuning, steps),
        checkpoint_every=epoch,
        keep_last=1,
        evaluate_every=epoch,
        evaluate_batches=_EVALUATE_BATCHES,
    )


def _left_out(store: Path) -> Iterator[tuple[str, str, int]]:
    """What the store's own page says of examples that it could not take."""
    for value in Run.open(store).sections():
        for block in Section.from_json(value).blocks:
            if isinstance(block, Table) and block.columns[1:4] == ("source", "outcome", "examples"):
                for _, task, reason, count, *_ in block.rows:
                    if isinstance(count, int) and count < 0:
                        yield str(task), str(reason), -count


def _examples(line: TokenLine) -> int:
    """Documents with a trained token, which fillers of rows have not."""
    starts = line.document_starts(0, line.tokens)
    counted = np.add.reduceat(line.read_mask(0, line.tokens), starts, dtype=np.int64)
    return int((counted > 0).sum())


def _prompt_ids(tuning: Tuning, config: ModelConfig, tokenizer: Tokenizer) -> tuple[int, ...]:
    """The text's ids over and over, for each prompt from the beginning."""
    if not tuning.prompt_text:
        return ()
    one = itertools.islice(
        itertools.cycle(tokenizer.encode(tuning.prompt_text)), tuning.prompt_tokens
    )
    return tuple(one) * (config.soft_prompt // tuning.prompt_tokens)
