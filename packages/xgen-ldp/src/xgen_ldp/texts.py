"""What prompts may be made of, beside the bank: unlabelled text, and pairs by people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from xgen_core import InputError
from xgen_core.progress import track
from xgen_data.language import build_profile
from xgen_ldp.checking import Checker
from xgen_ldp.exemplars import Exemplar, Side
from xgen_ldp.harvest import harvest_file
from xgen_ldp.jobs import Job
from xgen_ldp.languages import find_language
from xgen_ldp.line import Direction, Line
from xgen_ldp.source import read_source

__all__ = ["Texts", "read_parallel", "read_texts"]


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

    def knowing(self, jobs: Sequence[Job]) -> Texts:
        """The same with a checker that knows the text of the jobs' languages too."""
        profiles = dict(self.checker.profiles)
        given = {code: lines for job in jobs for code, lines in job.unlabelled.items()}
        new = [code for code in given if code not in profiles]
        for code in track(new, "profiles", len(new), unit="languages"):
            try:
                profiles[code] = build_profile([line.text for line in given[code]])
            except InputError:
                continue  # too little text for one; the checker says what nobody can tell
        return replace(self, checker=replace(self.checker, profiles=profiles))


def read_texts(files: Mapping[str, str]) -> Texts:
    """Harvest unlabelled text, and let the checker know it.

    Args:
        files: by language, as `find_language` takes it.

    Raises:
        InputError: no such file, or nothing of use in it; not a code.
    """
    found = [harvest_file(path, find_language(code)) for code, path in files.items()]
    profiles = {one.language.code: one.profile() for one in found}
    return Texts(
        unlabelled={one.language.code: one.lines for one in found},
        origins={one.language.code: f"{one.name}: {len(one.lines):,} lines" for one in found},
        notes=tuple(note for one in found for note in one.notes),
        checker=Checker(profiles={code: one for code, one in profiles.items() if one is not None}),
    )


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
