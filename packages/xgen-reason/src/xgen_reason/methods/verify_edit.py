"""Verify-and-Edit (Zhao et al., ACL 2023): where samples disagree, each step is checked and edited.

    sample n chains, vote ── certain ──▶ the majority's answer
           │ uncertain
           ▼ each step of the likeliest chain of the majority, all at the same time
    verifying question ─▶ evidence ─▶ verifying answer = the step's new text
           ▼
    the edited steps ─▶ answer

The text of an edited step is the verifying answer alone: with the evidence, the model is not shown
what it had said.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

from xgen_reason.methods.asking import ask, conclude, question_fields
from xgen_reason.methods.lookup import Shown, choose, look_up, one_line, side_by_side
from xgen_reason.methods.repair import Repaired, check_limits, keep, repaired_result, rewrite
from xgen_reason.methods.sampling import Sampling
from xgen_reason.methods.self_consistency import majority
from xgen_reason.parsing import read_sentence
from xgen_reason.question import Question
from xgen_reason.result import Result
from xgen_reason.tools import Tools

__all__ = ["VerifyAndEdit"]

_VERDICT = re.compile(r"(?:yes|no)\s*,\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyAndEdit:
    """Verify and edit every step of an uncertain chain, with all sources that are there.

    Attributes:
        sampling: how chains are drawn and when they agree.
        edit: what takes a step's place: the model's answer to the verifying question from the
            evidence; or (`"replace"`) the best piece of evidence itself.
        evidence_k: pieces of each source at most.
        relevance: share of content words that a piece of text must have in common with the step or
            its verifying question, or it is not shown; 0 shows every piece, as the paper does.
        max_steps: further steps are left as they are.
    """

    sampling: Sampling = field(default_factory=Sampling)
    edit: Literal["answer", "replace"] = "answer"
    evidence_k: int = 3
    relevance: float = 0.1
    max_steps: int = 8

    name: ClassVar[str] = "verify-edit"
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
        if len(steps) > self.max_steps:
            note = f"steps after the first {self.max_steps} were left as they are"
            result = replace(result, notes=(*result.notes, note))

        async def verify(mine: Tools, step: tuple[int, str]) -> Repaired:
            return await self._verify(question, mine, *step)

        numbered = list(enumerate(steps[: self.max_steps], 1))
        repaired = await side_by_side(tools, numbered, verify)
        after = tuple(one.edit.after for one in repaired) + steps[self.max_steps :]
        chain = await conclude(tools, question, after, logprobs=drawn.chain.logprob is not None)
        return repaired_result(replace(result, chain=chain), drawn, tools, repaired)

    async def _verify(
        self, question: Question, tools: Tools, number: int, sentence: str
    ) -> Repaired:
        fields = {**question_fields(question), "sentence": sentence}
        made = await ask(tools, "verify", fields, step=number)
        asked = read_sentence(made[0].text)
        if not asked:
            return keep(number, sentence, reason="no verifying question was written")
        found = await look_up(
            tools,
            question,
            asked,
            list(tools.sources),
            step=number,
            limit=self.evidence_k,
            verbatim=True,
        )
        shown = choose(found, (sentence, asked), least=self.relevance, step=number)
        if not shown.pieces:
            return keep(number, sentence, shown, asked=asked, found=found)
        written = await self._write(tools, asked, shown, number)
        return rewrite(number, sentence, written, shown, asked=asked, found=found)

    async def _write(self, tools: Tools, asked: str, shown: Shown, number: int) -> str:
        """The step's new text, beginning with a capital letter."""
        if self.edit == "replace":
            written = one_line(shown.pieces[0])
        else:
            fields = {"evidence": shown.text, "query": asked}
            made = await ask(tools, "answer", fields, step=number)
            reply = read_sentence(made[0].text)
            verdict = _VERDICT.match(reply)  # "No, she was born in Oslo."
            written = reply[verdict.end() :] if verdict else reply
        return written[:1].upper() + written[1:]
