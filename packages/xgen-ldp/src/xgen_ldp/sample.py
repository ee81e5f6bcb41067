"""Which lines of a corpus are used: drawn once for all of its languages, and written out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from xgen_core import InputError
from xgen_core.files import write_text
from xgen_core.records import Record
from xgen_ldp.corpora.text import read_texts
from xgen_ldp.line import Line

__all__ = ["LINES", "Sample", "draw_sample", "read_sample", "write_sample"]

LINES = 200
"""LDP scores 200 sentences a pair."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample(Record):
    """Ids of lines.

    Attributes:
        ids: in the corpus's order.
        of: how many lines the corpus has.
    """

    ids: tuple[str, ...]
    of: int

    def __post_init__(self) -> None:
        if len(set(self.ids)) != len(self.ids) or not 0 < len(self.ids) <= self.of:
            raise ValueError(f"{len(self.ids)} ids of {self.of} lines, or one of them twice")

    def take(self, lines: Sequence[Line]) -> tuple[Line, ...]:
        """Those of the lines that are in the sample, in their order.

        Fewer than the sample has where a language lacks some of them.
        """
        wanted = set(self.ids)
        return tuple(line for line in lines if line.id in wanted)

    def rest(self, lines: Sequence[Line]) -> tuple[Line, ...]:
        """Those that are not in it."""
        wanted = set(self.ids)
        return tuple(line for line in lines if line.id not in wanted)


def draw_sample(ids: Sequence[str], count: int = LINES, seed: int = 0) -> Sample:
    """Draw lines, the same for the same number of ids, count and seed on every machine.

    Every line gets a number of PCG64's raw stream, which is fixed for ever; those with the lowest
    are taken. So a larger sample of the same seed holds the smaller one, and what is drawn depends
    on no language.

    Args:
        ids: of all lines.
        count: how many; all where there are fewer.
        seed: decides which.

    Raises:
        ValueError: no ids, or a count below 1.
    """
    if not ids or count < 1:
        raise ValueError(f"expected ids and a count of at least 1, got {len(ids)} and {count}")
    keys = np.random.PCG64(seed).random_raw(len(ids))
    taken = np.sort(np.argsort(keys, kind="stable")[:count])
    return Sample(ids=tuple(ids[place] for place in taken.tolist()), of=len(ids))


def read_sample(path: Path | str, ids: Sequence[str]) -> Sample:
    """A sample from a file of one id a line, as `write_sample` writes it.

    Args:
        path: the file.
        ids: of all lines of the corpus.

    Raises:
        InputError: no such file, an id that the corpus does not have, or one twice.
    """
    places = {known: place for place, known in enumerate(ids)}
    found: dict[str, int] = {}
    for number, text in enumerate(read_texts(path), 1):
        name = text.strip()
        if not name:
            continue
        if name not in places:
            raise InputError(
                f"{path}:{number}: the corpus has no line {name!r}, only {ids[0]} to {ids[-1]}"
            )
        if name in found:
            raise InputError(f"{path}:{number}: {name!r} stands on line {found[name]} already")
        found[name] = number
    if not found:
        raise InputError(f"{path}: no ids in it")
    return Sample(ids=tuple(sorted(found, key=places.__getitem__)), of=len(ids))


def write_sample(path: Path | str, sample: Sample) -> None:
    """Write one id a line."""
    write_text(path, "".join(f"{name}\n" for name in sample.ids))
