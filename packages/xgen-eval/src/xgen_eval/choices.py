"""Multiple choice by likelihood: the one scorer that every such task shares."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from xgen_core import ScoreRequest, ScoringModel
from xgen_core.progress import Progress
from xgen_core.records import Scalar
from xgen_eval.grading import Graded
from xgen_eval.metrics import argmax
from xgen_eval.scoring import score_all
from xgen_eval.task import Metric

__all__ = ["ChoiceItem", "accuracies", "chance", "choose"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceItem:
    """One question: which continuation goes with its context?

    Attributes:
        id: unique in the task.
        contexts: what stands before each choice (one text repeated, or one for each).
        continuations: what is scored after it, white space between the two included.
        choices: each choice without that white space; `acc_norm` divides by its characters,
            `acc_bytes` by its UTF-8 bytes.
        gold: index of the right one.
        shots: ids of the examples that stand in the contexts.
        attributes, cluster: as in `xgen_eval.grading.Graded`.
    """

    id: str
    contexts: tuple[str, ...]
    continuations: tuple[str, ...]
    choices: tuple[str, ...]
    gold: int
    shots: tuple[str, ...] = ()
    attributes: Mapping[str, Scalar] = field(default_factory=dict[str, Scalar])
    cluster: str = ""

    def __post_init__(self) -> None:
        if not len(self.contexts) == len(self.continuations) == len(self.choices):
            raise ValueError("contexts, continuations and choices differ in length")
        if len(self.continuations) < 2:
            raise ValueError("a question needs at least 2 choices")
        if not 0 <= self.gold < len(self.continuations):
            raise ValueError(
                f"gold {self.gold} is out of range: there are {len(self.continuations)} choices, "
                "counted from 0"
            )
        if any(not text for text in (*self.contexts, *self.choices)):
            raise ValueError("a context or a choice is empty")

    def requests(self) -> list[ScoreRequest]:
        """What a model is asked, one request a choice."""
        return [
            ScoreRequest(context=context, continuation=continuation)
            for context, continuation in zip(self.contexts, self.continuations, strict=True)
        ]


Grade = Callable[[ChoiceItem, Sequence[float]], Mapping[str, float]]
"""From an item and the summed log-probability of each choice to the item's scores."""


def accuracies(item: ChoiceItem, sums: Sequence[float]) -> dict[str, float]:
    """Is the right choice the likeliest, by sum, per character, per byte? Of equal ones the first.

    `acc_norm` is lm-evaluation-harness's: the choice's characters, without the delimiter.
    """
    characters = [s / len(c) for s, c in zip(sums, item.choices, strict=True)]
    per_byte = [s / len(c.encode("utf-8")) for s, c in zip(sums, item.choices, strict=True)]
    return {
        "acc": float(argmax(sums) == item.gold),
        "acc_norm": float(argmax(characters) == item.gold),
        "acc_bytes": float(argmax(per_byte) == item.gold),
    }


async def choose(
    model: ScoringModel,
    items: Sequence[ChoiceItem],
    progress: Progress,
    grade: Grade = accuracies,
) -> list[Graded]:
    """Score all choices of all items, and grade each item."""
    requests = [request for item in items for request in item.requests()]
    progress.total, progress.unit = len(requests), "choices"
    scores = iter(await score_all(model, requests, progress))
    graded: list[Graded] = []
    for item in items:
        sums = [math.fsum(next(scores).token_logprobs) for _ in item.continuations]
        graded.append(_graded(item, sums, grade(item, sums)))
    return graded


def chance(items: Sequence[ChoiceItem]) -> Metric:
    """The accuracy of guessing."""
    n = len(items)
    return Metric(value=math.fsum(1 / len(i.continuations) for i in items) / n, n=n)


def _graded(item: ChoiceItem, sums: list[float], scores: Mapping[str, float]) -> Graded:
    norms = [s / len(c) for s, c in zip(sums, item.choices, strict=True)]
    chosen, chosen_norm = argmax(sums), argmax(norms)
    details: dict[str, Scalar] = {"gold": item.gold, "chosen": chosen, "chosen_norm": chosen_norm}
    shared = len(set(item.contexts)) == 1
    shown: dict[str, str] = {}
    if shared:
        details["context"] = shown["context"] = item.contexts[0]
    if item.shots:
        details["shots"] = " ".join(item.shots)
    for i, continuation in enumerate(item.continuations):
        if not shared:
            details[f"context_{i}"] = item.contexts[i]
        details[f"continuation_{i}"] = continuation
        details[f"logprob_{i}"] = sums[i]
        marks = [" (right)"] * (i == item.gold)
        marks += [" (acc)"] * (i == chosen) + [" (acc_norm)"] * (i == chosen_norm)
        before = "" if shared else item.contexts[i]
        shown[f"{i}{''.join(marks)} {sums[i]:.2f} nats"] = before + continuation
    return Graded(
        id=item.id,
        scores=scores,
        details=details,
        attributes=item.attributes,
        cluster=item.cluster,
        shown=shown,
    )
