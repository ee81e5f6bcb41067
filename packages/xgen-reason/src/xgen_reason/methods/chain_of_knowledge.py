"""Chain-of-Knowledge (Li et al., ICLR 2024), also called Knowledge Adapting.

    sample n chains, vote ── certain ──▶ the majority's answer
           │ uncertain
           ▼
    domains of knowledge ─▶ their sources
           ▼ in order
    step i ─▶ query for each source ─▶ knowledge ─▶ step i corrected
      ▲                                                  │
      └── step i+1, written anew after steps 1 … i ◀─────┘
           ▼
    the corrected steps ─▶ answer

What was written ahead of a corrected step is dropped, so that a chain may become longer or shorter.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

from xgen_reason.methods.asking import ask, conclude, continue_steps, question_fields
from xgen_reason.methods.lookup import choose, look_up, side_by_side
from xgen_reason.methods.repair import Repaired, check_limits, keep, repaired_result, rewrite
from xgen_reason.methods.sampling import Sampling
from xgen_reason.methods.self_consistency import majority
from xgen_reason.parsing import read_sentence
from xgen_reason.question import Question
from xgen_reason.result import Result
from xgen_reason.tools import Tools

__all__ = ["ChainOfKnowledge"]

_FACTUAL = "factual"
_BETWEEN = re.compile(r"[,;/\n]|\band\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainOfKnowledge:
    """Correct every step of an uncertain chain with the sources of the question's domains.

    The model chooses domains from the question alone; evidence never does.

    Attributes:
        sampling: how chains are drawn and when they agree.
        order: `"progressive"` writes each step anew after the corrected ones before it and drops
            the old ones; `"parallel"` corrects the original steps at the same time ("at once").
        evidence_k: pieces of each source at most.
        relevance: share of content words that a piece of text must have in common with the step, or
            it is not shown; 0 shows every piece, as the paper does.
        max_steps: further steps are left as they are, or not written.
    """

    sampling: Sampling = field(default_factory=Sampling)
    order: Literal["progressive", "parallel"] = "progressive"
    evidence_k: int = 3
    relevance: float = 0.1
    max_steps: int = 8

    name: ClassVar[str] = "chain-of-knowledge"
    needs_sources: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_limits(self.evidence_k, self.relevance, self.max_steps)

    async def solve(self, question: Question, tools: Tools) -> Result:
        """Answer; see `Method.solve`."""
        drawn = await self.sampling.draw(question, tools)
        result = majority(self.name, question, tools, drawn)
        if drawn.certain:
            return replace(result, route="certain")
        steps = drawn.chain.steps
        if not steps:
            return repaired_result(result, drawn, tools)
        domains, notes = await _choose_domains(question, tools)
        result = replace(result, domains=domains, notes=(*result.notes, *notes))
        sources = _sources(tools, domains)
        correct = self._progressive if self.order == "progressive" else self._parallel
        repaired, after, complete = await correct(question, tools, steps, sources)
        if not complete:
            note = f"steps after the first {self.max_steps} were not looked at"
            result = replace(result, notes=(*result.notes, note))
        chain = await conclude(tools, question, after, logprobs=drawn.chain.logprob is not None)
        return repaired_result(replace(result, chain=chain), drawn, tools, repaired)

    async def _progressive(
        self, question: Question, tools: Tools, steps: tuple[str, ...], sources: Sequence[str]
    ) -> tuple[list[Repaired], tuple[str, ...], bool]:
        """Correct a step, let the model go on from there, correct the next, to the last.

        Returns:
            What became of the steps, the chain's steps, and whether those are all.
        """
        repaired: list[Repaired] = []
        after: tuple[str, ...] = ()
        ahead = steps
        while ahead:
            number = len(after) + 1
            repaired.append(await self._correct(question, tools, number, ahead[0], sources))
            after = (*after, repaired[-1].edit.after)
            if len(ahead) == 1:
                break
            if number == self.max_steps:
                return repaired, after, False
            ahead = await continue_steps(tools, question, after)
        return repaired, after, True

    async def _parallel(
        self, question: Question, tools: Tools, steps: tuple[str, ...], sources: Sequence[str]
    ) -> tuple[list[Repaired], tuple[str, ...], bool]:
        """Correct all steps side by side; what is returned is the same."""

        async def correct(mine: Tools, step: tuple[int, str]) -> Repaired:
            return await self._correct(question, mine, *step, sources)

        numbered = list(enumerate(steps[: self.max_steps], 1))
        repaired = await side_by_side(tools, numbered, correct)
        after = tuple(one.edit.after for one in repaired) + steps[self.max_steps :]
        return repaired, after, len(steps) <= self.max_steps

    async def _correct(
        self, question: Question, tools: Tools, number: int, sentence: str, sources: Sequence[str]
    ) -> Repaired:
        found = await look_up(
            tools,
            question,
            sentence,
            sources,
            step=number,
            limit=self.evidence_k,
            verbatim=False,
        )
        queries = [one.query.text for one in found if one.query.language == "text"]
        shown = choose(found, (sentence, *queries), least=self.relevance, step=number)
        if not shown.pieces:
            return keep(number, sentence, shown, found=found)
        fields = {"sentence": sentence, "knowledge": shown.text}
        made = await ask(tools, "edit", fields, step=number)
        return rewrite(number, sentence, read_sentence(made[0].text), shown, found=found)


async def _choose_domains(
    question: Question, tools: Tools
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The domains that a question needs, and a note for each that there is no source for."""
    made = await ask(tools, "domain", question_fields(question))
    domains: list[str] = []
    notes: list[str] = []
    for part in _BETWEEN.split(made[0].text.lower()):
        name = part.rpartition(":")[2].strip(" \t.'\"`*")
        if not name:
            continue
        if name not in tools.domains and name != _FACTUAL:
            notes.append(f"no sources for the domain {name!r:.60}: factual instead")
            name = _FACTUAL
        if name not in domains:
            domains.append(name)
    if not domains:
        notes.append("the model chose no domain: factual instead")
        domains.append(_FACTUAL)
    return tuple(domains), tuple(notes)


def _sources(tools: Tools, domains: Sequence[str]) -> list[str]:
    """All sources of all these domains, each once; every source where they name none."""
    names = [name for domain in domains for name in tools.domains.get(domain, ())]
    return list(dict.fromkeys(names)) or list(tools.sources)
