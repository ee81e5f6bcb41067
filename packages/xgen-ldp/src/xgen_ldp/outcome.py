"""What an arm of a run came to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from xgen_core.concurrency import Failure
from xgen_core.lm.asker import Call
from xgen_eval.inputs import DataFile
from xgen_ldp.line import Direction, Line
from xgen_ldp.methods import Preparation
from xgen_ldp.translation import Translation

__all__ = ["Outcome"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """All lines of one direction by one system.

    Attributes:
        direction: from which language into which.
        system: the method, or whoever wrote the hypotheses, as it is called in the run.
        preparation: what the method rests on, or why it could not be prepared.
        rows: each line with its translation, or why there is none.
        file: that the translations were read from, where no model made them.
    """

    direction: Direction
    system: str
    preparation: Preparation | Failure
    rows: tuple[tuple[Line, Translation | Failure], ...]
    file: DataFile | None = None

    @property
    def name(self) -> str:
        """As its files are called: `"npi_Deva-eng_Latn--ldp"`."""
        return f"{self.direction.name}--{self.system}"

    @property
    def translations(self) -> Iterator[Translation]:
        """Those that are there, accepted or not."""
        return (made for _, made in self.rows if isinstance(made, Translation))

    def calls(self) -> Iterator[Call]:
        """All requests: the preparation's, then the lines'."""
        if isinstance(self.preparation, Preparation):
            yield from self.preparation.calls
        for made in self.translations:
            yield from made.calls
