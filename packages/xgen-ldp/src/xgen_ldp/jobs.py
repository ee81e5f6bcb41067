"""What is to be translated: the lines of one direction."""

from __future__ import annotations

from dataclasses import dataclass

from xgen_ldp.exemplars import Exemplar
from xgen_ldp.line import Direction, Line

__all__ = ["Job"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Lines that are to be translated.

    Attributes:
        direction: from which language into which.
        lines: with different ids.
        parallel: pairs (source, target) by people, or triples with English between, for methods
            that are supervised.
        of: how many lines the files have that these are a sample of; None where they are all.
    """

    direction: Direction
    lines: tuple[Line, ...]
    parallel: tuple[Exemplar, ...] = ()
    of: int | None = None
