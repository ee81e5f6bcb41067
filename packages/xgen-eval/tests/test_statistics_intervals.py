"""Distributions, Student's interval and the bootstrap: by tables, by hand, by simulation."""

import itertools
import math

import numpy as np
import pytest

from xgen_eval.statistics import (
    Estimate,
    bca_interval,
    binomial_stderr,
    clustered_mean,
    mean_stderr,
    percentile_interval,
    ratio_of_sums,
    t_interval,
)
from xgen_eval.statistics.distributions import beta_cdf, binomial_tail, t_cdf, t_quantile


@pytest.mark.parametrize(
    ("p", "df", "t"),
    [  # any printed table of Student's t
        (0.975, 1, 12.706),
        (0.975, 4, 2.776),
        (0.95, 10, 1.812),
        (0.995, 30, 2.750),
        (0.9995, 2, 31.599),
        (0.975, 1e6, 1.960),
    ],
)
def test_t_quantiles_of_the_table(p, df, t):
    assert t_quantile(p, df) == pytest.approx(t, abs=6e-4)
    assert t_quantile(1 - p, df) == -t_quantile(p, df)
    assert t_cdf(t_quantile(p, df), df) == pytest.approx(p, abs=1e-10)


def test_t_cdf_in_closed_form():
    for t in (-50.0, -2.0, -0.1, 0.0, 0.3, 7.0):
        assert t_cdf(t, 1) == pytest.approx(0.5 + math.atan(t) / math.pi, abs=1e-13)
        assert t_cdf(t, 2) == pytest.approx(0.5 + t / 2 / math.sqrt(2 + t * t), abs=1e-13)
    assert (t_cdf(math.inf, 3), t_cdf(-math.inf, 3)) == (1, 0)


def test_beta_cdf_against_the_binomial_sum():
    # P(X >= k) of n throws with probability x is the beta distribution (k, n - k + 1) up to x.
    for n, k, x in itertools.product((1, 5, 40), (1, 3, 38), (0.01, 0.5, 0.93)):
        if k <= n:
            tail = sum(math.comb(n, i) * x**i * (1 - x) ** (n - i) for i in range(k, n + 1))
            assert beta_cdf(x, k, n - k + 1) == pytest.approx(tail, abs=1e-13)


def test_binomial_tail_is_exact_for_thousands():
    assert binomial_tail(1, 8) == 9 / 256
    assert binomial_tail(-1, 8) == 0
    assert binomial_tail(8, 8) == 1
    # An odd number of throws is split in halves by symmetry, whatever its size.
    assert binomial_tail(3000, 6001) == 0.5


@pytest.mark.parametrize("call", [lambda: t_quantile(1, 3), lambda: t_cdf(0, 0)])
def test_distributions_refuse_what_is_no_probability(call):
    with pytest.raises(ValueError):
        call()


def test_t_interval_by_hand():
    # 2 4 4 4 5 5 7 9: mean 5, stderr sqrt(32 / 7 / 8), t of 7 degrees of freedom 2.3646
    low, high = t_interval(mean_stderr([2, 4, 4, 4, 5, 5, 7, 9]))
    half = 2.3646 * math.sqrt(32 / 56)
    assert (low, high) == pytest.approx((5 - half, 5 + half), abs=1e-4)
    assert t_interval(Estimate(1.0, None, 1)) is None


def test_percentile_interval_of_few_units_by_enumeration():
    # Three units have 27 resamples; the quantiles of their means are known exactly.
    values = [0.0, 1.0, 5.0]
    means = sorted(sum(draw) / 3 for draw in itertools.product(values, repeat=3))
    exact = np.quantile(means, [0.1, 0.9])
    drawn = percentile_interval(values, confidence=0.8, resamples=20_000)
    assert drawn == pytest.approx(tuple(exact))


def test_bootstrap_of_a_ratio_is_near_its_formula():
    random = np.random.default_rng(5)
    weights = random.integers(1, 9, 300).astype(float)
    units = np.stack([weights * random.normal(2, 1, 300), weights], axis=1)
    value, stderr, _ = ratio_of_sums(units[:, 0], units[:, 1])
    for interval in (percentile_interval(units), bca_interval(units)):
        assert interval == pytest.approx((value - 1.96 * stderr, value + 1.96 * stderr), abs=0.02)


def test_bootstrap_of_another_figure_of_sums():
    # exp of a mean: quantiles go through a monotone function.
    values = np.random.default_rng(1).normal(0, 1, 50)
    plain = percentile_interval(values)
    powered = percentile_interval(
        np.stack([values, np.ones(50)], axis=1), lambda sums: np.exp(sums[:, 0] / sums[:, 1])
    )
    assert powered == pytest.approx(tuple(np.exp(plain)), rel=1e-3)


def test_bca_moves_towards_the_long_tail():
    values = np.random.default_rng(2).exponential(1, 40)
    plain, moved = percentile_interval(values), bca_interval(values)
    assert moved[0] > plain[0]
    assert moved[1] > plain[1]
    assert bca_interval([3.0, 3.0, 3.0]) == (3.0, 3.0)


def test_the_seed_decides_the_draws():
    values = list(range(20))
    assert bca_interval(values, seed=1) == bca_interval(values, seed=1)
    assert bca_interval(values, seed=1) != bca_interval(values, seed=2)


def test_intervals_cover_the_true_mean_as_often_as_they_say():
    # 400 samples of 25 from a skewed distribution of mean 1: a third of the miss is allowed.
    random = np.random.default_rng(11)
    hits = {"t": 0, "percentile": 0, "bca": 0}
    for trial in range(400):
        values = random.gamma(2.0, 0.5, 25)
        intervals = {
            "t": t_interval(mean_stderr(values), 0.9),
            "percentile": percentile_interval(values, confidence=0.9, resamples=999, seed=trial),
            "bca": bca_interval(values, confidence=0.9, resamples=999, seed=trial),
        }
        for name, (low, high) in intervals.items():
            hits[name] += low <= 1 <= high
    assert {name: count / 400 for name, count in hits.items()} == pytest.approx(
        {"t": 0.9, "percentile": 0.9, "bca": 0.9}, abs=0.035
    )


def test_clusters_widen_the_interval_to_its_coverage():
    # Five items of one passage share an effect: by item the interval would cover about half.
    random = np.random.default_rng(3)
    covered = {"clusters": 0, "items": 0}
    for _ in range(400):
        values = (random.normal(0, 1, 20)[:, None] + random.normal(0, 0.3, (20, 5))).ravel()
        passages = np.repeat(np.arange(20), 5).tolist()
        for name, estimate in (
            ("clusters", clustered_mean(values, passages)),
            ("items", mean_stderr(values)),
        ):
            low, high = t_interval(estimate)
            covered[name] += low <= 0 <= high
    assert covered["clusters"] / 400 == pytest.approx(0.95, abs=0.025)
    assert covered["items"] / 400 < 0.75


def test_binomial_stderr_of_published_values():
    # In percentage points: MMLU, ARC-challenge, HumanEval
    assert 100 * binomial_stderr(0.363, 14042) == pytest.approx(0.41, abs=0.005)
    assert 100 * binomial_stderr(0.412, 1172) == pytest.approx(1.44, abs=0.005)
    assert 100 * binomial_stderr(0.142, 164) == pytest.approx(2.73, abs=0.005)
    assert binomial_stderr(0.0, 164) == pytest.approx(math.sqrt(2 * 166 / 168**3))
    assert binomial_stderr(1.0, 164) == pytest.approx(binomial_stderr(0.0, 164))


@pytest.mark.parametrize("units", [[], np.zeros((0, 2))])
def test_a_bootstrap_of_nothing_is_refused(units):
    with pytest.raises(ValueError):
        percentile_interval(units)
    with pytest.raises(ValueError):
        bca_interval([1.0])
