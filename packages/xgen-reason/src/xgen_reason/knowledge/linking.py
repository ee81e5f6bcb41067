"""From what a query calls things to what the graph calls them: candidates, and choices of them."""

from __future__ import annotations

import heapq
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from xgen_core.records import Record
from xgen_reason.knowledge.labels import EntryKind, LabelIndex

__all__ = ["Candidate", "Mention", "candidates", "choices", "term"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention(Record):
    """Something that a query names by a label.

    Attributes:
        label: the name.
        kind: what is named.
    """

    label: str
    kind: EntryKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate(Record):
    """What a mention may mean.

    Attributes:
        id: `"Q42"`, `"P50"`, or an IRI.
        label: its own.
        score: above 0; higher is better.
    """

    id: str
    label: str
    score: float


def candidates(
    index: LabelIndex, mention: Mention, context: str, *, limit: int = 5
) -> tuple[Candidate, ...]:
    """What a mention may mean in a graph, best first; none is an answer too: the graph has no such.

    Args:
        index: of the graph.
        mention: what is named.
        context: question and sentence.
        limit: how many; more where more have exactly this label.
    """
    found = index.match(mention.label, mention.kind, context=context, limit=limit)
    return tuple(Candidate(id=m.entry.id, label=m.entry.label, score=m.score) for m in found)


def choices(
    options: Sequence[Sequence[Candidate]], *, limit: int
) -> Iterator[tuple[Candidate, ...]]:
    """One candidate for each mention, in every combination, the best product of scores first.

    Args:
        options: candidates of each mention, best first; a mention without any leaves no choice.
        limit: combinations at most.
    """
    if any(not found for found in options):
        return
    logs = [[math.log(max(c.score, 1e-12)) for c in found] for found in options]
    start: tuple[int, ...] = (0,) * len(options)
    heap = [(-sum(values[0] for values in logs), start)]
    seen = {start}
    while heap and limit > 0:
        _, places = heapq.heappop(heap)
        yield tuple(found[place] for found, place in zip(options, places, strict=True))
        limit -= 1
        for at in range(len(places)):
            after = (*places[:at], places[at] + 1, *places[at + 1 :])
            if after[at] < len(options[at]) and after not in seen:
                seen.add(after)
                total = sum(values[place] for values, place in zip(logs, after, strict=True))
                heapq.heappush(heap, (-total, after))


def term(prefix: str, id: str) -> str:
    """An id as a query writes it: `wdt:P50`; whole IRIs stand by themselves."""
    return f"{prefix}:{id}" if re.fullmatch(r"[QPL]\d+", id) else f"<{id}>"
