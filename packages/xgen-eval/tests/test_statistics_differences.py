"""Paired and independent differences: worked examples of their papers, enumeration, simulation."""

import itertools
import math

import numpy as np
import pytest

from xgen_eval.statistics import (
    Estimate,
    clustered_difference,
    detectable_difference,
    fisher_exact,
    holm,
    independent_difference,
    mcnemar,
    newcombe_interval,
    paired_bootstrap,
    paired_proportions,
    paired_t,
    proportion_difference,
    sign_flip_test,
    welch_difference,
)


def test_mcnemar_of_fagerland():
    # Fagerland, Lydersen and Laake 2013, table 1: 1 against 7 children
    assert mcnemar(1, 7) == pytest.approx((0.0703, 0.0391), abs=5e-5)
    assert mcnemar(7, 1) == mcnemar(1, 7)
    assert mcnemar(0, 0) == mcnemar(4, 4) == (1, 1)


def test_mcnemar_against_enumeration_of_all_signs():
    for won, lost in [(0, 5), (2, 7), (3, 4), (6, 6)]:
        n = won + lost
        sums = [sum(signs) for signs in itertools.product((1, -1), repeat=n)]
        as_far = sum(abs(s) >= abs(won - lost) for s in sums) / len(sums)
        assert mcnemar(won, lost).exact == pytest.approx(as_far)
        assert sign_flip_test([1.0] * won + [-1.0] * lost + [0.0] * 9) == pytest.approx(as_far)


def test_paired_proportions_by_hand():
    # 12 won, 5 lost of 100: value 0.07, squared differences 17, sd² = (17 - 0.49) / 99;
    # Agresti and Min: middle 7 / 102, half z · sqrt(18 - 49 / 102) / 102
    found = paired_proportions(12, 5, 100)
    assert found.value == pytest.approx(0.07)
    assert found.stderr == pytest.approx(math.sqrt((17 - 0.49) / 99 / 100))
    half = 1.959964 * math.sqrt(18 - 49 / 102) / 102
    assert found.interval == pytest.approx((7 / 102 - half, 7 / 102 + half), abs=1e-6)
    assert (found.p, found.n) == (mcnemar(12, 5).exact, 100)
    with pytest.raises(ValueError):
        paired_proportions(3, 3, 5)


def test_paired_t_by_hand():
    # Student's own sleep data (1908): differences of ten patients, t = 4.0621, p = 0.00283
    differences = [1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4]
    found = paired_t(differences)
    assert found.value / found.stderr == pytest.approx(4.0621, abs=1e-4)
    assert found.p == pytest.approx(0.00283, abs=1e-5)
    assert found.interval == pytest.approx((0.7001, 2.4599), abs=1e-4)


def test_sign_flips_drawn_and_enumerated_agree():
    random = np.random.default_rng(0)
    values = random.normal(0.35, 1, 14)
    exact = sign_flip_test(values)
    tiny = np.concatenate([values, [1e-9]])  # one more difference: signs are drawn, not listed
    assert sign_flip_test(tiny) == pytest.approx(exact, abs=0.015)
    assert sign_flip_test(tiny, seed=1) != sign_flip_test(tiny, seed=2)
    assert sign_flip_test([0.0, 0.0]) == 1


def test_the_bootstrap_leaves_out_zero_exactly_when_p_is_small():
    random = np.random.default_rng(7)
    outcomes = set()
    for trial in range(60):
        values = random.normal(0.35, 1, 30)
        found = paired_bootstrap(values, resamples=499, seed=trial)
        outside = not found.interval[0] <= 0 <= found.interval[1]
        assert outside == (found.p <= 0.05)
        outcomes.add(outside)
    assert outcomes == {True, False}


def test_the_bootstrap_agrees_with_student_on_what_is_normal():
    values = np.random.default_rng(4).normal(0.2, 1, 80)
    found, student = paired_bootstrap(values), paired_t(values)
    assert found[:2] == pytest.approx(student[:2])
    assert found.interval == pytest.approx(student.interval, abs=0.02)
    assert found.p == pytest.approx(student.p, abs=0.02)


def test_the_bootstrap_by_cluster_counts_clusters():
    values = np.random.default_rng(9).normal(0.3, 1, 40)
    copies = np.repeat(values, 10)
    clusters = np.repeat(np.arange(40), 10).tolist()
    alone, copied = paired_bootstrap(values), paired_bootstrap(copies, clusters)
    assert copied.n == 40
    assert copied[1] == pytest.approx(alone[1])
    assert copied.p == pytest.approx(alone.p)
    assert paired_bootstrap(copies).p < alone.p


def test_false_findings_are_as_rare_as_promised():
    random = np.random.default_rng(13)
    found = {"bootstrap": 0, "clusters": 0, "mcnemar": 0, "mid": 0}
    covered = 0
    for trial in range(500):
        skewed = random.gamma(1.5, 1, 25) - 1.5
        found["bootstrap"] += paired_bootstrap(skewed, resamples=399, seed=trial).p <= 0.05
        passages = np.repeat(random.normal(0, 1, 15), 4) + random.normal(0, 1, 60)
        labels = np.repeat(np.arange(15), 4).tolist()
        found["clusters"] += paired_bootstrap(passages, labels, resamples=399, seed=trial).p <= 0.05
        won, lost, _ = random.multinomial(60, [0.15, 0.15, 0.7])
        exact, mid = mcnemar(int(won), int(lost))
        found["mcnemar"] += exact <= 0.05
        found["mid"] += mid <= 0.05
        low, high = paired_proportions(int(won), int(lost), 60).interval
        covered += low <= 0 <= high
    rates = {name: count / 500 for name, count in found.items()}
    assert all(rate <= 0.075 for rate in rates.values()), rates
    assert rates["bootstrap"] >= 0.03
    assert rates["mcnemar"] <= rates["mid"]
    assert covered / 500 >= 0.94


def test_differences_without_spread_or_with_too_few_units():
    assert paired_bootstrap([0.0, 0.0, 0.0]) == (0, 0, (0, 0), 1, 3)
    assert paired_t([0.0, 0.0]).p == 1
    # Four equal differences: a coin does that with probability 1 / 8, whatever their size.
    assert paired_bootstrap([2.0] * 4) == (2, 0, None, 0.125, 4)
    assert paired_bootstrap([2.0]) == (2, None, None, None, 1)
    assert paired_bootstrap([1.0, 3.0, 2.0]).interval is None
    assert paired_bootstrap([1.0, 2.0], ["a", "a"]).n == 1


def test_newcombe_of_his_table():
    # Newcombe 1998, Statistics in Medicine 17:873-890, table II, method 10: 56/70 against 48/80
    assert newcombe_interval((48, 80), (56, 70)) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert newcombe_interval((0, 10), (10, 10)) == pytest.approx((0.6075, 1.0), abs=5e-5)


def test_fisher_of_the_lady_tasting_tea():
    # 3 of 4 and 1 of 4: tables at most as likely have 1 + 16 + 16 + 1 of 70 ways
    assert fisher_exact((3, 4), (1, 4)) == pytest.approx(34 / 70)
    assert fisher_exact((4, 4), (0, 4)) == pytest.approx(2 / 70)
    assert fisher_exact((0, 4), (0, 9)) == 1
    assert proportion_difference((1, 4), (3, 4))[::3] == (0.5, pytest.approx(34 / 70))


def test_welch_by_hand():
    # means 2 and 6, variances 1 and 4, n 3 each: stderr sqrt(5 / 3), df (25 / 9) / (17 / 18)
    found = welch_difference([1, 2, 3], [4, 6, 8])
    assert found.value == 4
    assert found.stderr == pytest.approx(math.sqrt(5 / 3))
    assert found.p == pytest.approx(0.0540, abs=1e-3)
    assert welch_difference([1.0], [2.0, 3.0]).interval is None
    assert welch_difference([1.0, 1.0], [1.0, 1.0]).p == 1


def test_independent_difference_by_hand():
    found = independent_difference(Estimate(0.36, 0.03, 100), Estimate(0.46, 0.04, 200))
    assert found.value == pytest.approx(0.1)
    assert found.stderr == pytest.approx(0.05)
    assert found.interval == pytest.approx((0.1 - 0.098, 0.1 + 0.098), abs=1e-4)
    assert found.p == pytest.approx(0.0455, abs=1e-4)
    assert independent_difference(Estimate(1, None, 1), Estimate(2, 0.1, 9)).p is None


def test_a_cluster_in_both_groups_cancels():
    # Every passage is asked in two forms; the form costs 1, the passages differ by far more.
    passages = [float(10 * i) for i in range(6)]
    noise = [0.1, -0.1, 0.2, -0.2, 0.0, 0.0]
    values = passages + [v + 1 + e for v, e in zip(passages, noise, strict=True)]
    second = [False] * 6 + [True] * 6
    found = clustered_difference(values, second, [*range(6), *range(6)])
    assert found[:2] == pytest.approx(paired_t([1 + e for e in noise])[:2])
    apart = clustered_difference(values, second, range(12))
    assert apart.stderr > 5
    # clusters of one are Welch's error but for the factor, which differs by n
    assert apart.stderr == pytest.approx(
        welch_difference(values[:6], values[6:]).stderr * math.sqrt(12 / 11 * 5 / 6)
    )


@pytest.mark.parametrize("second", [[True] * 3, [True, False]])
def test_groups_must_fit(second):
    with pytest.raises(ValueError):
        clustered_difference([1.0, 2.0, 3.0], second, "abc")


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1, 1]
    assert holm([]) == []
    with pytest.raises(ValueError):
        holm([1.2])


def test_detectable_difference_is_found_as_often_as_said():
    assert detectable_difference(1.0) == pytest.approx(2.8016, abs=1e-4)
    random = np.random.default_rng(21)
    shift = detectable_difference(1 / math.sqrt(100))
    found = sum(paired_t(random.normal(shift, 1, 100)).p <= 0.05 for _ in range(500))
    assert found / 500 == pytest.approx(0.8, abs=0.05)
