"""What sources say of a sentence, and which of it a model may be shown.

Evidence comes from outside. Pieces that read like orders are never shown; the others are shown each
in one line, inside a prompt that calls them data.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from xgen_reason.disagreement import disagreement
from xgen_reason.evidence import Evidence, Found
from xgen_reason.question import Question
from xgen_reason.relevance import relevance
from xgen_reason.tools import Tools

__all__ = ["Shown", "choose", "held_back", "look_up", "one_line", "side_by_side"]

_DELIMITER = re.compile(r"<\s*/?\s*(?:evidence|knowledge)\b[^>]*>?", re.IGNORECASE)
"""What prompts put around evidence."""
Item = TypeVar("Item")
Done = TypeVar("Done")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What of the evidence a model may see.

    Attributes:
        used: places of the pieces, as in `Edit.used`.
        pieces: the same pieces.
        reason: why there are none; else why to read with care, or empty.
        notes: on pieces that were held back because they read like orders.
    """

    used: tuple[tuple[int, int], ...]
    pieces: tuple[Evidence, ...]
    reason: str
    notes: tuple[str, ...]

    @property
    def text(self) -> str:
        """One piece a line."""
        return "\n".join(map(one_line, self.pieces))


async def side_by_side(
    tools: Tools, items: Sequence[Item], work: Callable[[Tools, Item], Coroutine[Any, Any, Done]]
) -> list[Done]:
    """Work on all items at the same time, in the trace one after another; results in their order.

    Where some fail, the others are finished, since they are paid for; then the failure of the first
    is raised.
    """
    branches = [replace(tools, asker=tools.asker.branch()) for _ in items]
    works = [work(mine, item) for mine, item in zip(branches, items, strict=True)]
    results: list[Done] = []
    for result in await asyncio.gather(*works, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result
        results.append(result)
    return results


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

    async def ask(mine: Tools, source: str) -> Found:
        if verbatim and tools.sources[source].language == "text":
            return await mine.search(question, text, source, limit=limit)
        return await mine.inquire(question, text, source, step=step, limit=limit)

    return tuple(await side_by_side(tools, sources, ask))


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
    notes: list[str] = []
    beside = 0
    for i, source in enumerate(found):
        in_words = source.query.language == "text"
        for j, piece in enumerate(source.evidence):
            if piece.suspicious:
                notes.append(held_back(step, piece))
            elif in_words and max(relevance(text, piece.text) for text in about) < least:
                beside += 1
            else:
                used.append((i, j))
    pieces = tuple(found[i].evidence[j] for i, j in used)
    reason = disagreement(pieces) if pieces else _why_none(found, beside, len(notes))
    return Shown(used=tuple(used), pieces=pieces, reason=reason, notes=tuple(notes))


def held_back(step: int, piece: Evidence) -> str:
    """The note on a piece that is not shown."""
    return (
        f"step {step}: a piece of {piece.source} ({piece.locator}) reads like an order and was not "
        f"shown: {piece.suspicious}"
    )


def one_line(piece: Evidence) -> str:
    """A piece so that it can neither pretend to be a line of the prompt, nor end its data."""
    return _DELIMITER.sub(" ", " ".join(piece.text.split()))


def _why_none(found: Sequence[Found], beside: int, orders: int) -> str:
    details = [f"{beside} beside the point"] if beside else []
    details += [f"{orders} reading like orders"] if orders else []
    details += [f"{source.source}: {source.failure}" for source in found if source.failure]
    if not details:
        details = ["nothing was found" if found else "no source was asked"]
    return f"no {'relevant ' if beside else ''}evidence: {'; '.join(details)}"
