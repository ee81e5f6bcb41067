"""Which line comes next? Multiple choice made from held-out documents."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple

from xgen_core import Document, InputError, ScoringModel
from xgen_core.progress import Progress
from xgen_eval.choices import ChoiceItem, choose
from xgen_eval.draws import rank, shuffled
from xgen_eval.inputs import Inputs
from xgen_eval.task import TaskResult

__all__ = ["ContinuationChoice"]

_NEAREST = 32
"""Distractors are drawn from so many lines of the most similar length."""


class _Place(NamedTuple):
    """A line of a document that may be asked for; `number` counts from 0."""

    document: Document
    lines: list[str]
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ContinuationChoice:
    """Tell the true next line of a document from lines of other places of the same source.

    The distractors are drawn with the seed among the 32 lines of the nearest byte length; lines
    that equal the true one or stand in the context are left out. Questions are spread evenly over
    the documents.

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
        return await choose(
            model,
            items,
            progress,
            name=self.name,
            variant=self.variant,
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
        sources: dict[str, list[tuple[Document, list[str]]]] = {}
        for document in documents:
            sources.setdefault(document.source, []).append((document, document.text.split("\n")))
        pools = {s: self._pool(lines for _, lines in own) for s, own in sources.items()}
        items: list[ChoiceItem] = []
        for place in self._places([p for own in sources.values() for p in own], seed):
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

    def _fits(self, line: str) -> bool:
        return self.min_bytes <= len(line.strip().encode("utf-8")) <= self.max_bytes

    def _pool(self, documents: Iterable[list[str]]) -> list[tuple[int, str]]:
        """All lines that may be a choice, each once, by byte length."""
        lines = {line for lines in documents for line in lines if self._fits(line)}
        return sorted((len(line.encode("utf-8")), line) for line in lines)

    def _places(
        self, documents: Sequence[tuple[Document, list[str]]], seed: int
    ) -> Iterator[_Place]:
        """Places to ask at, in drawn order: one of every document, then a second of each."""
        queues = [
            shuffled(
                (
                    _Place(document, lines, index)
                    for index in range(self.context_lines, len(lines))
                    if self._fits(lines[index])
                ),
                seed,
                lambda place: (place.document.source, place.document.id, place.number),
            )
            for document, lines in shuffled(documents, seed, lambda d: (d[0].source, d[0].id))
        ]
        for turn in itertools.zip_longest(*queues):
            yield from (place for place in turn if place is not None)

    def _item(self, place: _Place, pool: list[tuple[int, str]], seed: int) -> ChoiceItem | None:
        before = place.lines[place.number - self.context_lines : place.number]
        context = "\n".join(before)
        if not context.strip() or len(context.encode("utf-8")) > self.max_context_bytes:
            return None
        true = place.lines[place.number]
        used = {true.strip(), *(line.strip() for line in before)}
        key = (place.document.source, place.document.id, place.number)
        distractors: list[str] = []
        for line in shuffled(_nearest(pool, true, used), seed, lambda line: (*key, line)):
            if line.strip() not in used:
                used.add(line.strip())
                distractors.append(line)
            if len(distractors) == self.choices - 1:
                break
        else:
            return None
        lines = distractors
        lines.insert(int.from_bytes(rank(seed, *key, "position")[:8]) % self.choices, true)
        return ChoiceItem(
            id=f"{place.document.source}/{place.document.id}:{place.number + 1}",
            contexts=(context,) * self.choices,
            # The line break is scored with the line: tokenizers merge it with an indentation.
            continuations=tuple("\n" + line for line in lines),
            scored_bytes=tuple(len(line.encode("utf-8")) for line in lines),
            gold=lines.index(true),
        )


def _nearest(pool: list[tuple[int, str]], true: str, used: set[str]) -> list[str]:
    """The lines of the nearest length that are not used, by distance, then shorter first."""
    length = len(true.encode("utf-8"))
    low = high = bisect.bisect_left(pool, (length, ""))
    low -= 1
    found: list[str] = []
    while len(found) < _NEAREST and (low >= 0 or high < len(pool)):
        below = low >= 0 and (high >= len(pool) or length - pool[low][0] <= pool[high][0] - length)
        line = pool[low][1] if below else pool[high][1]
        low, high = (low - 1, high) if below else (low, high + 1)
        if line.strip() not in used:
            found.append(line)
    return found
