"""The step itself, and the funnel that documents flow through."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol, runtime_checkable

from xgen_core import Document

__all__ = ["DocumentStep", "Drop", "Funnel", "Item", "Step", "run_steps"]

_BATCH_DOCUMENTS = 256
_BATCH_CHARACTERS = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """Why something is not in the data.

    Attributes:
        reason: a fixed phrase, because drops are counted by it.
        example: id of what was dropped; a step leaves it out, the funnel knows it. A reader gives
            the file, and the offset in it where that helps.
        damaged: the input is broken here (a truncated file, a row that is not JSON), which is not
            the same as text that nobody wants: a build stops at it unless told otherwise.
    """

    reason: str
    example: str = ""
    damaged: bool = False


Item = Document | Drop
"""What a source yields: a document, or something that it had to pass over."""


@runtime_checkable
class Step(Protocol):
    """Documents in; for each, in order, the document or the reason why it is dropped.

    An implementation is a frozen dataclass: its fields are its settings and are written into the
    build's recipe, so that equal settings give equal stores. It keeps no state between batches, and
    how documents are batched must not change what it says of one.
    """

    @property
    def kind(self) -> str:
        """The step's name in counts, reports and recipes, such as `"gopher_quality"`."""
        ...

    writes: ClassVar[tuple[str, ...]]
    """Metadata keys that the step sets."""

    def apply(self, documents: Sequence[Document]) -> list[Document | Drop]:
        """One result for each document."""
        ...


class DocumentStep:
    """Base of steps that look at one document at a time: they define `one`."""

    writes: ClassVar[tuple[str, ...]] = ()

    def one(self, document: Document) -> Document | Drop:
        """What becomes of one document."""
        raise NotImplementedError

    def apply(self, documents: Sequence[Document]) -> list[Document | Drop]:
        """`one` of each."""
        return [self.one(document) for document in documents]


@dataclass(slots=True)
class Funnel:
    """Counts of one source on its way through the steps; filled while documents flow.

    Attributes:
        read: items that the source yielded, passed-over ones included.
        dropped: by (step, reason); the source itself counts as the step `"read"`.
        examples: the first id for each of these.
    """

    read: int = 0
    dropped: dict[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])
    examples: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])

    def drop(self, step: str, reason: str, example: str, count: int = 1) -> None:
        """Count drops."""
        key = (step, reason)
        self.dropped[key] = self.dropped.get(key, 0) + count
        self.examples.setdefault(key, example)


def run_steps(items: Iterable[Item], steps: Sequence[Step], funnel: Funnel) -> Iterator[Document]:
    """Yield the documents that pass every step, in order, counting the others in `funnel`."""
    batch: list[Document] = []
    characters = 0
    for item in items:
        funnel.read += 1
        if isinstance(item, Drop):
            funnel.drop("read", item.reason, item.example)
            continue
        batch.append(item)
        characters += len(item.text)
        if len(batch) == _BATCH_DOCUMENTS or characters >= _BATCH_CHARACTERS:
            yield from _apply(batch, steps, funnel)
            batch, characters = [], 0
    yield from _apply(batch, steps, funnel)


def _apply(documents: list[Document], steps: Sequence[Step], funnel: Funnel) -> list[Document]:
    for step in steps:
        if not documents:
            break
        kept: list[Document] = []
        for document, result in zip(documents, step.apply(documents), strict=True):
            if isinstance(result, Drop):
                funnel.drop(step.kind, result.reason, document.id)
            else:
                kept.append(result)
        documents = kept
    return documents
