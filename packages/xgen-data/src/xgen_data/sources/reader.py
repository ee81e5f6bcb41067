"""What a reader is: it cuts a source into parts, and reads any part on its own.

A part is the unit of work: a file, a stretch of one, or a handful of small ones. Which parts there
are depends on the input alone, and a part gives the same documents in the same order whichever
process or machine reads it, so a build can be shared out, killed and resumed by parts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from xgen_core.records import Record
from xgen_data.recipe import SourceConfig
from xgen_data.steps import Item

__all__ = ["Part", "Reader"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part(Record):
    """A piece of a source that is read by itself.

    Attributes:
        path: a file, or the directory that `files` lie in; local, or a URL that fsspec opens.
        files: names below `path`, where the part is several small files.
        start, stop: a range inside one file: bytes, row groups or rows, as the reader has it;
            `stop` None means to the end.
        size: roughly how many bytes there are to read, for progress and balance.
    """

    path: str
    files: tuple[str, ...] = ()
    start: int = 0
    stop: int | None = None
    size: int = 0


class Reader(Protocol):
    """One kind of source, such as `jsonl:`."""

    def plan(self, config: SourceConfig) -> Sequence[Part]:
        """The parts of a source, in order; it looks at names and sizes only, as far as it can.

        Raises:
            InputError: the source does not exist or cannot be what it is said to be.
        """
        ...

    def read(self, part: Part, config: SourceConfig) -> Iterator[Item]:
        """Documents of one part, in order; a `Drop` for everything that is passed over.

        A document's id is unique in its source, and its `source` is `config.name`. Damage ends the
        part, or only the row, with a `Drop(damaged=True)` whose `example` is `file:offset`.

        Raises:
            InputError: the part is gone or cannot be read at all.
        """
        ...
