"""Which line comes next? Multiple choice made from held-out documents."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple

from xgen_core import Document, InputError, ScoringModel
from xgen_core.progress import Progress
from xgen_eval.choices import ChoiceItem, chance, choose
from xgen_eval.grading import graded_result
from xgen_eval.inputs import Inputs
from xgen_eval.seeded.draws import rank, shuffled
from xgen_eval.task import TaskResult

__all__ = ["ContinuationChoice"]

_NEAREST = 32
"""Distractors are drawn from so many lines of the most similar length."""


_Entry = tuple[int, bytes, str]
"""A line in the pool of distractors: its length in bytes, its rank, its text."""


class _Place(NamedTuple):
    """A line of a document that may be asked for; `number` counts from 0."""

    document: Document
    lines: list[str]
    number: int

    @property
    def key(self) -> tuple[str, str, int]:
        return (self.document.source, self.document.id, self.number)

    @property
    def line(self) -> str:
        return self.lines[self.number].strip()

    def context(self, lines: int) -> str:
        return "\n".join(self.lines[self.number - lines : self.number])


@dataclass(frozen=True, slots=True, kw_only=True)
class ContinuationChoice:
    """Tell the true next line of a document from lines of other places of the same source.

    The distractors are drawn with the seed among the 32 lines of the nearest byte length; lines
    that equal the true one or stand in the context are left out. White space at a line's ends does
    not count, and every choice gets the true line's indentation: otherwise the answer could be told
    by its depth alone. Questions are spread evenly over the documents.

    Attributes:
        count: how many questions.
        choices: the true line and so many less one distractors.
        context_lines: lines before the choice.
        min_bytes, max_bytes: length of a line that may be a choice, white space at its ends not
            counted.
        max_context_bytes: places with a longer context are passed over.
    """

    count: int = 200
    choices: int = 4
    context_lines: int = 8
    min_bytes: int = 16
    max_bytes: int = 200
    max_context_bytes: int = 1000

    name: ClassVar[str] = "continuation_choice"
    variant: ClassVar[str] = "next-line-v1"
    needs: ClassVar[Literal["score", "generate"]] = "score"
    summary: ClassVar[str] = "tell the true next line of a held-out document from other lines"

    def __post_init__(self) -> None:
        if self.count < 1 or self.context_lines < 1 or not 1 <= self.min_bytes <= self.max_bytes:
            raise ValueError("count, context_lines and min_bytes are at least 1, max_bytes no less")
        if not 2 <= self.choices <= _NEAREST:
            raise ValueError(f"choices lies in 2..{_NEAREST}, got {self.choices}")

    def files(self, inputs: Inputs) -> tuple[Path, ...]:
        """The held-out documents."""
        return inputs.require(self.name)

    async def run(self, model: ScoringModel, inputs: Inputs, progress: Progress) -> TaskResult:
        """Make the questions and score them; see `xgen_eval.task.Task`."""
        count = min(self.count, inputs.limit or self.count)
        items = self.items(inputs.documents(), seed=inputs.seed)[:count]
        return graded_result(
            self.name,
            self.variant,
            await choose(model, items, progress),
            extra={"chance": chance(items)},
            title="Which line comes next?",
            caption=f"{self.context_lines} lines of a held-out document, then its true next line "
            f"and {self.choices - 1} lines of similar length from the same source; "
            f"seed {inputs.seed}. Guessing gives {1 / self.choices:g}.",
        )

    def items(self, documents: Sequence[Document], *, seed: int) -> list[ChoiceItem]:
        """The questions, at most `count`; the same documents and seed give the same questions.

        Raises:
            InputError: the documents have no line that can be asked for.
        """
        places = self._places(documents, seed)
        # The true lines are drawn from the same places as the distractors. Were they not, a model
        # could tell them apart without reading the context.
        pools: dict[str, list[_Entry]] = {}
        for place in places:
            pools.setdefault(place.document.source, []).append(_entry(place, seed))
        for pool in pools.values():
            pool.sort()
        items: list[ChoiceItem] = []
        for place in shuffled(places, seed, lambda p: (*p.key, "question")):
            item = self._item(place, pools[place.document.source], seed)
            if item is not None:
                items.append(item)
            if len(items) == self.count:
                break
        if not items:
            raise InputError(
                f"no question can be made: the documents have no line of {self.min_bytes} to "
                f"{self.max_bytes} bytes after {self.context_lines} others (of at most "
                f"{self.max_context_bytes} bytes), or too few other lines to choose from"
            )
        return items

    def _places(self, documents: Sequence[Document], seed: int) -> list[_Place]:
        """Places to ask at: one of every document, then a second of each, up to 20 a question."""
        queues: list[list[_Place]] = []
        for document in shuffled(documents, seed, lambda d: (d.source, d.id)):
            lines = document.text.split("\n")
            own = (_Place(document, lines, i) for i in range(self.context_lines, len(lines)))
            queues.append(
                shuffled((p for p in own if self._fits(p)), seed, lambda place: place.key)
            )
        turns = itertools.zip_longest(*queues)
        found = (place for turn in turns for place in turn if place is not None)
        return list(itertools.islice(found, 20 * self.count))

    def _fits(self, place: _Place) -> bool:
        if not self.min_bytes <= len(place.line.encode("utf-8")) <= self.max_bytes:
            return False
        context = place.context(self.context_lines)
        return bool(context.strip()) and len(context.encode("utf-8")) <= self.max_context_bytes

    def _item(self, place: _Place, pool: list[_Entry], seed: int) -> ChoiceItem | None:
        context = place.context(self.context_lines)
        used = {place.line, *(line.strip() for line in context.split("\n"))}
        near = _nearest(pool, _entry(place, seed), used)
        drawn = shuffled(near, seed, lambda line: (*place.key, line))[: self.choices - 1]
        if len(drawn) < self.choices - 1:
            return None
        gold = int.from_bytes(rank(seed, *place.key, "position")[:8]) % self.choices
        raw = place.lines[place.number]
        indentation = raw[: raw.index(place.line)]
        lines = [indentation + line for line in (*drawn[:gold], place.line, *drawn[gold:])]
        return ChoiceItem(
            id=f"{place.document.source}/{place.document.id}:{place.number + 1}",
            contexts=(context,) * self.choices,
            # The line break is scored with the line: tokenizers merge it with an indentation.
            continuations=tuple("\n" + line for line in lines),
            choices=tuple(lines),
            gold=gold,
        )


def _entry(place: _Place, seed: int) -> _Entry:
    # Lines of equal length are ordered by rank: by text, those of one document would come first.
    return (len(place.line.encode("utf-8")), rank(seed, *place.key, "pool"), place.line)


def _nearest(pool: list[_Entry], own: _Entry, used: set[str]) -> list[str]:
    """Different lines of the nearest length to an own one, none of them used."""
    length = own[0]
    high = bisect.bisect_left(pool, own)
    low = high - 1
    found: list[str] = []
    used = set(used)
    while len(found) < _NEAREST and (low >= 0 or high < len(pool)):
        below = low >= 0 and (high >= len(pool) or length - pool[low][0] <= pool[high][0] - length)
        line = pool[low][2] if below else pool[high][2]
        low, high = (low - 1, high) if below else (low, high + 1)
        if line not in used:
            used.add(line)
            found.append(line)
    return found
