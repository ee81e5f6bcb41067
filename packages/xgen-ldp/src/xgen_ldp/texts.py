"""What prompts may be made of, beside the bank: unlabelled text, and pairs by people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from xgen_ldp.checking import Checker
from xgen_ldp.exemplars import Exemplar, Side
from xgen_ldp.languages import Language, find_language
from xgen_ldp.line import Direction, Line
from xgen_ldp.source import read_source

__all__ = ["Texts", "harvested", "read_parallel", "read_texts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """What a run may learn from.

    Attributes:
        unlabelled: harvested lines by language code.
        origins: where they come from, in words, by language code.
        notes: what is to be known of the texts: lines that were left out, say.
        checker: that looks at every output.
    """

    unlabelled: Mapping[str, tuple[Line, ...]] = field(
        default_factory=dict[str, "tuple[Line, ...]"]
    )
    origins: Mapping[str, str] = field(default_factory=dict[str, str])
    notes: tuple[str, ...] = ()
    checker: Checker = field(default_factory=Checker)


def read_texts(files: Mapping[str, str]) -> Texts:
    """Harvest unlabelled text.

    Args:
        files: by language, as `find_language` takes it.

    Raises:
        InputError: no such file, or nothing in it; not a code.
    """
    unlabelled: dict[str, tuple[Line, ...]] = {}
    origins: dict[str, str] = {}
    notes: list[str] = []
    for code, path in files.items():
        language = find_language(code)
        found = read_source(path)
        unlabelled[language.code] = found.lines
        origins[language.code] = f"{found.name}: {len(found.lines):,} lines"
        notes += found.notes
    return Texts(unlabelled=unlabelled, origins=origins, notes=tuple(notes))


def harvested(
    file: str, language: Language, *, exclude: Sequence[str] = (), limit: int | None = None
) -> tuple[tuple[Line, ...], list[str]]:
    """Lines of a file that something can be learned from.

    Args:
        file: unlabelled text, a sentence a line.
        language: of it.
        exclude: files with lines that must not be among them.
        limit: the first so many.

    Returns:
        The lines, and what was left out, in words.

    Raises:
        InputError: no such file, or nothing is left.
    """
    found = read_source(file)
    kept = list({line.text: line for line in reversed(found.lines)}.values())[::-1]
    unwanted = {line.text for path in exclude for line in read_source(path).lines}
    left = [line for line in kept if line.text not in unwanted]
    notes = list(found.notes)
    if len(left) < len(kept):
        notes.append(f"{found.name}: {len(kept) - len(left):,} lines are excluded")
    return tuple(left[:limit]), notes


def read_parallel(source: str, target: str, direction: Direction) -> tuple[Exemplar, ...]:
    """Aligned files as pairs by people; lines without text on both sides are left out.

    Raises:
        InputError: no such file, or files of different lengths.
    """
    return tuple(
        Exemplar(
            id=line.id,
            sides=(
                Side(language=direction.source, text=line.text),
                Side(language=direction.target, text=line.reference),
            ),
            origin="parallel",
        )
        for line in read_source(source, target).lines
        if line.reference
    )
