"""What any other system wrote, to stand in the same table: NLLB's output files, say.

Such a system is asked nothing here. Its lines are read, checked by the same checker as a model's,
and become `Translation`s without calls.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from xgen_core import InputError
from xgen_eval.inputs import DataFile
from xgen_ldp.checking import Checker
from xgen_ldp.exemplars import Side
from xgen_ldp.line import Direction, Line
from xgen_ldp.translation import Attempt, Translation

__all__ = ["Hypotheses", "read_hypotheses"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hypotheses:
    """A system's output for one direction.

    Attributes:
        direction: from which language into which.
        file: it, by content.
        texts: in Unicode NFC, by line id; empty where the system wrote nothing.
    """

    direction: Direction
    file: DataFile
    texts: Mapping[str, str]

    def translation(self, line: Line, checker: Checker) -> Translation:
        """What the system wrote for a line, looked at; it is scored as it stands."""
        text = self.texts[line.id]
        given = Side(language=self.direction.source, text=line.text)
        checked = checker.check(given, text, self.direction.target)
        attempt = Attempt(text=text, findings=checked.findings, notes=checked.notes)
        return Translation(id=line.id, attempts=(attempt,))


def read_hypotheses(
    path: Path | str, direction: Direction, lines: Sequence[Line], *, corpus: int | None = None
) -> Hypotheses:
    """Read a system's output, a line of text for each line.

    Args:
        path: the file, or a directory with one for each direction: `eng_Latn-npi_Deva.txt`.
        direction: from which language into which.
        lines: that are translated, in order.
        corpus: how many lines the files have that `lines` are a sample of. A file of as many is
            read by the numbers in the lines' ids, so that the output for a whole test set serves
            any sample of it.

    Raises:
        InputError: no such file, not UTF-8, or of another number of lines.
    """
    place = Path(path)
    file = place / f"{direction.name}.txt" if place.is_dir() else place
    found = _read(file)
    if len(found) == len(lines):
        texts = {line.id: text for line, text in zip(lines, found, strict=True)}
    elif len(found) == corpus:
        texts = {line.id: found[_number(line) - 1] for line in lines}
    else:
        raise InputError(_misaligned(file, found, lines, corpus))
    return Hypotheses(direction=direction, file=DataFile.of(file), texts=texts)


def _read(file: Path) -> list[str]:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise InputError(f"{file}: no such file: {error.strerror}") from error
    texts: list[str] = []
    for number, line in enumerate(data.removesuffix(b"\n").split(b"\n"), 1):
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise InputError(
                f"{file}:{number}: not UTF-8: {error.reason} at byte {error.start + 1}; convert "
                "the file (iconv -t UTF-8)"
            ) from error
        texts.append(" ".join(unicodedata.normalize("NFC", text).split()))
    return texts if data else []


def _number(line: Line) -> int:
    """The line's number in its file, from its id."""
    return int(line.id.rpartition(":")[2])


def _misaligned(file: Path, found: Sequence[str], lines: Sequence[Line], corpus: int | None) -> str:
    whole = f" (or {corpus:,}, the whole corpus)" if corpus not in (None, len(lines)) else ""
    said = f"{file}: {len(found):,} lines for {len(lines):,} that are translated{whole}"
    if len(found) < len(lines):
        return (
            f"{said}: the first without one is {lines[len(found)].id}, if none is missing before it"
        )
    empty = next((number for number, text in enumerate(found, 1) if not text), None)
    if empty is not None:
        return f"{said}: the first that may be too many is line {empty}, which is empty"
    return f"{said}: the first too many is line {len(lines) + 1}, if none is doubled before it"
