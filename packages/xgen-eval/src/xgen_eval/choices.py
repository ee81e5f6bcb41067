"""Multiple choice by likelihood: the one scorer that every such task shares."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from xgen_core import ScoreRequest, ScoringModel
from xgen_core.progress import Progress
from xgen_core.records import Scalar
from xgen_core.report import Item, Items, Section, Table
from xgen_eval.metrics import argmax
from xgen_eval.scoring import score_all
from xgen_eval.task import Metric, TaskResult

__all__ = ["ChoiceItem", "choose"]

_SHOWN = 50
"""Items on the report page; all of them are in `items/NAME.jsonl`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceItem:
    """One question: which continuation goes with its context?

    Attributes:
        id: unique in the task.
        contexts: what stands before each choice (one text repeated, or one for each).
        continuations: what is scored after it, white space between the two included.
        scored_bytes: UTF-8 bytes of each choice without that white space; `acc_norm` divides by it.
        gold: index of the right one.
    """

    id: str
    contexts: tuple[str, ...]
    continuations: tuple[str, ...]
    scored_bytes: tuple[int, ...]
    gold: int

    def __post_init__(self) -> None:
        if not len(self.contexts) == len(self.continuations) == len(self.scored_bytes):
            raise ValueError("contexts, continuations and scored_bytes differ in length")
        if len(self.continuations) < 2:
            raise ValueError("a question needs at least 2 choices")
        if not 0 <= self.gold < len(self.continuations):
            raise ValueError(
                f"gold {self.gold} is out of range: there are {len(self.continuations)} choices, "
                "counted from 0"
            )
        if any(not c for c in self.contexts) or min(self.scored_bytes) < 1:
            raise ValueError("a context or a choice is empty")


async def choose(
    model: ScoringModel,
    items: Sequence[ChoiceItem],
    progress: Progress,
    *,
    name: str,
    variant: str,
    title: str,
    caption: str,
) -> TaskResult:
    """Score all choices of all items, and count how often the right one is the most likely.

    `acc` takes the choice of the largest summed log-probability, `acc_norm` of the largest per
    byte; of equal ones the first. `chance` is the accuracy of guessing.
    """
    requests = [
        ScoreRequest(context=context, continuation=continuation)
        for item in items
        for context, continuation in zip(item.contexts, item.continuations, strict=True)
    ]
    progress.total, progress.unit = len(requests), "choices"
    scores = iter(await score_all(model, requests, progress))
    rows: list[dict[str, Scalar]] = []
    for item in items:
        sums = [math.fsum(next(scores).token_logprobs) for _ in item.continuations]
        rows.append(_row(item, sums))
    n = len(items)
    metrics = {
        "acc": Metric.proportion(sum(r["chosen"] == r["gold"] for r in rows), n),
        "acc_norm": Metric.proportion(sum(r["chosen_norm"] == r["gold"] for r in rows), n),
        "chance": Metric(value=math.fsum(1 / len(i.continuations) for i in items) / n, n=n),
    }
    return TaskResult(
        name=name,
        variant=variant,
        metrics=metrics,
        items=tuple(rows),
        sections=(_section(title, caption, items, rows, metrics),),
    )


def _row(item: ChoiceItem, sums: list[float]) -> dict[str, Scalar]:
    norms = [s / b for s, b in zip(sums, item.scored_bytes, strict=True)]
    row: dict[str, Scalar] = {
        "id": item.id,
        "gold": item.gold,
        "chosen": argmax(sums),
        "chosen_norm": argmax(norms),
    }
    if len(set(item.contexts)) == 1:
        row["context"] = item.contexts[0]
    for i, continuation in enumerate(item.continuations):
        if "context" not in row:
            row[f"context_{i}"] = item.contexts[i]
        row[f"continuation_{i}"] = continuation
        row[f"logprob_{i}"] = sums[i]
        row[f"bytes_{i}"] = item.scored_bytes[i]
    return row


def _section(
    title: str,
    caption: str,
    items: Sequence[ChoiceItem],
    rows: list[dict[str, Scalar]],
    metrics: dict[str, Metric],
) -> Section:
    shown: list[Item] = []
    for item, row in list(zip(items, rows, strict=True))[:_SHOWN]:
        fields = {"context": item.contexts[0]} if "context" in row else {}
        for i, continuation in enumerate(item.continuations):
            marks = [" (right)"] * (i == item.gold)
            marks += [" (acc)"] * (i == row["chosen"]) + [" (acc_norm)"] * (i == row["chosen_norm"])
            before = "" if "context" in row else item.contexts[i]
            fields[f"{i}{''.join(marks)} {row[f'logprob_{i}']:.2f} nats"] = before + continuation
        shown.append(Item(title=item.id, fields=fields))
    table = Table(
        columns=("metric", "value", "95 % from", "to", "n"),
        rows=tuple(
            (name, round(m.value, 4), *(round(x, 4) for x in m.interval or ()), m.n)
            if m.interval
            else (name, round(m.value, 4), None, None, m.n)
            for name, m in metrics.items()
        ),
        caption=caption,
    )
    browser = Items(
        items=tuple(shown),
        caption=f"The first {len(shown)} of {len(rows)} items. Right: the true choice; acc and "
        "acc_norm: what the model took by summed log-probability and per byte.",
    )
    return Section(title=title, blocks=(table, browser))
