"""Self-consistency (Wang et al. 2023): several chains, and the answer that most of them give."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from xgen_reason.chain import Chain
from xgen_reason.methods.sampling import Drawn, Sampling
from xgen_reason.question import Question
from xgen_reason.result import Result
from xgen_reason.tools import Tools

__all__ = ["SelfConsistency", "confidence", "majority"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfConsistency:
    """The majority of sampled chains; whatever the gate says of it is in `details`.

    Attributes:
        sampling: how chains are drawn and counted.
    """

    sampling: Sampling = field(default_factory=Sampling)

    name: ClassVar[str] = "cot-sc"
    needs_sources: ClassVar[bool] = False

    async def solve(self, question: Question, tools: Tools) -> Result:
        """Answer; see `Method.solve`."""
        return majority(self.name, question, tools, await self.sampling.draw(question, tools))


def majority(method: str, question: Question, tools: Tools, drawn: Drawn) -> Result:
    """The result of a method that leaves the majority's answer as it is."""
    chain = drawn.chain
    return Result(
        id=question.id,
        method=method,
        answer=chain.answer,
        first=chain.answer,
        route="direct" if drawn.votes else "abstained",
        confidence=confidence(chain, drawn.votes[0].share) if drawn.votes else None,
        samples=drawn.samples,
        votes=drawn.votes,
        chain=chain,
        calls=tools.asker.calls,
        notes=drawn.notes,
        details=drawn.details,
    )


def confidence(chain: Chain, share: float) -> float | None:
    """How sure the answer of a chain is.

    The summed log-probability of the answer's tokens, on which the published accuracy-coverage
    curves rest; where the model gives no log-probabilities the share of votes. The two are never
    mixed: an answer that cannot be found among its tokens has no confidence.
    """
    return share if chain.logprob is None else chain.answer_logprob
