"""What samples agree on: their answers counted, and the sample that stands for the winner."""

from __future__ import annotations

from collections.abc import Sequence

from xgen_eval.metrics import normalize_answer
from xgen_reason.chain import Chain
from xgen_reason.result import Vote

__all__ = ["count_votes", "likeliest"]


def count_votes(chains: Sequence[Chain], *, normalise: bool = True) -> tuple[Vote, ...]:
    """Votes, the most frequent answer first; chains that state no answer give none.

    Ties are broken by the higher mean log-probability of the likeliest member, then by the earlier
    sample.

    Args:
        chains: all samples, in order; members of a vote are places among them.
        normalise: count answers as one that are equal in SQuAD's normal form. False counts raw
            strings, only spaces and full stops around them stripped, as the authors' code does.
    """
    places: dict[str, list[int]] = {}
    for place, chain in enumerate(chains):
        if chain.states:
            places.setdefault(_key(chain.answer, normalise), []).append(place)
    kept = sum(map(len, places.values()))
    votes = [
        Vote(
            answer=chains[members[0]].answer,
            count=len(members),
            share=len(members) / kept,
            weight=float(len(members)),
            members=tuple(members),
        )
        for members in places.values()
    ]
    return tuple(sorted(votes, key=lambda vote: (-vote.count, *_rank(chains, vote))))


def likeliest(chains: Sequence[Chain], vote: Vote) -> int:
    """The place of the member with the highest mean log-probability, the earliest where equal."""
    return min(vote.members, key=lambda place: (-_logprob(chains[place]), place))


def _rank(chains: Sequence[Chain], vote: Vote) -> tuple[float, int]:
    return -_logprob(chains[likeliest(chains, vote)]), vote.members[0]


def _key(answer: str, normalise: bool) -> str:
    if not normalise:
        return answer.strip().strip(".").strip()
    return normalize_answer(answer) or answer.strip().lower()  # an answer may be all punctuation


def _logprob(chain: Chain) -> float:
    return chain.logprob if chain.logprob is not None else float("-inf")
