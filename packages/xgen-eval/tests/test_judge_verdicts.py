import math

import pytest

from xgen_core import Completion, TokenLogprob
from xgen_eval.judges.agreement import cohen_kappa, mean_kappa
from xgen_eval.judges.verdicts import (
    letter_preference,
    logprob_preference,
    ranking_preference,
    read_rating,
    read_verdict,
)
from xgen_eval.judges.win_rate import win_rate


@pytest.mark.parametrize(
    ("text", "last", "first"),
    [
        ("Good.\nRating: [[7]]", 7, 7),
        ("Rating: [[8.5]]", 8.5, 8.5),
        ("Not [[3]] but [[9]]", 9, 3),
        ("Rating: [6]", 6, 6),
        ("As said in [2], it earns [[4]]", 4, 4),  # double brackets win over single ones
        ("Rating: [[10]] of [10]", 10, 10),
        ("Rating: 7", None, None),
        ("Rating: [[seven]]", None, None),
        ("", None, None),
        ("Rating: [[85]]", None, 85),  # FastChat takes any number
        ("[[0]]", None, 0),
        (f"[[{'9' * 400}]]", None, None),
    ],
)
def test_a_rating_is_the_last_number_in_brackets(text, last, first):
    assert read_rating(text) == last
    assert read_rating(text, first=True) == first


@pytest.mark.parametrize(
    ("text", "last", "first"),
    [
        ("[[A]]", "A", "A"),
        ("[[B]]", "B", "B"),
        ("[[C]]", "tie", "tie"),
        ("The user wrote [[A]]. My verdict: [[B]]", "B", "A"),
        ("[[C]] or [[B]]", "B", "B"),
        ("[[B]] no, [[C]]", "tie", "B"),
        ("A is better", None, None),
        ("[[D]]", None, None),
    ],
)
def test_the_last_verdict_counts(text, last, first):
    assert read_verdict(text) == last
    assert read_verdict(text, first=True) == first


@pytest.mark.parametrize(
    ("text", "preference"),
    [
        ("[{'model': 'model_1', 'rank': 1}, {'model': 'model_2', 'rank': 2}]", 1),
        ("\n [{'model': 'model_2', 'rank': 1}, {'model': 'model_1', 'rank': 2}]", 2),
        ("[{'model': 'model_1', 'rank': 3}]", None),
        ("[{'model': 'model_2', 'rank': 1}]", None),
        ("[{'model': 'model_1'}]", None),
        ("model_1", None),
        ("[1, 2]", None),
        ("7", None),
        ("__import__('os').getcwd()", None),
        ("[" * 20000, None),
        ("", None),
    ],
)
def test_a_ranking_is_a_python_list(text, preference):
    assert ranking_preference(text) == preference


def completion(text, logprob, top):
    token = TokenLogprob(id=0, text=text, logprob=logprob, top=top)
    return Completion(text=text, finish_reason="length", logprobs=(token,))


def test_a_preference_weighs_both_letters():
    said = completion("M", math.log(0.6), {"M": math.log(0.6), "m": math.log(0.2), "x": -3.0})
    assert logprob_preference(said) == pytest.approx(2 - 0.2 / 0.8)
    assert logprob_preference(completion("m", -0.1, {})) == 1
    assert logprob_preference(completion("M", -0.1, {"the": -2.0})) == 2
    assert logprob_preference(completion("Both", -0.1, {"the": -2.0})) is None
    assert logprob_preference(Completion(text="m", finish_reason="stop")) is None


def test_a_letter_alone_is_a_whole_preference():
    assert letter_preference(" m\n") == 1
    assert letter_preference('"M".') == 2
    assert letter_preference("model m") is None


def test_win_rate_by_hand():
    # two wins, one loss, a draw of each code, a leaning one: shares 1 1 0 .5 .5 .75
    found = win_rate([2, 2, 1, 0, 1.5, 1.75])
    assert found.win_rate == pytest.approx(62.5)
    squares = [(s - 0.625) ** 2 for s in (1, 1, 0, 0.5, 0.5, 0.75)]
    assert found.standard_error == pytest.approx(100 * math.sqrt(sum(squares) / 5 / 6))
    assert found.discrete_win_rate == pytest.approx(100 * 4 / 6)
    assert (found.n_wins, found.n_wins_base, found.n_draws) == (3, 1, 2)
    assert (found.n_total, found.dropped) == (6, 0)


def test_what_is_no_preference_is_dropped_and_counted():
    found = win_rate([2, None, float("nan"), 3.0, -1])
    assert (found.win_rate, found.n_total, found.dropped) == (100, 1, 4)
    assert found.standard_error is None
    with pytest.raises(ValueError, match="none of 1 values"):
        win_rate([None])


def test_kappa_by_hand():
    # agreement 3/4; by chance 1/2·3/4 + 1/2·1/4 = 1/2
    assert cohen_kappa(["A", "A", "B", "B"], ["A", "A", "A", "B"]) == pytest.approx(0.5)
    assert cohen_kappa(["A", "B"], ["B", "A"]) == pytest.approx(-1)
    assert cohen_kappa(["A", "A"], ["A", "A"]) is None
    # squared distances 0 0 1: mean 1/3; all pairs of {1, 2, 3} and {1, 2, 4}: 21/9
    quadratic = cohen_kappa([1, 2, 3], [1, 2, 4], quadratic=True)
    assert quadratic == pytest.approx(1 - (1 / 3) / (21 / 9))
    with pytest.raises(ValueError, match="as many labels"):
        cohen_kappa(["A"], [])


def test_repeats_are_compared_on_what_all_answered():
    rounds = [["A", "B", None, "B"], ["A", "B", "A", "A"], ["A", "B", "B", "B"]]
    pairs = [1 - (1 / 3) / (1 - (2 + 2) / 9), 1.0, 1 - (2 / 4) / (1 - (3 * 1 + 1 * 3) / 16)]
    # rounds 1 and 2 share A B B / A B A, 1 and 3 share A B B twice, 2 and 3 are A B A A / A B B B
    assert mean_kappa(rounds) == pytest.approx(sum(pairs) / 3)
    assert mean_kappa([["A", None], [None, "A"]]) is None
