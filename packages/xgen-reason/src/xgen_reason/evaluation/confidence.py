"""Whether a method is surest where it is right: coverage, ranking and calibration.

All take a confidence (higher is surer) and a correctness (1 or 0) for each question.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

__all__ = ["auroc", "calibration_error", "coverage_auc", "risk_coverage"]

_SEGMENTS = 1000


def coverage_auc(confidences: Sequence[float], correct: Sequence[float]) -> float:
    """Area under the accuracy-coverage curve, 0 to 100: the AUC of Verify-and-Edit's table.

    It is not the area under the ROC. With the questions by falling confidence (equal ones in their
    order) and s = min(1000, n - 1) segments: the mean over k = 1 … s of the accuracy on the first
    ⌊n·k / s⌋. A single question is its own curve.

    Raises:
        ValueError: no questions, or not as many confidences.
    """
    ranked = _ranked(confidences, correct)
    n = len(ranked)
    segments = min(_SEGMENTS, n - 1)
    if not segments:
        return 100 * ranked[0]
    right = [0.0]
    for value in ranked:
        right.append(right[-1] + value)
    sizes = [n * k // segments for k in range(1, segments + 1)]
    return 100 * math.fsum(right[size] / size for size in sizes) / segments


def risk_coverage(
    confidences: Sequence[float], correct: Sequence[float]
) -> list[tuple[float, float]]:
    """Points of coverage and risk: of the surest questions, the part that is answered wrongly.

    Questions of equal confidence enter together, so the curve does not hang on their order.

    Raises:
        ValueError: no questions, or not as many confidences.
    """
    ranked = _ranked(confidences, correct)
    steps = sorted(confidences, reverse=True)
    points: list[tuple[float, float]] = []
    wrong = 0.0
    for place, value in enumerate(ranked, 1):
        wrong += 1 - value
        if place == len(ranked) or steps[place] != steps[place - 1]:
            points.append((place / len(ranked), wrong / place))
    return points


def auroc(confidences: Sequence[float], correct: Sequence[float]) -> float | None:
    """How often a right answer is surer than a wrong one; ties count half.

    Returns:
        None where all answers are right, or all wrong.

    Raises:
        ValueError: no questions, or not as many confidences.
    """
    _check(confidences, correct)
    right = [c for c, value in zip(confidences, correct, strict=True) if value]
    wrong = sorted(c for c, value in zip(confidences, correct, strict=True) if not value)
    if not right or not wrong:
        return None
    above = sum((bisect_left(wrong, c) + bisect_right(wrong, c)) / 2 for c in right)
    return above / (len(right) * len(wrong))


def calibration_error(
    probabilities: Sequence[float], correct: Sequence[float], *, bins: int = 10
) -> float:
    """Expected calibration error (Naeini et al. 2015): |accuracy - confidence|, by equal bins.

    Args:
        probabilities: confidences in [0, 1].
        correct: 1 or 0 for each.
        bins: of equal width.

    Raises:
        ValueError: no questions, not as many confidences, or one outside [0, 1].
    """
    _check(probabilities, correct)
    if not all(0 <= p <= 1 for p in probabilities):
        raise ValueError("a calibration error needs confidences in [0, 1]")
    groups: dict[int, list[tuple[float, float]]] = {}
    for p, value in zip(probabilities, correct, strict=True):
        groups.setdefault(min(int(p * bins), bins - 1), []).append((p, value))
    gaps = [math.fsum(p - value for p, value in group) for _, group in sorted(groups.items())]
    return math.fsum(map(abs, gaps)) / len(probabilities)


def _ranked(confidences: Sequence[float], correct: Sequence[float]) -> list[float]:
    _check(confidences, correct)
    pairs = sorted(zip(confidences, correct, strict=True), key=lambda pair: -pair[0])
    return [float(value) for _, value in pairs]


def _check(confidences: Sequence[float], correct: Sequence[float]) -> None:
    if len(confidences) != len(correct) or not correct:
        raise ValueError(
            f"expected as many confidences as answers, got {len(confidences)} and {len(correct)}"
        )
