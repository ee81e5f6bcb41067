"""What prompts may be made of, beside the bank: unlabelled text, and pairs by people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from xgen_data.language import Profile
from xgen_ldp.checking import Checker
from xgen_ldp.exemplars import Exemplar, Side
from xgen_ldp.harvest import harvest_file
from xgen_ldp.languages import ENGLISH, Language, find_language
from xgen_ldp.line import Direction, Line
from xgen_ldp.source import read_source

if TYPE_CHECKING:
    from xgen_ldp.corpus_jobs import CorpusJobs

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

    def filled(self, corpus: CorpusJobs) -> Texts:
        """The same with a corpus's own lines in languages that there is no text of."""
        unlabelled, origins = dict(self.unlabelled), dict(self.origins)
        for direction in corpus.directions:
            for language in (direction.source, direction.target):
                missing = language.code not in unlabelled and language != ENGLISH
                if missing and language in corpus.learning.languages:
                    lines, origin = corpus.unlabelled(language)
                    unlabelled[language.code], origins[language.code] = lines, origin
        return replace(
            self,
            unlabelled=unlabelled,
            origins=origins,
            notes=(*self.notes, *corpus.notes),
        )


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
    profiles: dict[str, Profile] = {}
    for code, path in files.items():
        language = find_language(code)
        found = harvest_file(path, language)
        unlabelled[language.code] = found.lines
        origins[language.code] = f"{found.name}: {len(found.lines):,} lines"
        notes += found.notes
        if (profile := found.profile()) is not None:
            profiles[language.code] = profile
    return Texts(
        unlabelled=unlabelled,
        origins=origins,
        notes=tuple(notes),
        checker=Checker(profiles=profiles),
    )


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
    unwanted = {line.text for path in exclude for line in read_source(path).lines}
    found = harvest_file(file, language, exclude=unwanted, limit=limit)
    return found.lines, list(found.notes)


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
