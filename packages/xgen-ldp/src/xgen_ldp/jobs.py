"""What is to be translated: the lines of one direction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

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
        unlabelled: text by language code, where the run has none of its own.
        of: how many lines the files have that these are a sample of; None where they are all.
    """

    direction: Direction
    lines: tuple[Line, ...]
    parallel: tuple[Exemplar, ...] = ()
    unlabelled: Mapping[str, tuple[Line, ...]] = field(
        default_factory=dict[str, "tuple[Line, ...]"]
    )
    of: int | None = None
