"""One step against its evidence: looked up, guarded, shown to the model, and written anew or kept.

Evidence comes from outside. Pieces that read like orders are never shown; the others are shown each
in one line, inside a prompt that calls them data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from xgen_core.concurrency import together
from xgen_reason.disagreement import disagreement
from xgen_reason.evidence import Evidence, Found, Query
from xgen_reason.question import Question
from xgen_reason.relevance import relevance
from xgen_reason.result import Edit
from xgen_reason.tools import Tools

__all__ = ["Repaired", "Shown", "choose", "keep", "look_up", "rewrite", "search"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What of the evidence the model may see.

    Attributes:
        used: places of the pieces, as in `Edit.used`.
        pieces: the same pieces.
        reason: why there are none; else why to read with care, or empty.
        notes: pieces that were held back because they read like orders.
    """

    used: tuple[tuple[int, int], ...]
    pieces: tuple[Evidence, ...]
    reason: str
    notes: tuple[str, ...]

    @property
    def text(self) -> str:
        """One piece a line: none can pretend to be a line of the prompt."""
        return "\n".join(" ".join(piece.text.split()) for piece in self.pieces)


@dataclass(frozen=True, slots=True, kw_only=True)
class Repaired:
    """An edit with what a reader of the whole result should know of it."""

    edit: Edit
    notes: tuple[str, ...] = ()


async def search(tools: Tools, question: Question, text: str, source: str, *, limit: int) -> Found:
    """Ask a source of text in exactly these words; its pieces are ranked by them, too."""
    found = await tools.sources[source].search(Query(text=text, topic=text), question, limit=limit)
    pieces = tuple(replace(piece, source=source) for piece in found.evidence)
    return replace(found, source=source, evidence=pieces)


async def look_up(
    tools: Tools,
    question: Question,
    text: str,
    sources: Sequence[str],
    *,
    step: int,
    limit: int,
    verbatim: bool,
) -> tuple[Found, ...]:
    """Ask sources about a sentence or question, side by side; what they found in their order.

    Args:
        tools: with the sources.
        question: that the chain answers.
        text: what to ask about.
        sources: their names.
        step: of the chain, from 1.
        limit: pieces of each at most.
        verbatim: sources of text are asked in these very words, with no query written for them.

    Raises:
        ModelError: the model failed while a query was written.
    """

    async def ask(name: str, mine: Tools) -> Found:
        if verbatim and tools.sources[name].language == "text":
            return await search(mine, question, text, name, limit=limit)
        return await mine.inquire(question, text, name, step=step, limit=limit)

    branches = [replace(tools, asker=tools.asker.branch()) for _ in sources]
    return tuple(
        await together([ask(name, mine) for name, mine in zip(sources, branches, strict=True)])
    )


def choose(found: Sequence[Found], about: Sequence[str], *, least: float, step: int) -> Shown:
    """Take the pieces that may be shown: no orders, and nothing that is beside the point.

    What a graph or a table answers to a query is to the point by that query, whatever its words.

    Args:
        found: by source.
        about: the sentence, and the question that verifies it; one of them must be met.
        least: share of content words that a piece of text must have in common with either; 0 takes
            every piece.
        step: for the notes.
    """
    used: list[tuple[int, int]] = []
    pieces: list[Evidence] = []
    notes: list[str] = []
    beside = 0
    for i, source in enumerate(found):
        for j, piece in enumerate(source.evidence):
            if piece.suspicious:
                notes.append(
                    f"step {step}: a piece of {source.source} ({piece.locator}) reads like an "
                    f"order and was not shown: {piece.suspicious}"
                )
            elif source.query.language == "text" and not any(
                relevance(text, piece.text) >= least for text in about
            ):
                beside += 1
            else:
                used.append((i, j))
                pieces.append(piece)
    reason = disagreement(pieces) if pieces else _why_none(found, beside, len(notes))
    return Shown(used=tuple(used), pieces=tuple(pieces), reason=reason, notes=tuple(notes))


def keep(
    step: int, sentence: str, reason: str, *, asked: str = "", found: tuple[Found, ...] = ()
) -> Edit:
    """The edit that leaves a step as it is."""
    return Edit(
        step=step, before=sentence, after=sentence, question=asked, found=found, reason=reason
    )


def rewrite(
    step: int,
    sentence: str,
    written: str,
    shown: Shown,
    *,
    asked: str = "",
    found: tuple[Found, ...] = (),
) -> Edit:
    """The edit that puts what was written in a step's place; an empty one keeps the step."""
    return Edit(
        step=step,
        before=sentence,
        after=written or sentence,
        question=asked,
        found=found,
        used=shown.used,
        reason=shown.reason if written else "the edit was empty",
    )


def _why_none(found: Sequence[Found], beside: int, orders: int) -> str:
    failures = [f"{source.source}: {source.failure}" for source in found if source.failure]
    details = [f"{beside} beside the point"] if beside else []
    details += [f"{orders} reading like orders"] if orders else []
    details += failures
    what = "no relevant evidence" if beside else "no evidence"
    if not details:
        details = ["nothing was found" if found else "no source was asked"]
    return f"{what}: {'; '.join(details)}"
