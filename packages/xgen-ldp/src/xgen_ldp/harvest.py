"""Unlabelled text to lines that something can be learned from; what is left out is counted.

A line is decoded, brought into Unicode NFC and single spaces, and then asked in this order: is
there text in it, is it of a usable length, in the language's script and hardly in another, in the
language as far as anybody can tell, and new. Where no identifier knows the language, or it says
nothing of the line, the line stays and is counted as unknown.
"""

from __future__ import annotations

import codecs
import sys
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO, Literal

from xgen_core import InputError
from xgen_core.progress import Progress
from xgen_core.records import Record
from xgen_core.report import Table
from xgen_data.language import (
    Profile,
    build_profile,
    dominant_script,
    script_share,
    standard_code,
    without_names,
)
from xgen_ldp.checking import density, language_opinion
from xgen_ldp.languages import Language
from xgen_ldp.line import Line

__all__ = ["FATES", "KEPT", "Fate", "Harvest", "Window", "harvest_file"]

Fate = Literal[
    "identified",
    "unknown",
    "encoding",
    "empty",
    "no-letters",
    "too-short",
    "too-long",
    "wrong-script",
    "mixed-script",
    "english",
    "wrong-language",
    "duplicate",
    "excluded",
]
FATES: dict[Fate, str] = {
    "identified": "in the language, kept",
    "unknown": "in a language that nobody can tell, kept",
    "encoding": "not UTF-8",
    "empty": "nothing in it",
    "no-letters": "not a letter in it",
    "too-short": "too short",
    "too-long": "too long",
    "wrong-script": "in another script",
    "mixed-script": "partly in another script",
    "english": "in English",
    "wrong-language": "in another language",
    "duplicate": "stands there before",
    "excluded": "excluded",
}
"""What became of a line, in words."""

KEPT: tuple[Fate, ...] = ("identified", "unknown")
"""Fates of lines that stay."""

_NAMED = 3
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_LOST = "\ufffd"
_ENGLISH = standard_code("en")
_FEWEST_LETTERS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Window(Record):
    """Which lines are taken.

    Attributes:
        shortest, longest: characters, as of English: of Chinese 0.36 as many.
        script: least share of letters in the language's script, names left out.
        pure: and least share of them in a line that is not mixed.
    """

    shortest: int = 10
    longest: int = 500
    script: float = 0.5
    pure: float = 0.8

    def __post_init__(self) -> None:
        if not 0 < self.shortest <= self.longest:
            raise ValueError(f"0 < shortest <= longest, got {self.shortest} and {self.longest}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Harvest:
    """Lines of a text, and what became of the others.

    Attributes:
        name: of the file.
        language: of it.
        lines: that were kept; ids are `NAME:NUMBER`.
        read: lines that were looked at.
        counts: of them, by what became of them.
        first: ids of the first lines of each fate.
        encoding: of the file.
    """

    name: str
    language: Language
    lines: tuple[Line, ...]
    read: int
    counts: Mapping[Fate, int]
    first: Mapping[Fate, tuple[str, ...]] = field(default_factory=dict[Fate, "tuple[str, ...]"])
    encoding: Literal["utf-8", "utf-16"] = "utf-8"

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out and why, a sentence a reason; and if nobody knows the language."""
        notes: list[str] = []
        for fate, count in self.counts.items():
            if fate in KEPT:
                continue
            advice = "; iconv -t UTF-8 converts a file" if fate == "encoding" else ""
            notes.append(
                f"{self.name}: {count:,} of {self.read:,} lines are left out, {FATES[fate]} "
                f"({_some(self.first[fate], count)}){advice}"
            )
        unknown = self.counts.get("unknown", 0)
        if unknown and unknown == len(self.lines):
            notes.append(f"{self.name}: nobody can tell whether its lines are {self.language.name}")
        return tuple(notes)

    def table(self) -> Table:
        """The counts, for the report page."""
        rows = ((FATES[fate], n, ", ".join(self.first[fate])) for fate, n in self.counts.items())
        return Table(
            columns=("lines", "how many", "the first"),
            rows=tuple(rows),
            caption=f"{self.name}: {len(self.lines):,} of {self.read:,} lines are kept",
        )

    def profile(self) -> Profile | None:
        """The profile of what was kept; None where that is too little for one."""
        try:
            return build_profile([line.text for line in self.lines])
        except InputError:
            return None


def harvest_file(
    path: Path | str,
    language: Language,
    *,
    window: Window | None = None,
    exclude: Collection[str] = (),
    limit: int | None = None,
) -> Harvest:
    """Read unlabelled text, a sentence a line, and keep what is of use.

    Args:
        path: of the file, UTF-8 or UTF-16 with its mark; `-` for standard input.
        language: that it should be in.
        window: which lines are taken.
        exclude: texts that must not be among them, in Unicode NFC.
        limit: stop after so many that were kept.

    Raises:
        InputError: no such file, or nothing in it is of use; says what is wrong with most lines.
    """
    taken, name = window or Window(), "stdin" if path == "-" else Path(path).name
    banned = {_digest(" ".join(text.split())) for text in exclude}
    seen: set[bytes] = set()
    counts, first = Counter[Fate](), dict[Fate, list[str]]()
    kept: list[Line] = []
    read = 0
    with _opened(path) as (rows, encoding), Progress(f"harvest {name}", unit="lines") as progress:
        for read, row in enumerate(rows, 1):
            text, fate = row, "encoding"
            if row is not None:
                text = _normalised(row)
                fate = _fate(text, language, taken)
            if text and fate in KEPT:
                digest = _digest(text)
                if digest in banned:
                    fate = "excluded"
                elif digest in seen:
                    fate = "duplicate"
                else:
                    seen.add(digest)
                    kept.append(Line(id=f"{name}:{read}", text=text))
            counts[fate] += 1
            if len(ids := first.setdefault(fate, [])) < _NAMED:
                ids.append(f"{name}:{read}")
            progress.advance()
            if limit is not None and len(kept) >= limit:
                break
    if not kept:
        most = max(counts, key=lambda fate: counts[fate], default=None)
        why = f"{counts[most]:,} of {read:,} are {_worst(most)}" if most else "the file is empty"
        raise InputError(f"{path}: no line of it is of use as {language.name}: {why}")
    return Harvest(
        name=name,
        language=language,
        lines=tuple(kept),
        read=read,
        counts={fate: counts[fate] for fate in FATES if counts[fate]},
        first={fate: tuple(ids) for fate, ids in first.items()},
        encoding=encoding,
    )


def _fate(text: str, language: Language, window: Window) -> Fate:
    if not text:
        return "empty"
    if dominant_script(text) is None:
        return "no-letters"
    length = len(text) / density(language)
    if length < window.shortest:
        return "too-short"
    if length > window.longest:
        return "too-long"
    if language.script is not None:
        rest = without_names(text, keep_first=False)
        if sum(map(str.isalpha, rest)) < _FEWEST_LETTERS * density(language):
            rest = text
        share = script_share(rest, language.script) or 0.0
        if share < window.script:
            return "wrong-script"
        if share < window.pure:
            return "mixed-script"
    opinion = language_opinion(text, language, {})
    if opinion.verdict == "wrong":
        return "english" if opinion.found == _ENGLISH else "wrong-language"
    return "identified" if opinion.verdict == "right" else "unknown"


def _normalised(text: str) -> str:
    kept = (c if unicodedata.category(c) != "Cc" else " " for c in text)
    plain = text if text.isprintable() else "".join(kept)
    return " ".join(unicodedata.normalize("NFC", plain).split())


def _digest(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=12).digest()


@contextmanager
def _opened(path: Path | str) -> Iterator[tuple[Iterator[str | None], Literal["utf-8", "utf-16"]]]:
    """The lines, None for one that cannot be decoded, and the file's encoding."""
    if path == "-":
        yield _decoded(sys.stdin.buffer), "utf-8"
        return
    try:
        handle = Path(path).open("rb")  # noqa: SIM115 - closed below; only this may say no such file
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    with handle:
        mark = handle.read(2)
        handle.seek(0)
        if mark in _UTF_16:
            with TextIOWrapper(handle, "utf-16", errors="replace", newline="\n") as text:
                yield (None if _LOST in line else line for line in text), "utf-16"
        else:
            yield _decoded(handle), "utf-8"


def _decoded(handle: BinaryIO) -> Iterator[str | None]:
    for number, line in enumerate(handle):
        try:
            text = (line.removeprefix(codecs.BOM_UTF8) if number == 0 else line).decode("utf-8")
        except UnicodeDecodeError:
            yield None
        else:
            yield None if _LOST in text else text


def _some(ids: Collection[str], count: int) -> str:
    numbers = ", ".join(id.rpartition(":")[2] for id in ids)
    return f"line{'s' * (count > 1)} {numbers}{', …' * (count > len(ids))}"


def _worst(fate: Fate) -> str:
    return f"{FATES[fate]}{'; iconv -t UTF-8 converts a file' * (fate == 'encoding')}"
