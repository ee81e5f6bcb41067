"""pass@k against counting, its published check values, and when it is refused."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import pytest

from xgen_core import InputError
from xgen_eval.metrics.pass_at_k import Tally, pass_at_k, pass_scores


def test_it_equals_counting_every_set_of_k_samples():
    """Every n up to 12, every number of right samples, every k."""
    compared = 0
    for n in range(1, 13):
        for k in range(1, n + 1):
            # Of the samples 0..n-1 the first c are right: a set passes if its least one is.
            least = [min(drawn) for drawn in combinations(range(n), k)]
            for c in range(n + 1):
                exact = Fraction(sum(first < c for first in least), len(least))
                assert pass_at_k(n, c, k) == float(exact), (n, c, k)
                compared += 1
    assert compared == sum(n * (n + 1) for n in range(1, 13))


@pytest.mark.parametrize(
    ("n", "c", "k", "value"),
    [
        (20, 5, 1, 0.25),
        (100, 30, 5, 0.839243),
        (100, 30, 10, 0.977083),
        (100, 30, 20, 0.999698),
        (10, 3, 5, 0.916667),
        (100, 1, 10, 0.1),
        (20, 0, 1, 0.0),
        (20, 20, 1, 1.0),
    ],
)
def test_check_values(n, c, k, value):
    assert pass_at_k(n, c, k) == pytest.approx(value, abs=5e-7)


def test_more_right_samples_and_more_draws_never_lower_it():
    for n in (1, 7, 200):
        for k in {1, n // 2 or 1, n}:
            values = [pass_at_k(n, c, k) for c in range(n + 1)]
            assert values == sorted(values)
        for c in {0, 1, n}:
            values = [pass_at_k(n, c, k) for k in range(1, n + 1)]
            assert values == sorted(values)


@pytest.mark.parametrize(("n", "c", "k"), [(5, 6, 1), (5, -1, 1), (5, 2, 0), (5, 2, 6), (0, 0, 1)])
def test_impossible_counts_are_refused(n, c, k):
    with pytest.raises(ValueError, match="1 <= k <= n"):
        pass_at_k(n, c, k)


def test_every_problem_gets_every_k():
    scores = pass_scores({"a": Tally(4, 1), "b": Tally(4, 3)}, (1, 2))
    assert scores == {"a": {"pass@1": 0.25, "pass@2": 0.5}, "b": {"pass@1": 0.75, "pass@2": 1.0}}


def test_a_problem_with_too_few_samples_is_named():
    tallies = {"a": Tally(5, 1), "b": Tally(3, 1)}
    with pytest.raises(InputError, match=r"pass@5 needs 5 samples .* b has 3 \(1 of 2 problems"):
        pass_scores(tallies, (1, 5))
    assert pass_scores(tallies, (1, 3))["b"]["pass@3"] == 1.0
    with pytest.raises(InputError, match="there are none"):
        pass_scores({}, (1,))
