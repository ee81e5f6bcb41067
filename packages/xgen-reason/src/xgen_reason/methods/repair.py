"""What becomes of a step and of the chain that it stands in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from xgen_reason.evidence import Found
from xgen_reason.methods.lookup import Shown
from xgen_reason.methods.sampling import Drawn
from xgen_reason.methods.self_consistency import confidence
from xgen_reason.result import Edit, Result
from xgen_reason.tools import Tools

__all__ = ["Repaired", "check_limits", "keep", "repaired_result", "rewrite"]

_SILENT = re.compile(
    r"(?:the\s+|this\s+|given\s+)*(?:evidence|knowledge|text|context|passage)s?\s+"
    r"(?:do(?:es)?\s+not|do(?:es)?n['’]t)\s+(?:say|tell|state|mention|specify|provide|contain)",
    re.IGNORECASE,
)
"""What our prompts have a model answer where the evidence has no answer, and its likes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repaired:
    """An edit with what a reader of the whole result should know of it."""

    edit: Edit
    notes: tuple[str, ...] = ()


def keep(
    step: int,
    sentence: str,
    shown: Shown | None = None,
    *,
    reason: str = "",
    asked: str = "",
    found: tuple[Found, ...] = (),
) -> Repaired:
    """Leave a step as it is, for a reason of one's own or that of what may be shown."""
    edit = Edit(
        step=step,
        before=sentence,
        after=sentence,
        question=asked,
        found=found,
        used=shown.used if shown else (),
        reason=reason or (shown.reason if shown else ""),
    )
    return Repaired(edit=edit, notes=shown.notes if shown else ())


def rewrite(
    step: int,
    sentence: str,
    written: str,
    shown: Shown,
    *,
    asked: str = "",
    found: tuple[Found, ...] = (),
) -> Repaired:
    """Put what was written in a step's place, unless it is nothing or only says that nothing is."""
    reason = ""
    if not written:
        reason = "the edit was empty"
    elif _SILENT.match(written):
        reason = "the evidence does not say"
    kept = keep(step, sentence, shown, reason=reason, asked=asked, found=found)
    if reason:
        return kept
    return replace(kept, edit=replace(kept.edit, after=written))


def repaired_result(
    result: Result, drawn: Drawn, tools: Tools, repaired: Sequence[Repaired] = ()
) -> Result:
    """The result of a chain that went through editing.

    Confidence is that of the new answer: its summed log-probability, or the share of the samples
    that had given it. Where the repaired chain states no answer, the majority's stands; where there
    was no majority, the result is an abstention.

    Args:
        result: of the majority, with the chain as it is now.
        drawn: what it was drawn with.
        tools: with the trace.
        repaired: what became of the steps; empty where the chain has none.
    """
    if not drawn.votes:
        return result
    chain = result.chain
    notes = [*result.notes, *(note for one in repaired for note in one.notes)]
    notes += [
        f"step {one.edit.step}: {one.edit.reason}"
        for one in repaired
        if one.edit.changed and one.edit.reason
    ]
    if not repaired:
        notes.append("the chain has no steps to verify; its answer stands")
    elif not chain.states:
        notes.append("the repaired chain states no answer; the one from before stands")
        chain = replace(drawn.chain, steps=chain.steps)
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


def check_limits(evidence_k: int, relevance: float, max_steps: int) -> None:
    """Check the settings that all methods which repair have.

    Raises:
        ValueError: one of them is out of its range.
    """
    if evidence_k < 1 or max_steps < 1:
        raise ValueError("evidence_k and max_steps must be at least 1")
    if not 0 <= relevance <= 1:
        raise ValueError(f"relevance lies in [0, 1], got {relevance}")
