"""A linear text classifier in plain numpy, good enough to tell odd labels from usual ones.

Features are words and pairs of words, weighted by TF-IDF and scaled to length one; the model is
multinomial logistic regression with an L2 penalty. With rows of length one the loss has a gradient
whose Lipschitz constant is known (at most 1/2 for softmax; Böhning 1992), so Nesterov's method
needs no learning rate, no seed and no tuning: the same data give the same weights.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from xgen_data.instruction.parts import words

__all__ = ["Features", "Floats", "fit", "predict", "text_features"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MAX_WORDS = 2000
"""Words of a text that are looked at: its beginning and its end, where instructions stand."""
PENALTY = 0.1
"""L2 penalty per row: the loss is `mean cross-entropy + PENALTY / (2 n) · |weights|²`."""
STEPS = 200
"""The most steps; fewer where no weight moves by `TOLERANCE` any more."""
TOLERANCE = 1e-4


class Features(NamedTuple):
    """A sparse matrix by rows: row `i` has `values[o[i]:o[i + 1]]` in `columns[o[i]:o[i + 1]]`.

    The last of `width` columns is 1 in every row, for the intercept.
    """

    offsets: Ints
    columns: Ints
    values: Floats
    width: int

    def rows(self, chosen: Ints) -> Features:
        """The chosen rows, in that order."""
        sizes = np.diff(self.offsets)[chosen]
        offsets = np.concatenate([[0], np.cumsum(sizes)])
        place = np.arange(offsets[-1]) + np.repeat(self.offsets[chosen] - offsets[:-1], sizes)
        return Features(offsets, self.columns[place], self.values[place], self.width)


def text_features(texts: Sequence[str]) -> Features:
    """Features of texts; those that only one text has are left out, as nothing follows from them.

    Document frequencies are counted over all the texts: labels are not looked at.
    """
    names: dict[str, int] = {}
    offsets, columns, counts = [0], [np.empty(0, np.int64)], [np.empty(0, np.float64)]
    for text in texts:
        found = words(text)
        if len(found) > MAX_WORDS:
            found = found[: MAX_WORDS // 2] + found[-MAX_WORDS // 2 :]
        grams = found + [f"{a} {b}" for a, b in pairwise(found)]
        ids = np.array([names.setdefault(gram, len(names)) for gram in grams], np.int64)
        unique, count = np.unique(ids, return_counts=True)
        columns.append(unique)
        counts.append(1 + np.log(count))
        offsets.append(offsets[-1] + len(unique))
    return _weighted(np.array(offsets), np.concatenate(columns), np.concatenate(counts), len(names))


def fit(features: Features, labels: Ints, classes: int) -> Floats:
    """Weights `[width, classes]` of the classifier.

    Args:
        features: `n` rows.
        labels: `[n]`, each below `classes`.
        classes: how many labels there are.
    """
    n = len(labels)
    truth = np.zeros((n, classes))
    truth[np.arange(n), labels] = 1
    row = np.repeat(np.arange(n), np.diff(features.offsets))
    penalty = np.full((features.width, 1), PENALTY / n)
    penalty[-1] = 1e-6 / n  # the intercept is as good as free
    step = 1 / (1 + PENALTY / n)  # rows are of length √2 with the intercept: 1/2 · 2
    weights = np.zeros((features.width, classes))
    ahead, momentum = weights, 1.0
    for _ in range(STEPS):
        error = predict(features, ahead) - truth
        pull = np.empty_like(weights)
        for c in range(classes - 1):
            pulled = features.values * error[row, c]
            pull[:, c] = np.bincount(features.columns, pulled, minlength=features.width)
        pull[:, -1] = -pull[:, :-1].sum(axis=1)  # a row's errors sum to nothing
        moved = ahead - step * (pull / n + penalty * ahead)
        following = (1 + math.sqrt(1 + 4 * momentum**2)) / 2
        ahead = moved + (momentum - 1) / following * (moved - weights)
        still = np.abs(moved - weights).max() < TOLERANCE
        weights, momentum = moved, following
        if still:
            break
    return weights


def predict(features: Features, weights: Floats) -> Floats:
    """Probabilities `[n, classes]`; each row sums to one."""
    scores = np.empty((len(features.offsets) - 1, weights.shape[1]))
    for c in range(weights.shape[1]):  # class by class: memory does not grow with their number
        products = features.values * weights[features.columns, c]
        scores[:, c] = np.add.reduceat(products, features.offsets[:-1])
    scores -= scores.max(axis=1, keepdims=True)
    np.exp(scores, out=scores)
    return scores / scores.sum(axis=1, keepdims=True)


def _weighted(offsets: Ints, columns: Ints, counts: Floats, names: int) -> Features:
    """TF-IDF, rows of length one, and a column of ones behind."""
    n = len(offsets) - 1
    frequency = np.bincount(columns, minlength=names)
    number = np.cumsum(frequency > 1) - 1  # of columns that stay
    width = int((frequency > 1).sum()) + 1
    row = np.repeat(np.arange(n), np.diff(offsets))
    stays = frequency[columns] > 1
    row, columns, counts = row[stays], columns[stays], counts[stays]
    values = counts * (1 + np.log((1 + n) / (1 + frequency[columns])))
    length = np.sqrt(np.bincount(row, values**2, minlength=n))
    values = values / length[row]
    row = np.concatenate([row, np.arange(n)])
    order = np.argsort(row, kind="stable")
    columns = np.concatenate([number[columns], np.full(n, width - 1)])[order]
    values = np.concatenate([values, np.ones(n)])[order]
    offsets = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=n))])
    return Features(offsets, columns, values, width)
