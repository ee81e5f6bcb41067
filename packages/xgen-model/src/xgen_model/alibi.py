"""Attention with linear biases: a score loses `slope · distance`, with one slope a head."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float

__all__ = ["slopes"]


def slopes(n_heads: int) -> Float[np.ndarray, " n"]:
    """The slope of each head, as float32 (Press et al. 2021).

    For a power of two n they are 2^(-8/n), 2^(-16/n), …; for another n those of the next smaller
    power, then every other one of the next larger.
    """
    power = 2 ** math.floor(math.log2(n_heads))
    found = [2 ** (-8 * (i + 1) / power) for i in range(power)]
    found += [2 ** (-8 * (2 * i + 1) / (2 * power)) for i in range(n_heads - power)]
    return np.asarray(found, np.float32)
