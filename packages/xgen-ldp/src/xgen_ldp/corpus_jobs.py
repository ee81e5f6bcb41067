"""What is to be translated of a corpus, and what of it may stand in prompts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from xgen_core import InputError
from xgen_eval.inputs import DataFile
from xgen_ldp.corpora import Corpus, CorpusFile, open_corpus
from xgen_ldp.exemplars import Exemplar, Side
from xgen_ldp.jobs import Job
from xgen_ldp.languages import ENGLISH
from xgen_ldp.line import Direction, Line
from xgen_ldp.sample import Sample

__all__ = ["CorpusJobs", "learning_corpus"]

_DEVTEST = "flores200.devtest"


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusJobs:
    """A corpus, and what is taken from it.

    Attributes:
        corpus: its lines in the sample are translated.
        sample: ids of those.
        learning: the lines of this one that are not in the sample may stand in prompts.
        directions: in the order of the run.
    """

    corpus: Corpus
    sample: Sample
    learning: Corpus
    directions: tuple[Direction, ...]

    @property
    def jobs(self) -> list[Job]:
        """One a direction.

        Raises:
            InputError: a file is not UTF-8, or two are not aligned.
        """
        return [
            Job(
                direction=direction,
                lines=self.sample.take(self.corpus.lines(direction)),
                parallel=self._parallel(direction),
                unlabelled=self._unlabelled(direction),
                of=self.corpus.file(direction.source).lines,
            )
            for direction in self.directions
        ]

    def _parallel(self, direction: Direction) -> tuple[Exemplar, ...]:
        """With English between two other languages where there is some: pivot's steps take it."""
        english: dict[str, str | None] = {}
        if direction.kind == "between" and ENGLISH in self.learning.languages:
            through = Direction(source=direction.source, target=ENGLISH)
            english = {line.id: line.reference for line in self.learning.lines(through)}
        return tuple(
            _exemplar(line, english.get(line.id), line.reference, direction)
            for line in self.sample.rest(self.learning.lines(direction))
            if line.reference is not None
        )

    def _unlabelled(self, direction: Direction) -> dict[str, tuple[Line, ...]]:
        """The text of both languages but English, without a line that stands in the other's.

        A corpus has every line in every language, and nobody is to learn from pairs of them.
        """
        languages = [one for one in (direction.source, direction.target) if one != ENGLISH]
        found: dict[str, tuple[Line, ...]] = {}
        for place, language in enumerate(languages):
            if language in self.learning.languages:
                way = Direction(source=language, target=ENGLISH)
                found[language.code] = tuple(
                    Line(id=line.id, text=line.text)
                    for line in self.sample.rest(self.learning.lines(way))
                    if int(line.id.rpartition(":")[2]) % len(languages) == place
                )
        return found

    @property
    def origin(self) -> str:
        """Where unlabelled text comes from that nobody gave, in words."""
        outside = " outside of the sample" if self.learning is self.corpus else ""
        return f"{self.learning.name}: lines{outside}, of two languages different ones"

    @property
    def files(self) -> list[DataFile]:
        """All files that are read, by content."""
        return [account.file for account in self._accounts]

    @property
    def notes(self) -> list[str]:
        """What was found in them: lines without text."""
        return [
            f"{account.file.name}: {len(account.empty):,} of {account.lines:,} lines are empty"
            for account in self._accounts
            if account.empty
        ]

    @property
    def _accounts(self) -> list[CorpusFile]:
        languages = dict.fromkeys(
            language
            for direction in self.directions
            for language in (direction.source, direction.target)
        )
        corpora = [self.corpus]
        if self.learning is not self.corpus:
            corpora.append(self.learning)
        return [
            corpus.file(language)
            for corpus in corpora
            for language in languages
            if language in corpus.languages
        ]


def learning_corpus(path: Path | str, corpus: Corpus) -> Corpus:
    """Where exemplars of a corpus may come from: FLORES-200's dev for its devtest, else itself."""
    if corpus.name == _DEVTEST:
        try:
            return open_corpus(path, "dev")
        except InputError:
            pass
    return corpus


def _exemplar(line: Line, english: str | None, translation: str, way: Direction) -> Exemplar:
    sides = [Side(language=way.source, text=line.text), Side(language=way.target, text=translation)]
    if english is not None:
        sides.insert(1, Side(language=ENGLISH, text=english))
    return Exemplar(id=line.id, sides=tuple(sides), origin="parallel")
