"""`dm-math:DIR`: DeepMind Mathematics, school questions with their answers.

The data set (Saxton et al. 2019) is a directory for each level, `train-easy`, `train-medium` and
`train-hard`, with a file for each kind of question (`algebra__linear_1d.txt`) in which lines are a
question and its answer by turns. `interpolate` and `extrapolate` are its test sets: not read here,
unless DIR is one of them or a file.

Pairs are packed as in the Pile, XGen's source for it: consecutive pairs of one file, one below the
other, until a document has at least 8,192 characters (the Pile: 1,014,997 documents of together
8,316,165,951 bytes, 8,193 each). A document's id is `LEVEL/KIND.txt:LINE` of its first question;
`dm_math.level`, `dm_math.kind` and `dm_math.pairs` are metadata.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from xgen_core import Document, InputError
from xgen_data.recipe import SourceConfig
from xgen_data.sources.files import (
    DamageError,
    group_files,
    identity_of,
    list_files,
    part_files,
    read_chunks,
    read_lines,
)
from xgen_data.sources.reader import Part
from xgen_data.sources.tree import TOO_LARGE
from xgen_data.steps import Drop, Item

__all__ = ["DOCUMENT_CHARACTERS", "DmMathReader"]

DOCUMENT_CHARACTERS = 8192
_TEST_SETS = ("interpolate", "extrapolate")


@dataclass(frozen=True, slots=True)
class DmMathReader:
    """Reads `dm-math:DIR`."""

    def plan(self, config: SourceConfig) -> tuple[Part, ...]:
        """One part a file.

        Raises:
            InputError: no such directory.
        """
        try:
            listing = list_files(config.rest, (".txt",))
        except InputError as error:
            raise InputError(f"dm-math:{error}") from error
        chosen = tuple(f for f in listing.files if not f.name.startswith(_TEST_SETS))
        return group_files(replace(listing, files=chosen), max_files=1)

    def read(self, part: Part, config: SourceConfig) -> Iterator[Item]:
        """Yield documents of consecutive pairs.

        Raises:
            InputError: no such file.
        """
        for name, path in part_files(part):
            level = PurePosixPath(path).parent.name.removeprefix("train-")
            try:
                yield from _pack(path, identity_of(name), level, config.name)
            except DamageError as damage:
                example = f"{path}:{damage.offset}"
                yield Drop(reason=damage.reason, example=example, damaged=True)


def _pack(path: str, name: str, level: str, source: str) -> Iterator[Item]:
    kind = PurePosixPath(name).name.partition(".")[0]
    lines: list[str] = []
    size = 0
    begin = 1

    def document() -> Document:
        return Document(
            id=f"{name}:{begin}",
            text="\n".join(lines) + "\n",
            source=source,
            metadata={
                "dm_math.level": level,
                "dm_math.kind": kind,
                "dm_math.pairs": len(lines) // 2,
            },
        )

    offset = 0
    for offset, line in read_lines(read_chunks(path)):
        text = None if line is None else _text(line)
        if text is None:
            reason = f"line {TOO_LARGE}" if line is None else "this line is not UTF-8"
            raise DamageError(reason, offset)
        lines.append(text)
        size += len(text) + 1
        if size >= DOCUMENT_CHARACTERS and len(lines) % 2 == 0:
            yield document()
            begin += len(lines)
            lines, size = [], 0
    odd = len(lines) % 2
    if odd:
        lines.pop()
    if lines:
        yield document()
    if odd:
        raise DamageError("a question without its answer", offset)


def _text(line: bytes) -> str | None:
    try:
        return line.decode("utf-8").rstrip("\r")
    except UnicodeDecodeError:
        return None
