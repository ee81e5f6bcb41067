"""AlpacaEval 2's length-controlled win rate: what it would be if both wrote equally much.

A logistic regression of the preference on tanh(length difference), the instruction's difficulty
and a constant for the model (Dubois et al. 2024, `length_controlled_v1`); the win rate is then
predicted with the difference at 0. The fit is L1-penalised, its strength chosen by five-fold
cross-validation, and regularised by the rows of two "gamed" baselines, whose constant is 0.

Those rows and the difficulties come from `df_gamed.csv` of alpaca_eval's data set on the hub. Only
with them is the figure the leaderboard's; without them, on somebody's own difficulties, it is an
approximation. Without difficulties there is no figure: the two-parameter fit is off by up to 14
points.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from xgen_core import InputError

__all__ = ["GamedRow", "LengthControlled", "length_controlled", "read_difficulty", "read_gamed"]

_GAMED_WEIGHT = 0.2 / 2
"""alpaca_eval's `regularize_to_baseline_lambda` over its two gamed baselines."""

_STRENGTHS = np.logspace(-4, 4, 10)
"""Inverse strengths of the penalty that are tried: scikit-learn's ten."""

_FOLDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class GamedRow:
    """One row of `df_gamed.csv`.

    Attributes:
        index: of the instruction.
        share: the gamed baseline's preference as the share of a win, 0 to 1.
        delta: its length difference in standard deviations.
        difficulty: of the instruction.
    """

    index: int
    share: float
    delta: float
    difficulty: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LengthControlled:
    """The fit.

    Attributes:
        win_rate: in percent, at equal lengths.
        length, difficulty, model: the three coefficients.
        exact: whether the gamed rows were there.
    """

    win_rate: float
    length: float
    difficulty: float
    model: float
    exact: bool


def read_gamed(path: Path) -> list[GamedRow]:
    """The rows of `df_gamed.csv`.

    Raises:
        InputError: no such file, a column is missing, or a value is not what it should be.
    """
    columns = ("index", "preference", "std_delta_len", "instruction_difficulty")
    rows = [
        GamedRow(index=int(index), share=share, delta=delta, difficulty=difficulty)
        for index, share, delta, difficulty in _numbers(path, columns)
        if not math.isnan(share)  # alpaca_eval leaves out what has no preference
    ]
    if any(not 0 <= row.share <= 1 for row in rows):
        raise InputError(f"{path}: a preference of df_gamed.csv lies in 0 … 1")
    return rows


def read_difficulty(path: Path) -> dict[int, float]:
    """Difficulties by the instruction's index (`instruction_difficulty.csv`: index, value).

    Raises:
        InputError: no such file, or a line that is not two numbers.
    """
    return {int(index): value for index, value in _numbers(path, ("", "instruction_difficulty"))}


def length_controlled(
    shares: Sequence[float | None],
    baseline_lengths: Sequence[int],
    lengths: Sequence[int],
    difficulty: Mapping[int, float],
    gamed: Sequence[GamedRow] = (),
) -> LengthControlled:
    """Fit, and predict at equal lengths.

    Args:
        shares: of a win for each instruction, in the benchmark's order; None is not fitted.
        baseline_lengths: characters of the baseline's output.
        lengths: characters of the model's.
        difficulty: by the instruction's place in the benchmark, from 0.
        gamed: the rows of the gamed baselines.

    Raises:
        InputError: an instruction has no difficulty, or all outputs differ by the same length.
    """
    missing = [i for i in range(len(shares)) if i not in difficulty]
    if missing:
        raise InputError(
            f"no difficulty for {len(missing)} of {len(shares)} instructions, such as number "
            f"{missing[0]}: length control is made for AlpacaEval's own instructions"
        )
    delta = np.asarray(baseline_lengths, dtype=np.float64) - np.asarray(lengths)
    spread = float(np.std(delta, ddof=1)) if len(delta) > 1 else 0.0
    if spread == 0:
        raise InputError("all outputs differ from the baseline's by the same length")
    hard = np.array([difficulty[i] for i in range(len(shares))])
    there = np.array([s is not None for s in shares])
    ours = np.column_stack([np.tanh(delta / spread), hard, np.ones(len(hard))])[there]
    theirs = np.array([[math.tanh(g.delta), g.difficulty, 0.0] for g in gamed]).reshape(-1, 3)
    features = np.vstack([theirs, ours])
    targets = np.array([*(g.share for g in gamed), *(s for s in shares if s is not None)])
    weights = np.array([_GAMED_WEIGHT] * len(gamed) + [1.0] * len(ours))
    length, slope, model = _fit(features, targets, weights)
    predicted = _sigmoid(slope * hard + model)
    return LengthControlled(
        win_rate=100 * math.fsum(predicted) / len(predicted),
        length=length,
        difficulty=slope,
        model=model,
        exact=bool(gamed),
    )


def _fit(features: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> tuple[float, ...]:
    """Coefficients at the strength whose held-out likelihood is best."""
    # what scikit-learn's GroupKFold does with groups of equal size
    folds = (len(targets) - 1 - np.arange(len(targets))) % _FOLDS
    likelihoods: list[float] = []
    for strength in _STRENGTHS:
        held_out: list[float] = []
        for fold in range(_FOLDS):
            test = folds == fold
            coefficients = _lasso(features[~test], targets[~test], weights[~test], strength)
            p = np.clip(_sigmoid(features[test] @ coefficients), 1e-15, 1 - 1e-15)
            t = targets[test]
            held_out.append(
                float(np.mean(weights[test] * (t * np.log(p) + (1 - t) * np.log(1 - p))))
            )
        likelihoods.append(math.fsum(held_out))
    best = _STRENGTHS[int(np.argmax(likelihoods))]
    return tuple(float(c) for c in _lasso(features, targets, weights, best))


def _lasso(
    features: np.ndarray, targets: np.ndarray, weights: np.ndarray, strength: float
) -> np.ndarray:
    """The minimum of |w|₁ + strength · Σ weight · cross-entropy(target, σ(x·w)).

    By proximal Newton: a quadratic model of the second term, steps halved until the sum falls.
    """

    def loss(w: np.ndarray) -> float:
        z = features @ w
        entropy = targets * np.logaddexp(0, -z) + (1 - targets) * np.logaddexp(0, z)
        return float(np.abs(w).sum() + strength * (weights * entropy).sum())

    w = np.zeros(features.shape[1])
    value = loss(w)
    for _ in range(200):
        p = _sigmoid(features @ w)
        gradient = strength * features.T @ (weights * (p - targets))
        curvature = strength * (features.T * (weights * p * (1 - p))) @ features
        curvature += 1e-12 * np.eye(len(w))
        step = _descend(w, gradient, curvature) - w
        size = 1.0
        while size > 1e-10 and loss(w + size * step) > value:
            size /= 2
        w = w + size * step
        new = loss(w)
        if value - new <= 1e-13 * max(1.0, abs(new)):
            break
        value = new
    return w


def _descend(w: np.ndarray, gradient: np.ndarray, curvature: np.ndarray) -> np.ndarray:
    """The minimum of gradient·(v - w) + ½ (v - w)·curvature·(v - w) + |v|₁, by coordinates."""
    v = w.copy()
    for _ in range(100):
        before = v.copy()
        for j in range(len(v)):
            slope = gradient[j] + curvature[j] @ (v - w)
            target = v[j] - slope / curvature[j, j]
            v[j] = np.sign(target) * max(abs(target) - 1 / curvature[j, j], 0.0)
        if np.max(np.abs(v - before)) < 1e-12 * max(1.0, float(np.max(np.abs(v)))):
            break
    return v


def _sigmoid(z: np.ndarray) -> np.ndarray:
    return np.exp(-np.logaddexp(0, -z))


def _numbers(path: Path, columns: Sequence[str]) -> list[tuple[float, ...]]:
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text: {error}") from error
    rows = list(csv.DictReader(text.splitlines()))
    found: list[tuple[float, ...]] = []
    for number, row in enumerate(rows, 2):
        missing = [c for c in columns if c not in row]
        if missing:
            raise InputError(f"{path}: no column {missing[0]!r} (there are: {', '.join(row)})")
        try:
            found.append(tuple(float(row[c] or "nan") for c in columns))
        except ValueError as error:
            raise InputError(f"{path}:{number}: {error}") from error
    if not found:
        raise InputError(f"{path}: no rows in it")
    return found
