"""The distributions that tests and intervals need; numpy brings none of them."""

from __future__ import annotations

import math
from statistics import NormalDist

__all__ = ["beta_cdf", "binomial_tail", "normal_cdf", "normal_quantile", "t_cdf", "t_quantile"]

_NORMAL = NormalDist()
_TINY = 1e-300


def normal_cdf(x: float) -> float:
    """P(Z ≤ x) of the standard normal distribution."""
    return _NORMAL.cdf(x)


def normal_quantile(p: float) -> float:
    """The x with P(Z ≤ x) = p.

    Raises:
        ValueError: p outside (0, 1).
    """
    if not 0 < p < 1:
        raise ValueError(f"a probability in (0, 1) was expected, got {p}")
    return _NORMAL.inv_cdf(p)


def binomial_tail(k: int, n: int) -> float:
    """P(X ≤ k) for X heads in n throws of a fair coin, from whole numbers: no rounding adds up.

    Raises:
        ValueError: k below -1 or above n.
    """
    if not -1 <= k <= n:
        raise ValueError(f"expected -1 <= k <= n, got k {k} and n {n}")
    total, ways = 0, 1
    for i in range(k + 1):
        total += ways
        ways = ways * (n - i) // (i + 1)
    return total / 2**n


def beta_cdf(x: float, a: float, b: float) -> float:
    """P(X ≤ x) of the beta distribution, the regularised incomplete beta function.

    By its continued fraction (*NIST Handbook of Mathematical Functions*, 8.17.22), which converges
    quickly below (a + 1) / (a + b + 2); above, by symmetry. Good to 1e-12, with parameters in the
    millions to 1e-9, which is what differences of `math.lgamma` leave.

    Raises:
        ValueError: x outside [0, 1], or a or b not above 0.
    """
    if not 0 <= x <= 1 or not (a > 0 and b > 0):
        raise ValueError(f"expected 0 <= x <= 1, a > 0 and b > 0, got {x}, {a}, {b}")
    if x in (0, 1):
        return float(x)
    if x > (a + 1) / (a + b + 2):
        return 1 - beta_cdf(1 - x, b, a)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    log_front += a * math.log(x) + b * math.log1p(-x)
    return math.exp(log_front) / a / _beta_fraction(x, a, b)


def _beta_fraction(x: float, a: float, b: float) -> float:
    """1 + d1/(1 + d2/(1 + …)) by Lentz's method: numerator and denominator go forward together."""
    value = c = 1.0
    d = 0.0
    for m in range(1, 10_000):
        half = m // 2
        if m % 2:
            step = -(a + half) * (a + b + half) * x / ((a + 2 * half) * (a + 2 * half + 1))
        else:
            step = half * (b - half) * x / ((a + 2 * half - 1) * (a + 2 * half))
        d = 1 / (1 + step * d or _TINY)
        c = 1 + step / c or _TINY
        value *= c * d
        if abs(c * d - 1) < 1e-15:
            return value
    raise ArithmeticError(f"the incomplete beta function did not converge at {x}, {a}, {b}")


def t_cdf(t: float, df: float) -> float:
    """P(T ≤ t) of Student's distribution with `df` degrees of freedom.

    Raises:
        ValueError: df not above 0.
    """
    if not df > 0:
        raise ValueError(f"degrees of freedom must be above 0, got {df}")
    if math.isinf(t):
        return 1.0 if t > 0 else 0.0
    # Of the two forms, the one whose argument is not close to 1, where digits would be lost.
    if t * t < df:
        inside = beta_cdf(t * t / (df + t * t), 0.5, df / 2)
        return 0.5 + math.copysign(inside / 2, t)
    tail = beta_cdf(df / (df + t * t), df / 2, 0.5) / 2
    return 1 - tail if t > 0 else tail


def t_quantile(p: float, df: float) -> float:
    """The t with P(T ≤ t) = p.

    Raises:
        ValueError: p outside (0, 1), or df not above 0.
    """
    if not 0 < p < 1:
        raise ValueError(f"a probability in (0, 1) was expected, got {p}")
    if p == 0.5:
        return 0.0
    if p > 0.5:
        return -t_quantile(1 - p, df)
    low = high = -1.0
    while t_cdf(low, df) > p:
        low *= 2
    high = low / 2 if low < -1 else 0.0
    while high - low > 1e-13 * -low:
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if t_cdf(middle, df) < p else (low, middle)
    return (low + high) / 2
