"""What tuning changed, for the page: held-out loss on answers, and answers, before and after."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path

from xgen_core import ChatTemplate, Example, GenerationRequest, Message, Run, Tokenizer
from xgen_core.records import Scalar
from xgen_core.report import Item, Items, Section, Table, Text
from xgen_data import TokenStore
from xgen_data.instruction import read_examples
from xgen_data.instruction.parts import answer_text
from xgen_data.steps import Drop
from xgen_model import LocalModel, open_source
from xgen_model.parameters import ParameterReader
from xgen_train.heldout import Figures, Heldout
from xgen_train.origin import first_params
from xgen_train.trainer import open_mesh
from xgen_train.tuning.prompts import PromptParameters
from xgen_train.tuning.resolved import Resolved

__all__ = ["greedy_answers", "write_answers"]

_SECTION = "15-tuning"
_ANSWER_TOKENS = 64


def write_answers(run: Run, resolved: Resolved, samples: int) -> None:
    """Write the section of a finished run; one that is there is left.

    Args:
        run: of the resolved recipe.
        resolved: for the model below, the held-out examples and the template.
        samples: held-out examples that both models answer, spread over the tasks.
    """
    if (run.directory / "sections" / f"{_SECTION}.json").exists():
        return
    recipe = resolved.recipe
    store = TokenStore.open(recipe.store)
    mesh = open_mesh(recipe, recipe.total_steps)
    before = Heldout(recipe, store, mesh).measure(first_params(recipe, mesh), 0)
    measured = [row["heldout"] for row in run.metrics.rows() if "heldout" in row]
    after: Figures = measured[-1] if measured else {}
    rows: tuple[tuple[Scalar, ...], ...] = tuple(
        (task, round(before[task]["loss"], 4), round(after[task]["loss"], 4)) for task in before
    )
    columns = ("task", "before", "after")
    caption = (
        "Nats per token of held-out answers, their end included. A fresh soft prompt is part of "
        "the model before."
    )
    table = Table(columns=columns, rows=rows, caption=caption)
    items = _answered(run, resolved, samples)
    note = Text(
        text=f"Answers are greedy, at most {_ANSWER_TOKENS} tokens, to held-out questions: the "
        "first ones, not the best ones."
    )
    summary = _summary(before, after)
    blocks = (table, note, Items(items=tuple(items))) if items else (table,)
    run.write_section(_SECTION, Section(title="Before and after", summary=summary, blocks=blocks))


def _summary(before: Figures, after: Figures) -> str:
    if not before:
        return "No examples are held out, so nothing says what was learnt."
    means = [sum(f["loss"] for f in found.values()) / len(found) for found in (before, after)]
    return f"Held-out loss on answers went from {means[0]:.4f} to {means[1]:.4f} nats per token" + (
        ", the mean over tasks." if len(before) > 1 else "."
    )


def _answered(run: Run, resolved: Resolved, samples: int) -> list[Item]:
    asked = _asked(resolved.sets.validation, samples)
    if not asked:
        return []
    below, above = open_source(resolved.recipe.start), open_source(run.directory)
    tokenizer = below.open_tokenizer()
    below = below.fitted(tokenizer)

    def answers(reader: ParameterReader, examples: Sequence[Example]) -> list[str]:
        return greedy_answers(reader, tokenizer, resolved.template, examples)

    everything = [example for examples in asked.values() for example in examples]
    before = answers(below.parameters, everything)
    after: list[str] = []
    if not resolved.apart:
        after = answers(above.parameters, everything)
    else:
        for task, examples in asked.items():
            own = resolved.prompts.get(task)
            reader = PromptParameters(above.parameters, own) if own else below.parameters
            after += answers(reader, examples)
    titles = [f"{task}: {example.id}" for task in asked for example in asked[task]]
    return [
        Item(
            title=title,
            fields={
                "question": "\n\n".join(message.content for message in _question(example)),
                "before": old,
                "after": new,
                "held-out answer": answer_text(example),
            },
        )
        for title, example, old, new in zip(titles, everything, before, after, strict=True)
    ]


def _asked(files: Mapping[str, Path], samples: int) -> dict[str, list[Example]]:
    """The first examples of each task, as many of each as make up the number together."""
    found: dict[str, list[Example]] = {}
    each = -(-samples // max(1, len(files)))
    for task, file in files.items():
        left = min(each, samples - sum(map(len, found.values())))
        items = (item for item in read_examples(file) if not isinstance(item, Drop))
        if examples := list(islice(items, left)):
            found[task] = examples
    return found


def _question(example: Example) -> tuple[Message, ...]:
    last = max(index for index, message in enumerate(example.messages) if message.trained)
    return example.messages[:last]


def greedy_answers(
    reader: ParameterReader,
    tokenizer: Tokenizer,
    template: ChatTemplate,
    examples: Sequence[Example],
) -> list[str]:
    """What a model answers, greedily.

    Args:
        reader: the model.
        tokenizer: its own.
        template: how it is asked.
        examples: whose questions it is asked; their answers are not shown.
    """
    model = LocalModel(reader.config, reader, tokenizer, identity="tuning", template=template)

    async def one(example: Example) -> str:
        request = GenerationRequest(messages=_question(example), max_tokens=_ANSWER_TOKENS)
        return (await model.generate(request))[0].text

    async def ask() -> list[str]:
        async with model:
            return await asyncio.gather(*(one(example) for example in examples))

    return asyncio.run(ask())
