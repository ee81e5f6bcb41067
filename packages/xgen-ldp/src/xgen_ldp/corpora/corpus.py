"""A corpus: the same lines in several languages, each in a file of its own."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from xgen_core import InputError
from xgen_core.codec import unknown_name
from xgen_core.records import Record
from xgen_eval.inputs import DataFile
from xgen_ldp.corpora.alignment import first_differing
from xgen_ldp.corpora.text import read_texts
from xgen_ldp.languages import Language, find_language
from xgen_ldp.line import Direction, Line

__all__ = ["Corpus", "CorpusFile"]

_MARK = "\ufeff"


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusFile(Record):
    """One language's file: its content and what was found and done in reading it.

    Attributes:
        language: its code.
        file: by content.
        lines: in it, empty ones included.
        empty: numbers, from 1, of the lines without text.
        composed: how many lines were not in Unicode NFC and are read in it.
        joined: how many lines had a break in them that ends no line in a text file (U+2028, say);
            it is read as a blank.
    """

    language: str
    file: DataFile
    lines: int
    empty: tuple[int, ...] = ()
    composed: int = 0
    joined: int = 0


class _Read(NamedTuple):
    file: CorpusFile
    texts: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """Aligned files. Texts are read in Unicode NFC, without blanks at their ends.

    Line n of every file has the id `NAME:n`, whatever else is in the files: an empty line keeps its
    number.

    Attributes:
        name: in front of the ids.
        title: what it is, who made it and under which licence, as far as that is known.
        paths: of the files by language code, in order.
        languages: of the files, in the same order.
    """

    name: str
    title: str
    paths: Mapping[str, Path]
    languages: tuple[Language, ...]
    _read: dict[str, _Read] = field(
        default_factory=dict[str, _Read], init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        if not self.paths or list(self.paths) != [language.code for language in self.languages]:
            raise ValueError("expected a path for each language, and at least one")

    def language(self, code: str) -> Language:
        """One of the corpus's languages, by any code or name that `find_language` knows.

        Raises:
            InputError: it has no such language.
        """
        for language in self.languages:
            if language.code == code:
                return language
        found = find_language(code)
        if found.code not in self.paths:
            known = list(self.paths)
            raise InputError(f"{self.name}: {unknown_name(found.code, known, 'language')}")
        return next(language for language in self.languages if language.code == found.code)

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all lines."""
        first = self.file(self.languages[0])
        return tuple(f"{self.name}:{number}" for number in range(1, first.lines + 1))

    def file(self, language: Language) -> CorpusFile:
        """A language's file, read when it is first asked for.

        Raises:
            InputError: it is not there, or not UTF-8.
        """
        return self._take(language).file

    def lines(self, direction: Direction) -> tuple[Line, ...]:
        """The lines of a direction's source that have text, in the file's order.

        A line has its reference where the corpus has the target language and that line has text.

        Raises:
            InputError: the corpus lacks the source, a file is not UTF-8, or the two files are not
                aligned; names both counts and the line from which on, where that can be told.
        """
        source = self._take(direction.source)
        references: tuple[str, ...] = ("",) * len(source.texts)
        if direction.target.code in self.paths:
            target = self._take(direction.target)
            self._check_aligned(direction, source, target)
            references = target.texts
        return tuple(
            Line(id=f"{self.name}:{number}", text=text, reference=reference or None)
            for number, (text, reference) in enumerate(
                zip(source.texts, references, strict=True), 1
            )
            if text
        )

    def _check_aligned(self, direction: Direction, source: _Read, target: _Read) -> None:
        counts = len(source.texts), len(target.texts)
        differing = first_differing(source.texts, target.texts)
        if counts[0] == counts[1] and differing is None:
            return
        told = (
            f"they seem to differ from about line {differing} on"
            if differing is not None
            else "from which line on they differ cannot be told"
        )
        raise InputError(
            f"{self.paths[direction.source.code]} has {counts[0]} lines and "
            f"{self.paths[direction.target.code]} {counts[1]}, but line n of one must be the "
            f"translation of line n of the other; {told}"
        )

    def _take(self, language: Language) -> _Read:
        code = self.language(language.code).code
        if code not in self._read:
            self._read[code] = _read(self.paths[code], code)
        return self._read[code]


def _read(path: Path, code: str) -> _Read:
    rows = read_texts(path)
    rows[0] = rows[0].removeprefix(_MARK)
    joined = [" ".join(row.splitlines()) for row in rows]
    texts = tuple(unicodedata.normalize("NFC", row).strip() for row in joined)
    account = CorpusFile(
        language=code,
        file=DataFile.of(path),
        lines=len(rows),
        empty=tuple(number for number, text in enumerate(texts, 1) if not text),
        composed=sum(not unicodedata.is_normalized("NFC", row) for row in rows),
        joined=sum(len(row.splitlines()) > 1 for row in rows),
    )
    return _Read(account, texts)
