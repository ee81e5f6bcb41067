"""A cleaning step takes one document and gives it back, changed or not, or says why it drops it.

Whatever is dropped is counted by step and reason, with the first document it happened to, so that
the report can show where the text went.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from xgen_core import Document

__all__ = ["Drop", "Funnel", "Item", "Step", "run_steps"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """Why something is not in the data.

    Attributes:
        reason: a fixed phrase, because drops are counted by it.
        example: id of what was dropped; a step leaves it out, being called with one document.
    """

    reason: str
    example: str = ""


Item = Document | Drop
"""What a source yields: a document, or a file that it had to pass over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A named function over documents."""

    name: str
    apply: Callable[[Document], Document | Drop]


@dataclass(slots=True)
class Funnel:
    """Counts of one source on its way through the steps; filled while documents flow.

    Attributes:
        read: items that the source yielded, passed-over files included.
        dropped: by (step, reason); the source itself counts as the step `"read"`.
        examples: the first id for each of these.
    """

    read: int = 0
    dropped: dict[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])
    examples: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])

    def drop(self, step: str, reason: str, example: str) -> None:
        """Count one drop."""
        key = (step, reason)
        self.dropped[key] = self.dropped.get(key, 0) + 1
        self.examples.setdefault(key, example)


def run_steps(items: Iterable[Item], steps: Sequence[Step], funnel: Funnel) -> Iterator[Document]:
    """Yield the documents that pass every step, counting the others in `funnel`."""
    for item in items:
        funnel.read += 1
        if isinstance(item, Drop):
            funnel.drop("read", item.reason, item.example)
            continue
        document = item
        for step in steps:
            result = step.apply(document)
            if isinstance(result, Drop):
                funnel.drop(step.name, result.reason, document.id)
                break
            document = result
        else:
            yield document
