"""The answer without a thought: few examples of questions and answers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from xgen_reason.methods.asking import ask, question_fields
from xgen_reason.parsing import read_answer
from xgen_reason.question import Question
from xgen_reason.result import Result
from xgen_reason.tools import Tools

__all__ = ["Standard"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standard:
    """One greedy answer. Its confidence is the probability of the answer's tokens.

    Attributes:
        logprobs: ask for log-probabilities; without them there is no confidence.
    """

    logprobs: bool = False

    name: ClassVar[str] = "standard"
    needs_sources: ClassVar[bool] = False

    async def solve(self, question: Question, tools: Tools) -> Result:
        """Answer; see `Method.solve`."""
        made = await ask(tools, "standard", question_fields(question), logprobs=self.logprobs)
        chain = read_answer(made[0], question)
        known = chain.states and chain.answer_logprob is not None
        return Result(
            id=question.id,
            method=self.name,
            answer=chain.answer,
            first=chain.answer,
            route="direct" if chain.states else "abstained",
            confidence=math.exp(chain.answer_logprob or 0.0) if known else None,
            chain=chain,
            calls=tools.asker.calls,
            notes=() if chain.states else ("the reply states no answer",),
        )
