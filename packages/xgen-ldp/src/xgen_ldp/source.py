"""A file that is to be translated: whatever is in it, each of its lines keeps its place."""

from __future__ import annotations

import codecs
import sys
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from xgen_core import InputError
from xgen_ldp.line import Line

__all__ = ["Source", "read_source"]

_MARKED = ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The lines of a file.

    Attributes:
        name: of the file.
        places: its lines in order; None where there is nothing that could be translated.
        notes: what is wrong with how many lines, in words.
    """

    name: str
    places: tuple[Line | None, ...]
    notes: tuple[str, ...] = ()

    @property
    def lines(self) -> tuple[Line, ...]:
        """Those that can be translated."""
        return tuple(line for line in self.places if line is not None)


def read_source(path: str, reference: str | None = None) -> Source:
    """Read a file, and its translation by a person if there is one.

    Text comes into Unicode NFC, and loses the blanks at its ends. A line that is not UTF-8 or empty
    is left out, and said; the same line twice is translated twice, for the price of one.

    Args:
        path: of the file; `-` for standard input.
        reference: of a file with as many lines.

    Raises:
        InputError: no such file, nothing in it that could be translated, or a reference of another
            number of lines.
    """
    texts, name = _read(path)
    aligned = _read(reference)[0] if reference else [None] * len(texts)
    if reference and len(aligned) != len(texts):
        raise InputError(_misaligned(name, texts, reference, aligned))
    places = tuple(
        Line(id=f"{name}:{number}", text=text, reference=other or None) if text else None
        for number, (text, other) in enumerate(zip(texts, aligned, strict=True), 1)
    )
    source = Source(name=name, places=places, notes=tuple(_notes(name, texts, reference, aligned)))
    if not source.lines:
        why = f": {source.notes[0]}" if source.notes else ""
        raise InputError(f"{name}: nothing in it to translate{why}")
    return source


def _read(path: str) -> tuple[list[str | None], str]:
    """Lines, and the file's name; None for a line that is not text."""
    if path == "-":
        return _decoded(sys.stdin.buffer.read()), "stdin"
    try:
        return _decoded(Path(path).read_bytes()), Path(path).name
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error


def _decoded(data: bytes) -> list[str | None]:
    for mark, encoding in _MARKED:
        if data.startswith(mark):
            data = data.decode(encoding, errors="replace").encode("utf-8", errors="replace")
    lines = data.removeprefix(codecs.BOM_UTF8).removesuffix(b"\n").split(b"\n")
    return [_text(line) for line in lines] if data else []


def _text(line: bytes) -> str | None:
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        return None
    # characters that end a line for Python, inside one of the file's
    return unicodedata.normalize("NFC", " ".join(text.splitlines())).strip()


def _notes(
    name: str,
    texts: Sequence[str | None],
    reference: str | None,
    aligned: Sequence[str | None],
) -> list[str]:
    notes: list[str] = []
    damaged = [number for number, text in enumerate(texts, 1) if text is None]
    if damaged:
        notes.append(
            f"{name}: {len(damaged):,} of {len(texts):,} lines are not UTF-8 and are left out "
            f"({_some(damaged)}); iconv -t UTF-8 converts a file"
        )
    empty = [number for number, text in enumerate(texts, 1) if text == ""]
    if empty:
        notes.append(f"{name}: {len(empty):,} empty lines are left out ({_some(empty)})")
    copies = sum(count - 1 for text, count in Counter(texts).items() if text)
    if copies:
        notes.append(f"{name}: {copies:,} lines stand there before, and cost nothing again")
    if reference:
        pairs = enumerate(zip(texts, aligned, strict=True), 1)
        alone = [number for number, (text, other) in pairs if text and not other]
        if alone:
            notes.append(
                f"{reference}: {len(alone):,} lines have no text there, and are not scored "
                f"({_some(alone)})"
            )
    return notes


def _some(numbers: Sequence[int]) -> str:
    more = ", …" if len(numbers) > _NAMED else ""
    return f"line{'s' * (len(numbers) > 1)} {', '.join(map(str, numbers[:_NAMED]))}{more}"


def _misaligned(
    name: str, texts: Sequence[str | None], reference: str, aligned: Sequence[str | None]
) -> str:
    from xgen_ldp.corpora import first_differing  # numpy takes its time to load

    said = f"{reference}: {len(aligned):,} lines, but {name} has {len(texts):,}"
    number = first_differing([t or "" for t in texts], [t or "" for t in aligned])
    if number is None:
        return f"{said}; from which line on they differ cannot be told"
    return f"{said}; they seem to differ from about line {number} on"
