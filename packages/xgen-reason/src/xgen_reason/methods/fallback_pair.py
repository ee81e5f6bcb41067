"""Two methods, the second for where the first gives up: CoT-SC → ReAct and ReAct → CoT-SC."""

from __future__ import annotations

from dataclasses import dataclass, replace

from xgen_reason.methods.react import ReAct
from xgen_reason.methods.self_consistency import SelfConsistency
from xgen_reason.question import Question
from xgen_reason.result import Result
from xgen_reason.tools import Tools

__all__ = ["FallbackPair"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FallbackPair:
    """The second method answers where the first is not certain, or answers nothing.

    Self-consistency is not certain where its gate says so (fewer than half of the votes); ReAct
    answers nothing where it has not finished within its steps.

    Attributes:
        first: asked always.
        second: asked where the first gives up. Where it answers nothing, either, an uncertain
            answer of the first stands.
    """

    first: SelfConsistency | ReAct
    second: SelfConsistency | ReAct

    @property
    def name(self) -> str:
        """`cot-sc-react` or `react-cot-sc`."""
        return f"{self.first.name}-{self.second.name}"

    @property
    def needs_sources(self) -> bool:
        """Whether one of them does."""
        return self.first.needs_sources or self.second.needs_sources

    async def solve(self, question: Question, tools: Tools) -> Result:
        """Answer; see `Method.solve`."""
        first = await self.first.solve(question, tools)
        if first.answer and first.details.get("certain", True):
            gated = "certain" in first.details
            return replace(first, method=self.name, route="certain" if gated else first.route)
        why = f"{self.first.name} is not certain" if first.answer else f"{self.first.name} gave up"
        second = await self.second.solve(question, tools)
        chosen = second if second.answer or not first.answer else first
        return replace(
            chosen,
            method=self.name,
            first=first.answer,
            route="fallback" if chosen.answer else "abstained",
            samples=first.samples or second.samples,
            votes=first.votes or second.votes,
            edits=first.edits or second.edits,
            calls=tools.asker.calls,
            notes=(*first.notes, f"{why}: {self.second.name} was asked", *second.notes),
            details={**first.details, **second.details},
        )
