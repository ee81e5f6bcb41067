"""Documents to be indexed: read from files, and cut into passages of whole sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from xgen_core import CodecError, InputError
from xgen_core.files import read_jsonl
from xgen_core.records import Record
from xgen_reason.knowledge.sentences import split_paragraphs, split_sentences

__all__ = ["Fields", "TextDocument", "cut_passages", "find_files", "read_documents"]

_SUFFIXES = (".txt", ".md", ".jsonl", ".jsonl.gz")
PASSAGE_WORDS = 180
"""A passage ends with the sentence that reaches it; an encyclopedia's paragraph stays whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDocument(Record):
    """What an index holds of one document.

    Attributes:
        name: unique in the index: `folder/file.md` for a file, the id for a line of JSON.
        title: for people and for search; may be empty.
        text: with its paragraphs.
    """

    name: str
    title: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """What the fields of a document are called in JSON lines.

    Attributes:
        id: a name, unique; the file's name and the line's number where a line has none.
        title: may be missing.
        text: must be there.
    """

    id: str = "id"
    title: str = "title"
    text: str = "text"


def find_files(paths: Sequence[Path]) -> list[tuple[Path, str]]:
    """Files to read with their names, which begin with the directory that was named.

    Directories are searched for .txt, .md, .jsonl and .jsonl.gz, those whose names begin with a dot
    left out.

    Raises:
        InputError: a path does not exist, a file is of another kind, or nothing is found.
    """
    found: list[tuple[Path, str]] = []
    for path in paths:
        if path.is_dir():
            root = path.resolve()
            for file in sorted(root.rglob("*")):
                parts = file.relative_to(root).parts
                hidden = any(part.startswith(".") for part in parts)
                if not hidden and file.name.endswith(_SUFFIXES) and file.is_file():
                    found.append((file, "/".join((root.name, *parts))))
        elif not path.exists():
            raise InputError(f"{path}: no such file or directory")
        elif not path.name.endswith(_SUFFIXES):
            raise InputError(f"{path}: expected one of {', '.join(_SUFFIXES)}")
        else:
            found.append((path, path.name))
    if not found:
        named = ", ".join(map(str, paths)) or "no path"
        raise InputError(f"{named}: holds no file of {', '.join(_SUFFIXES)}")
    return found


def read_documents(path: Path, name: str, fields: Fields) -> Iterator[TextDocument]:
    """The documents of one file, in order.

    Raises:
        InputError: it is not text, or a line has not the fields; the message names file and line.
    """
    if not path.name.endswith((".txt", ".md")):
        yield from _lines(path, name, fields)
        return
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text: {error}") from error
    title = path.stem.replace("_", " ")
    if path.suffix == ".md":
        heading = next((line for line in text.splitlines() if line.startswith("# ")), "")
        title = heading.removeprefix("# ").strip() or title
    yield TextDocument(name=name, title=title, text=text)


def _lines(path: Path, name: str, fields: Fields) -> Iterator[TextDocument]:
    count = 0

    def parse(value: object) -> TextDocument:
        nonlocal count
        count += 1
        if not isinstance(value, dict):
            raise CodecError("expected an object")
        found = cast("dict[str, object]", value)
        text, title = found.get(fields.text), found.get(fields.title, "")
        if not isinstance(text, str) or not isinstance(title, str):
            wrong = fields.title if isinstance(text, str) else fields.text
            raise CodecError(
                f"field {wrong!r} is not text: name the fields with --fields, "
                f"this line has {', '.join(found) or 'none'}"
            )
        label = found.get(fields.id, f"{name}:{count}")
        return TextDocument(name=f"{label}", title=_sound(title), text=_sound(text))

    yield from read_jsonl(path, parse)


def _sound(text: str) -> str:
    """Half surrogate pairs, which JSON can escape and no file can hold, as question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")


def cut_passages(text: str, *, words: int = PASSAGE_WORDS) -> Iterator[tuple[str, ...]]:
    """Passages as their sentences: each ends with its paragraph, or once it has so many words."""
    for paragraph in split_paragraphs(text):
        passage: list[str] = []
        length = 0
        for sentence in split_sentences(paragraph):
            passage.append(sentence)
            length += len(sentence.split())
            if length >= words:
                yield tuple(passage)
                passage, length = [], 0
        if passage:
            yield tuple(passage)
