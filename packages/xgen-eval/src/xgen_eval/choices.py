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

__all__ = ["ChoiceItem", "accuracies", "accuracy", "chance", "choose"]


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
        if any(not text for text in (*self.contexts, *self.continuations)):
            raise ValueError("a context or a continuation is empty")

    @property
    def right(self) -> tuple[int, ...]:
        """All right ones, for the reader; where there are several, `gold` is the best."""
        return (self.gold,)

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

    `acc_norm` is lm-evaluation-harness's: the choice's characters, without the delimiter. A choice
    without characters, which some data sets have, is never the likeliest there.
    """
    per_byte = _per(sums, [len(c.encode("utf-8")) for c in item.choices])
    return {
        "acc": float(argmax(sums) == item.gold),
        "acc_norm": float(argmax(_per(sums, list(map(len, item.choices)))) == item.gold),
        "acc_bytes": float(argmax(per_byte) == item.gold),
    }


def accuracy(item: ChoiceItem, sums: Sequence[float]) -> dict[str, float]:
    """`acc` alone, for choices that are alike in length, or are told apart by their contexts."""
    return {"acc": float(argmax(sums) == item.gold)}


async def choose(
    model: ScoringModel,
    items: Sequence[ChoiceItem],
    progress: Progress,
    grade: Grade = accuracies,
) -> list[Graded]:
    """Score all choices of all items, each distinct request once, and grade each item."""
    asked = [item.requests() for item in items]
    requests = list(dict.fromkeys(request for own in asked for request in own))
    progress.total, progress.unit = len(requests), "choices"
    scores = await score_all(model, requests, progress)
    sums = {r: math.fsum(s.token_logprobs) for r, s in zip(requests, scores, strict=True)}
    graded: list[Graded] = []
    for item, own in zip(items, asked, strict=True):
        found = [sums[request] for request in own]
        graded.append(_graded(item, found, grade(item, found)))
    return graded


def chance(items: Sequence[ChoiceItem]) -> Metric:
    """The accuracy of guessing."""
    n = len(items)
    return Metric(value=math.fsum(1 / len(i.continuations) for i in items) / n, n=n)


def _per(sums: Sequence[float], sizes: Sequence[int]) -> list[float]:
    return [s / size if size else -math.inf for s, size in zip(sums, sizes, strict=True)]


def _graded(item: ChoiceItem, sums: list[float], scores: Mapping[str, float]) -> Graded:
    chosen = argmax(sums)
    details: dict[str, Scalar] = {"gold": item.gold, "chosen": chosen}
    chosen_norm: int | None = None
    if "acc_norm" in scores:
        chosen_norm = argmax(_per(sums, list(map(len, item.choices))))
        details["chosen_norm"] = chosen_norm
    if len(item.right) > 1:
        details["right"] = " ".join(map(str, item.right))
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
        marks = [" (right)"] * (i in item.right)
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
