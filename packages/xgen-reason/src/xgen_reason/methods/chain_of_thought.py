"""One chain of thought (Wei et al. 2022)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from xgen_reason.methods.asking import ask, question_fields
from xgen_reason.methods.sampling import ThoughtPrompt
from xgen_reason.parsing import read_chain
from xgen_reason.question import Question
from xgen_reason.result import Result
from xgen_reason.tools import Tools

__all__ = ["ChainOfThought"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainOfThought:
    """One greedy chain. Its confidence is the summed log-probability of the answer's tokens.

    Attributes:
        logprobs: ask for log-probabilities; without them there is no confidence.
        prompt: the stage of the prompt.
    """

    logprobs: bool = False
    prompt: ThoughtPrompt = "thought"

    name: ClassVar[str] = "cot"
    needs_sources: ClassVar[bool] = False

    async def solve(self, question: Question, tools: Tools) -> Result:
        """Answer; see `Method.solve`."""
        fields = question_fields(question)
        made = await ask(tools, self.prompt, fields, logprobs=self.logprobs)
        chain = read_chain(made[0], question)
        return Result(
            id=question.id,
            method=self.name,
            answer=chain.answer,
            first=chain.answer,
            route="direct" if chain.states else "abstained",
            confidence=chain.answer_logprob,
            samples=(chain,),
            chain=chain,
            calls=tools.asker.calls,
            notes=() if chain.states else ("the chain states no answer",),
        )
