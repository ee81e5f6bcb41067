"""Verify-and-Edit (Zhao et al., ACL 2023): where samples disagree, each step is checked and edited.

sample n chains, vote ── certain ──▶ the majority's answer
       │ uncertain
       ▼ each step of the likeliest chain of the majority, all at the same time
verifying question ─▶ evidence ─▶ verifying answer = the step's new text
       ▼
the edited steps ─▶ answer
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

from xgen_core.concurrency import together
from xgen_reason.methods.asking import ask, conclude, question_fields
from xgen_reason.methods.repair import Repaired, choose, keep, look_up, rewrite
from xgen_reason.methods.sampling import Drawn, Sampling
from xgen_reason.methods.self_consistency import confidence, majority
from xgen_reason.parsing import read_sentence
from xgen_reason.question import Question
from xgen_reason.result import Result
from xgen_reason.tools import Tools

__all__ = ["VerifyAndEdit", "edited", "says_nothing"]

_VERDICT = re.compile(r"(?:yes|no)\s*,\s*", re.IGNORECASE)
_SILENT = re.compile(
    r"(?:the\s+|this\s+|given\s+)*(?:evidence|knowledge|text|context|passage)s?\s+"
    r"(?:do(?:es)?\s+not|do(?:es)?n['’]t)\s+(?:say|tell|state|mention|specify|provide|contain)",
    re.IGNORECASE,
)


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
        if self.evidence_k < 1 or self.max_steps < 1:
            raise ValueError("evidence_k and max_steps must be at least 1")
        if not 0 <= self.relevance <= 1:
            raise ValueError(f"relevance lies in [0, 1], got {self.relevance}")

    async def solve(self, question: Question, tools: Tools) -> Result:
        """Answer; see `Method.solve`."""
        drawn = await self.sampling.draw(question, tools)
        result = majority(self.name, question, tools, drawn)
        if drawn.certain:
            return replace(result, route="certain")
        steps = drawn.chain.steps
        if not drawn.votes or not steps:
            return edited(result, drawn, tools)
        looked_at = steps[: self.max_steps]
        if len(steps) > self.max_steps:
            note = f"{len(steps) - self.max_steps} steps after the first {self.max_steps} were left"
            result = replace(result, notes=(*result.notes, note))
        branches = [replace(tools, asker=tools.asker.branch()) for _ in looked_at]
        repaired = await together(
            [
                self._verify(question, branch, sentence, number)
                for number, (branch, sentence) in enumerate(
                    zip(branches, looked_at, strict=True), 1
                )
            ]
        )
        after = tuple(one.edit.after for one in repaired) + steps[self.max_steps :]
        logprobs = drawn.chain.logprob is not None
        chain = await conclude(tools, question, after, logprobs=logprobs)
        return edited(replace(result, chain=chain), drawn, tools, repaired)

    async def _verify(
        self, question: Question, tools: Tools, sentence: str, number: int
    ) -> Repaired:
        fields = {**question_fields(question), "sentence": sentence}
        made = await ask(tools, "verify", fields, step=number)
        asked = read_sentence(made[0].text)
        if not asked:
            return Repaired(edit=keep(number, sentence, "no verifying question was written"))
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
            kept = keep(number, sentence, shown.reason, asked=asked, found=found)
            return Repaired(edit=kept, notes=shown.notes)
        if self.edit == "replace":
            written = " ".join(shown.pieces[0].text.split())
        else:
            fields = {"evidence": shown.text, "query": asked}
            made = await ask(tools, "answer", fields, step=number)
            written = _VERDICT.sub("", read_sentence(made[0].text), count=1)
        if says_nothing(written):
            kept = keep(number, sentence, "the evidence does not say", asked=asked, found=found)
            return Repaired(edit=replace(kept, used=shown.used), notes=shown.notes)
        written = written[:1].upper() + written[1:]
        edit = rewrite(number, sentence, written, shown, asked=asked, found=found)
        return Repaired(edit=edit, notes=shown.notes)


def says_nothing(written: str) -> bool:
    """Whether an answer from evidence only says that the evidence has none."""
    return _SILENT.match(written) is not None


def edited(result: Result, drawn: Drawn, tools: Tools, repaired: Sequence[Repaired] = ()) -> Result:
    """The result of a chain that went through editing.

    Confidence is that of the new answer: its summed log-probability, or the share of the samples
    that had given it. An answer that was not stated leaves the majority's; one that no sample gave
    and none was made of is an abstention.

    Args:
        result: with the chain as it is now.
        drawn: what it was drawn with.
        tools: with the trace.
        repaired: what became of the steps; empty where there were none.
    """
    notes = [*result.notes, *(note for one in repaired for note in one.notes)]
    chain = result.chain
    if not drawn.votes:
        return replace(result, route="abstained", notes=tuple(notes))
    if not repaired:
        notes.append("the chain has no steps to verify; its answer stands")
    elif not chain.states:
        notes.append("the repaired chain states no answer; the one from before stands")
        before = drawn.chain
        chain = replace(chain, answer=before.answer, answer_logprob=before.answer_logprob)
    for one in repaired:
        if one.edit.used and "the pieces disagree" in one.edit.reason:
            notes.append(f"step {one.edit.step}: {one.edit.reason}")
    return replace(
        result,
        answer=chain.answer,
        route="edited",
        confidence=confidence(chain, drawn.share(chain.answer)),
        chain=chain,
        edits=tuple(one.edit for one in repaired),
        calls=tools.asker.calls,
        notes=tuple(notes),
    )
