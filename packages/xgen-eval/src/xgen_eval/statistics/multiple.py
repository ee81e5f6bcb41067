"""Many tests at once, and tests that could not have seen anything."""

from __future__ import annotations

from collections.abc import Sequence

from xgen_eval.statistics.distributions import normal_quantile
from xgen_eval.statistics.intervals import two_sided

__all__ = ["ALPHA", "detectable_difference", "holm"]

ALPHA = 0.05
"""A corrected p of at most this is called a difference."""


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values corrected for their number (Holm 1979), in the given order.

    Calling everything at most 0.05 a finding is wrong anywhere in the list with a probability of at
    most 0.05, however the tests depend on each other.

    Raises:
        ValueError: a value outside [0, 1].
    """
    if any(not 0 <= p <= 1 for p in p_values):
        raise ValueError(f"p-values lie in [0, 1], got {list(p_values)}")
    corrected = [0.0] * len(p_values)
    largest = 0.0
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    for place, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - place) * p_values[index]))
        corrected[index] = largest
    return corrected


def detectable_difference(stderr: float, confidence: float = 0.95, power: float = 0.8) -> float:
    """The smallest true difference that a test with this standard error finds with that power.

    (z of the confidence + z of the power) · stderr: 2.80 standard errors by default.

    Raises:
        ValueError: a confidence or power outside (0, 1), or a negative standard error.
    """
    if stderr < 0:
        raise ValueError(f"a standard error must not be negative, got {stderr}")
    return (normal_quantile(two_sided(confidence)) + normal_quantile(power)) * stderr
