import math

import pytest

from xgen_eval import clustered_mean, mean_stderr, ratio_of_sums, wilson_interval


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [  # Newcombe 1998, Statistics in Medicine 17:857-872, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_interval_agrees_with_newcombe(successes, n, low, high):
    assert wilson_interval(successes, n) == pytest.approx((low, high), abs=5e-5)
    mirrored = wilson_interval(n - successes, n)
    assert mirrored == pytest.approx((1 - high, 1 - low), abs=5e-5)


def test_wilson_interval_at_the_ends_is_exact_and_narrower_with_less_confidence():
    assert wilson_interval(0, 7)[0] == 0.0
    assert wilson_interval(7, 7)[1] == 1.0
    wide, narrow = wilson_interval(3, 7, 0.99), wilson_interval(3, 7, 0.5)
    assert wide[0] < narrow[0] < 3 / 7 < narrow[1] < wide[1]


@pytest.mark.parametrize(("successes", "n", "confidence"), [(1, 0, 0.95), (3, 2, 0.95), (1, 2, 1)])
def test_wilson_interval_refuses_what_is_no_proportion(successes, n, confidence):
    with pytest.raises(ValueError):
        wilson_interval(successes, n, confidence)


def test_mean_stderr_is_sample_deviation_over_root_n():
    # 2 4 4 4 5 5 7 9: mean 5, squared deviations sum to 32, so sd² = 32 / 7
    estimate = mean_stderr([2, 4, 4, 4, 5, 5, 7, 9])
    assert estimate.value == 5
    assert estimate.stderr == pytest.approx(math.sqrt(32 / 7 / 8))
    assert estimate.n == 8


def test_one_unit_has_no_error():
    assert mean_stderr([3.5]) == (3.5, None, 1)
    assert clustered_mean([1.0, 2.0], ["a", "a"]) == (1.5, None, 1)


def test_ratio_of_sums_by_hand():
    # r = 12 / 6 = 2; residuals 1-2, 5-4, 6-6 = -1, 1, 0; sqrt(3/2 * 2) / 6
    estimate = ratio_of_sums([1, 5, 6], [1, 2, 3])
    assert estimate.value == 2
    assert estimate.stderr == pytest.approx(math.sqrt(3) / 6)


def test_clustered_mean_by_hand_and_against_copies():
    # mean 3; cluster sums of deviations: (1-3)+(2-3) = -3, (4-3)+(5-3) = 3; sqrt(2/1 * 18) / 4
    estimate = clustered_mean([1, 2, 4, 5], ["a", "a", "b", "b"])
    assert estimate == (3, pytest.approx(1.5), 2)
    # Copies of a value inside a cluster are no new evidence.
    values = [2.0, 4.0, 9.0]
    copied = clustered_mean(
        [v for v in values for _ in range(10)], [v for v in values for _ in range(10)]
    )
    assert copied == pytest.approx(mean_stderr(values))


def test_clusters_of_one_are_the_plain_error():
    values = [0.0, 1.0, 1.0, 0.0, 1.0]
    assert clustered_mean(values, range(5)) == pytest.approx(mean_stderr(values))


@pytest.mark.parametrize(("y", "x"), [([], []), ([1], [1, 2]), ([1, 2], [0, 0])])
def test_ratio_of_sums_refuses_what_has_no_ratio(y, x):
    with pytest.raises(ValueError):
        ratio_of_sums(y, x)
