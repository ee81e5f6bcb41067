"""Arithmetic on log-likelihoods."""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["argmax", "bits"]


def bits(nats: float) -> float:
    """Nats as bits."""
    return nats / math.log(2)


def argmax(values: Sequence[float]) -> int:
    """Index of the largest value; of equal ones the lowest."""
    return max(range(len(values)), key=values.__getitem__)
