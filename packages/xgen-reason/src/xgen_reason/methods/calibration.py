"""How likely an answer is right, from two features of its chain (Ye & Durrett 2022).

Verify-and-Edit's authors calibrate with the gold answer among the texts that a step may be found
in, which gives away what is to be predicted; here a step is held against the question and its
paragraphs alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from xgen_reason.chain import Chain
from xgen_reason.knowledge.words import content_words
from xgen_reason.question import Question

__all__ = ["chain_features", "fit_logistic", "validness"]

_ROUNDS = 100
_TOLERANCE = 1e-10


def validness(chain: Chain, question: Question) -> float:
    """The worst step's support, from 0 to 1.

    A step's support is the longest common subsequence of its content-word stems with those of the
    question or of the best of its paragraphs, over the number of the step's stems. (The authors
    take nouns, verbs and numbers by a tagger; content words need none.) A chain without steps, or
    with a step without content words, claims nothing there that could be unsupported.
    """
    texts = [question.full, *(f"{p.title} {p.text}" for p in question.paragraphs)]
    supports = [content_words(text) for text in texts]
    worst = 1.0
    for step in chain.steps:
        stems = content_words(step)
        if stems:
            best = max(_common(stems, support) for support in supports)
            worst = min(worst, best / len(stems))
    return worst


def chain_features(chain: Chain, question: Question) -> tuple[float, float]:
    """exp(summed log-probability of the answer's tokens), and validness cubed.

    Raises:
        ValueError: the chain's answer has no log-probability.
    """
    if chain.answer_logprob is None:
        raise ValueError("the answer has no log-probability")
    return math.exp(chain.answer_logprob), validness(chain, question) ** 3


def fit_logistic(
    features: Sequence[Sequence[float]], right: Sequence[bool], *, c: float = 10.0
) -> tuple[float, ...]:
    """Intercept and weights of a logistic regression, by Newton's method.

    Minimises |weights|² / 2 + c × the summed log loss; the intercept goes free.

    Args:
        features: shape (items, features).
        right: by item.
        c: inverse strength of the penalty.

    Raises:
        ValueError: no items, or all right, or all wrong.
    """
    if len(set(right)) < 2:
        raise ValueError("a regression needs items that are right and items that are wrong")
    x = np.column_stack([np.ones(len(right)), np.asarray(features, dtype=np.float64)])
    y = np.asarray(right, dtype=np.float64)
    penalty = np.diag([0.0] + [1.0] * (x.shape[1] - 1))
    weights = np.zeros(x.shape[1])
    loss = _loss(x, y, weights, penalty, c)
    for _ in range(_ROUNDS):
        p = 1 / (1 + np.exp(-(x @ weights)))
        gradient = penalty @ weights + c * (x.T @ (p - y))
        hessian = penalty + c * (x.T * (p * (1 - p))) @ x
        step = np.linalg.solve(hessian, gradient)
        size = 1.0
        while (after := _loss(x, y, weights - size * step, penalty, c)) > loss and size > 1e-6:
            size /= 2
        weights, loss = weights - size * step, after
        if float(np.abs(size * step).max()) < _TOLERANCE:
            break
    return tuple(float(w) for w in weights)


def _loss(
    x: np.ndarray, y: np.ndarray, weights: np.ndarray, penalty: np.ndarray, c: float
) -> float:
    z = x @ weights
    return float(weights @ penalty @ weights / 2 + c * (np.logaddexp(0, z) - y * z).sum())


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """Length of the longest common subsequence."""
    row = [0] * (len(other) + 1)
    for word in one:
        before = 0
        for j, there in enumerate(other, 1):
            before, row[j] = row[j], before + 1 if word == there else max(row[j], row[j - 1])
    return row[-1]
