"""Votes and gates: the published truth table, and what may not happen any more."""

import math

import pytest

from xgen_core import CapabilityError
from xgen_reason import Chain
from xgen_reason.gates import EntropyGate, ProbabilityGate, VotesGate, make_gate
from xgen_reason.votes import count_votes, likeliest


def chains(*answers, logprobs=None):
    values = logprobs or [None] * len(answers)
    return [Chain(answer=a, logprob=v) for a, v in zip(answers, values, strict=True)]


def certain(gate, *answers, logprobs=None):
    drawn = chains(*answers, logprobs=logprobs)
    return gate.certain(gate.weigh(count_votes(drawn), drawn))


def split(votes, kept):
    """Samples of which so many agree, and no two others do."""
    return [*["x"] * votes, *(f"y{i}" for i in range(kept - votes))]


@pytest.mark.parametrize(
    ("votes", "kept", "kept_as_it_is"),
    [
        *((1, 5, False), (2, 5, False), (3, 5, True), (4, 5, True), (5, 5, True)),
        *((1, 4, False), (2, 4, True), (1, 3, False), (2, 3, True), (1, 2, True), (1, 1, True)),
    ],
)
def test_the_truth_table_of_votes(votes, kept, kept_as_it_is):
    assert certain(VotesGate(), *split(votes, kept)) is kept_as_it_is


@pytest.mark.parametrize("gate", [VotesGate(), ProbabilityGate(), EntropyGate()])
def test_no_answer_is_never_certain(gate):
    assert certain(gate) is False
    assert certain(gate, "", "", "") is False


def test_shares_of_the_scripts():
    assert certain(VotesGate(share=0.7), *split(3, 5)) is False  # FEVER edits 3 of 5, too
    assert certain(VotesGate(share=0.7), *split(4, 5)) is True
    assert certain(VotesGate(share=0.3), *split(2, 5)) is True
    assert certain(VotesGate(share=0.3), *split(1, 5)) is False
    assert 0.56 * 25 > 14  # by rounding alone
    assert certain(VotesGate(share=0.56), *split(14, 25)) is True


def test_abstentions_do_not_count_as_votes():
    assert certain(VotesGate(), "x", "x", "y", "z", "") is True  # 2 of 4 that were kept
    assert count_votes(chains("x", "", "y"))[0].share == 0.5


def test_probabilities_are_held_against_their_own_thresholds():  # VE defect 1
    sure, unsure = math.log(0.9), math.log(0.5)
    assert certain(ProbabilityGate(threshold=3), *"xxxxx", logprobs=[sure] * 5) is True  # 4.5
    assert certain(ProbabilityGate(threshold=3), *"xxxxx", logprobs=[unsure] * 5) is False  # 2.5
    assert certain(ProbabilityGate(threshold=3.5), *"xxxxy", logprobs=[sure] * 5) is True  # 3.6
    assert certain(ProbabilityGate(threshold=3.6), *"xxxyz", logprobs=[sure] * 5) is False
    # votes are shares of what was kept: five of five are certain, whatever thresholds sums have
    assert certain(VotesGate(), *"xxxxx") is True


def test_the_winner_of_a_weighted_vote_has_the_highest_sum():
    drawn = chains(*"xxyyy", logprobs=[0.0, 0.0, *[math.log(0.1)] * 3])
    assert count_votes(drawn)[0].answer == "y"
    winner = ProbabilityGate().weigh(count_votes(drawn), drawn)[0]
    assert (winner.answer, winner.count, winner.weight) == ("x", 2, 2.0)


def test_a_weighted_vote_needs_log_probabilities():
    with pytest.raises(CapabilityError, match="'probability' needs log-probabilities"):
        certain(ProbabilityGate(), *"xy")


def test_entropies_of_five():
    assert certain(EntropyGate(), *"xxxyz") is True
    assert certain(EntropyGate(), *"xxyyz") is False
    assert certain(EntropyGate(threshold=0), *"xxxxx") is True
    assert certain(EntropyGate(threshold=0.99), *"abcde") is False
    assert certain(EntropyGate(threshold=0), "x") is True


def test_gates_by_name():
    assert make_gate("votes", 0.3) == VotesGate(share=0.3)
    assert make_gate("probability") == ProbabilityGate(threshold=3.0)
    assert make_gate("entropy", 0.1) == EntropyGate(threshold=0.1)
    for name, bad in (("votes", 3.0), ("probability", 0.0), ("entropy", 3.0)):
        with pytest.raises(ValueError, match="got"):  # a threshold of another gate's measure
            make_gate(name, bad)


def test_votes_are_counted_in_normal_form():
    drawn = chains("The Eiffel Tower", "eiffel tower.", "Louvre")
    assert [vote.count for vote in count_votes(drawn)] == [2, 1]
    assert count_votes(drawn)[0].answer == "The Eiffel Tower"
    assert [vote.count for vote in count_votes(drawn, normalise=False)] == [1, 1, 1]
    assert [vote.count for vote in count_votes(chains("a.", " a"), normalise=False)] == [2]
    assert [vote.count for vote in count_votes(chains("!", "?"))] == [1, 1]
    assert [vote.count for vote in count_votes(chains("A", "B", "A"))] == [2, 1]


def test_ties_go_to_the_likelier_then_the_earlier():
    assert [v.answer for v in count_votes(chains(*"xyz"))] == ["x", "y", "z"]
    assert count_votes(chains(*"xy", logprobs=[-2.0, -1.0]))[0].answer == "y"
    assert count_votes(chains(*"xyxy", logprobs=[-2.0, -3.0, -2.0, -1.0]))[0].answer == "y"


def test_members_are_places_among_all_samples():  # CoK defect 3
    drawn = [Chain(), *chains(*"xyy", logprobs=[-1.0, -3.0, -2.0])]
    vote = count_votes(drawn)[0]
    assert vote.members == (2, 3)
    assert likeliest(drawn, vote) == 3
    assert drawn[likeliest(drawn, vote)].answer == "y"
