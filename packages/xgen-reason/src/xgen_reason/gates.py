"""When samples agree enough for the answer to stand without a look into any source.

Verify-and-Edit's published figures were made with a probability-weighted vote and thresholds of 3
(AdvHotpotQA, 2WikiMultihopQA), 3.5 and 3.6 (FEVER) of 5; its paper and Chain-of-Knowledge count
votes. Each measure has thresholds of its own, so that neither is ever held against the other's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from xgen_core import CapabilityError
from xgen_reason.chain import Chain
from xgen_reason.result import Vote

__all__ = ["EntropyGate", "Gate", "GateName", "ProbabilityGate", "VotesGate", "make_gate"]

GateName = Literal["votes", "probability", "entropy"]


class Gate(Protocol):
    """Decides whether the model is certain."""

    @property
    def needs_logprobs(self) -> bool:
        """Whether it can decide nothing without log-probabilities."""
        ...

    def weigh(self, votes: tuple[Vote, ...], chains: Sequence[Chain]) -> tuple[Vote, ...]:
        """Votes by this gate's measure, the winner first.

        Raises:
            CapabilityError: log-probabilities are needed, and a chain has none.
        """
        ...

    def certain(self, votes: tuple[Vote, ...]) -> bool:
        """Whether weighed votes are enough; no vote never is."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class VotesGate:
    """Certain where the winner has at least ceil(share × kept) of the kept samples' votes.

    Attributes:
        share: 0.5 in both papers; CoK's scripts take 0.7 for FEVER and 0.3 for FeTaQA.
    """

    share: float = 0.5

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise ValueError(f"a share of votes lies in (0, 1], got {self.share}")

    @property
    def needs_logprobs(self) -> bool:
        """Votes are enough."""
        return False

    def weigh(self, votes: tuple[Vote, ...], chains: Sequence[Chain]) -> tuple[Vote, ...]:
        """As they were counted."""
        return votes

    def certain(self, votes: tuple[Vote, ...]) -> bool:
        """Whether the winner has its share; 1e-9 takes the rounding of `share × kept` back."""
        kept = sum(vote.count for vote in votes)
        return bool(votes) and votes[0].count >= math.ceil(self.share * kept - 1e-9)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbabilityGate:
    """Certain where the winner's summed probability reaches a threshold.

    The measure is the sum, over the samples that give an answer, of exp(mean token log-probability)
    of the whole sample: from 0 to the number of samples. The winner is the answer with the highest.

    Attributes:
        threshold: 3 for AdvHotpotQA and 2WikiMultihopQA, 3.6 for FEVER, of 5 samples.
    """

    threshold: float = 3.0

    def __post_init__(self) -> None:
        if self.threshold <= 0:
            raise ValueError(f"a summed probability is positive, got {self.threshold}")

    @property
    def needs_logprobs(self) -> bool:
        """It is made of them."""
        return True

    def weigh(self, votes: tuple[Vote, ...], chains: Sequence[Chain]) -> tuple[Vote, ...]:
        """By summed probability; equal ones stay in the order of votes.

        Raises:
            CapabilityError: a chain has no log-probability.
        """
        weighed = [
            replace(vote, weight=math.fsum(_probability(chains[place]) for place in vote.members))
            for vote in votes
        ]
        return tuple(sorted(weighed, key=lambda vote: -vote.weight))

    def certain(self, votes: tuple[Vote, ...]) -> bool:
        """Whether the winner's sum reaches the threshold."""
        return bool(votes) and votes[0].weight >= self.threshold


@dataclass(frozen=True, slots=True, kw_only=True)
class EntropyGate:
    """Certain where answers are spread little.

    The measure is the entropy of the shares over the log of the kept samples: 0 where all agree, 1
    where each says something else.

    Attributes:
        threshold: at most. At 0.6, five samples pass with 3 equal answers (0.59) and not with 2
            (0.66): as they do by votes.
    """

    threshold: float = 0.6

    def __post_init__(self) -> None:
        if not 0 <= self.threshold <= 1:
            raise ValueError(f"a normalised entropy lies in [0, 1], got {self.threshold}")

    @property
    def needs_logprobs(self) -> bool:
        """Votes are enough."""
        return False

    def weigh(self, votes: tuple[Vote, ...], chains: Sequence[Chain]) -> tuple[Vote, ...]:
        """As they were counted."""
        return votes

    def certain(self, votes: tuple[Vote, ...]) -> bool:
        """Whether the entropy is low enough."""
        kept = sum(vote.count for vote in votes)
        if kept < 2:
            return kept == 1
        entropy = -math.fsum(vote.share * math.log(vote.share) for vote in votes)
        return entropy / math.log(kept) <= self.threshold


def make_gate(name: GateName, threshold: float | None = None) -> Gate:
    """A gate by name; its own threshold where None is given.

    Raises:
        ValueError: a threshold outside what its measure can be.
    """
    if name == "votes":
        return VotesGate() if threshold is None else VotesGate(share=threshold)
    if name == "probability":
        return ProbabilityGate() if threshold is None else ProbabilityGate(threshold=threshold)
    return EntropyGate() if threshold is None else EntropyGate(threshold=threshold)


def _probability(chain: Chain) -> float:
    if chain.logprob is None:
        raise CapabilityError(
            "the gate 'probability' needs log-probabilities, and the model gives none: "
            "take the gate 'votes' or 'entropy', or a model that gives them"
        )
    return math.exp(chain.logprob)
