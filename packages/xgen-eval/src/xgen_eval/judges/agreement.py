"""How far two judges, two repeats of one, or a judge and people agree."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from xgen_core import CodecError, InputError
from xgen_core.codec import decode
from xgen_core.files import read_jsonl
from xgen_core.records import Record
from xgen_eval.task import Metric

__all__ = ["Agreement", "agreement", "cohen_kappa", "mean_kappa", "read_labels"]

Label = str | float

_COLUMNS = ("verdict", "preference", "score")
"""What a row is labelled by where nobody says, first come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement(Record):
    """Two sets of labels beside each other.

    Attributes:
        same: the fraction of things with equal labels.
        kappa: Cohen's; None where chance alone would agree always.
        quadratic_kappa: the same by squared distance, where labels are numbers.
        table: how often each pair of labels came up, `"win / tie"` say; for names only.
        unpaired: things that only one of the two labelled.
    """

    same: Metric
    kappa: float | None
    quadratic_kappa: float | None
    table: Mapping[str, int]
    unpaired: int


def cohen_kappa(a: Sequence[Label], b: Sequence[Label], *, quadratic: bool = False) -> float | None:
    """Agreement beyond chance (Cohen 1960): 1 is perfect, 0 what the two marginals give.

    Args:
        a: labels by one.
        b: labels by the other, of the same things in the same order.
        quadratic: labels are numbers, and two count as the further apart the more they differ
            (Cohen 1968, squared distances); otherwise all disagreements count the same.

    Returns:
        None where chance alone would agree always: both gave one and the same label throughout.

    Raises:
        ValueError: no labels, or not equally many.
    """
    if len(a) != len(b) or not a:
        raise ValueError(f"expected as many labels by both, got {len(a)} and {len(b)}")
    if quadratic:
        x, y = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
        observed = float(np.mean((x - y) ** 2))
        by_chance = float(np.mean((x[:, None] - y[None, :]) ** 2))
    else:
        observed = sum(i != j for i, j in zip(a, b, strict=True)) / len(a)
        by_chance = 1 - math.fsum(a.count(label) * b.count(label) for label in set(a)) / len(a) ** 2
    return None if by_chance == 0 else 1 - observed / by_chance


def mean_kappa(
    repeats: Sequence[Sequence[Label | None]], *, quadratic: bool = False
) -> float | None:
    """The mean kappa of all pairs of repeats, over the things that both gave a label.

    Args:
        repeats: one row a repeat, one label (or None) a thing.
        quadratic: as in `cohen_kappa`.
    """
    kappas: list[float] = []
    for first, second in combinations(repeats, 2):
        both = [
            (i, j) for i, j in zip(first, second, strict=True) if i is not None and j is not None
        ]
        if both:
            kappa = cohen_kappa([i for i, _ in both], [j for _, j in both], quadratic=quadratic)
            if kappa is not None:
                kappas.append(kappa)
    return math.fsum(kappas) / len(kappas) if kappas else None


def read_labels(path: Path, column: str | None = None) -> dict[str, Label]:
    """Labels by id, from the rows of a judged run (`items/TASK.jsonl`) or from people.

    Args:
        path: JSONL with `id` and the label; lines without one are passed over.
        column: where the label stands; by default `verdict`, `preference` or `score`.

    Raises:
        InputError: no such file, a line without an id, one id twice, or no labels.
    """
    labels: dict[str, Label] = {}
    for name, label in read_jsonl(path, lambda value: _label(value, column)):
        if name in labels:
            raise InputError(f"{path}: two lines have the id {name!r}")
        if label is not None:
            labels[name] = label
    if not labels:
        raise InputError(f"{path}: no line has a {column or ' or '.join(_COLUMNS)}")
    return labels


def agreement(a: Mapping[str, Label], b: Mapping[str, Label]) -> Agreement:
    """Compare two sets of labels on the things that both have.

    Raises:
        InputError: they have nothing in common, or one has names and the other numbers.
    """
    both = [name for name in a if name in b]
    if not both:
        raise InputError("the two have no id in common: labels are paired by it")
    x, y = [a[name] for name in both], [b[name] for name in both]
    names = {isinstance(label, str) for label in (*x, *y)}
    if len(names) > 1:
        raise InputError(f"one has names and the other numbers, such as {x[0]!r} and {y[0]!r}")
    numbers = not names.pop()
    table: dict[str, int] = {}
    if not numbers:
        for i, j in sorted(zip(map(str, x), map(str, y), strict=True)):
            table[f"{i} / {j}"] = table.get(f"{i} / {j}", 0) + 1
    same = sum(i == j for i, j in zip(x, y, strict=True))
    return Agreement(
        same=Metric.proportion(same, len(both)),
        kappa=cohen_kappa(x, y),
        quadratic_kappa=cohen_kappa(x, y, quadratic=True) if numbers else None,
        table=table,
        unpaired=len(a) + len(b) - 2 * len(both),
    )


def _label(value: object, column: str | None) -> tuple[str, Label | None]:
    row = decode(dict[str, object], value)
    if "id" not in row:
        raise CodecError("this line lacks the field 'id'")
    for name in (column,) if column else _COLUMNS:
        label = row.get(name)
        if label is not None:
            if isinstance(label, bool) or not isinstance(label, (str, int, float)):
                raise CodecError(f"{name}: expected a name or a number, got {label!r:.60}")
            return f"{row['id']}", label
    return f"{row['id']}", None
