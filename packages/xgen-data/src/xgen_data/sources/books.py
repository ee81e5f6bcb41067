"""`books:PATH`: plain-text books, one document a book, such as those of Project Gutenberg.

PATH is a directory (its `.txt` files), a glob or a file. Project Gutenberg wraps each book in its
licence; what lies between the markers is the book:

    *** START OF THE PROJECT GUTENBERG EBOOK MOBY DICK ***
    *** END OF THE PROJECT GUTENBERG EBOOK MOBY DICK ***

and in files from before 2003 between `*END*THE SMALL PRINT! …` and `End of the Project Gutenberg
Etext`. A file without markers is a book from beginning to end. Files that are not UTF-8 are taken
for what they declare, and else for Windows-1252.

Metadata: `books.title`, `books.author`, `books.language`, where the header gives them. Books that
are nearly the same are another step's business.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from xgen_core import Document
from xgen_core.records import Scalar
from xgen_data.recipe import SourceConfig
from xgen_data.sources.files import DamageError, identity_of, is_missing, part_files, read_limited
from xgen_data.sources.reader import Part
from xgen_data.sources.tree import TOO_LARGE, plan_tree
from xgen_data.steps import Drop, Item

__all__ = ["BooksReader", "strip_gutenberg"]

_START = re.compile(
    r"(?m)^[ \t]*(?:\*{3}[ \t]*START OF (?:THE|THIS) PROJECT GUTENBERG [^\n]*(?:\n[^\n*]+)?\*{3}"
    r"|\*END[ \t]*\*?[ \t]*THE SMALL PRINT![^\n]*)[^\n]*\n"
)
_END = re.compile(
    r"(?m)^[ \t]*(?:\*{3}[ \t]*END OF (?:THE|THIS) PROJECT GUTENBERG"
    r"|End of (?:the |this )?Project Gutenberg)",
    re.IGNORECASE,
)
_FIELD = re.compile(r"(?m)^(Title|Author|Language|Character set encoding):[ \t]*(\S[^\n]*)")
_HEAD = 20_000


@dataclass(frozen=True, slots=True)
class BooksReader:
    """Reads `books:PATH`."""

    def plan(self, config: SourceConfig) -> tuple[Part, ...]:
        """Parts of neighbouring files.

        Raises:
            InputError: no such path.
        """
        return plan_tree("books", config.rest, (".txt",))

    def read(self, part: Part, config: SourceConfig) -> Iterator[Item]:
        """Yield one document a book; its id is the file's name."""
        for name, path in part_files(part):
            yield _book(path, identity_of(name), config.name)


def _book(path: str, identity: str, source: str) -> Item:
    if is_missing(path):
        return Drop(reason="not a regular file", example=identity)
    try:
        content = read_limited(path)
    except DamageError as damage:
        return Drop(reason=damage.reason, example=f"{path}:{damage.offset}", damaged=True)
    if content is None:
        return Drop(reason=TOO_LARGE, example=identity)
    if b"\0" in content:
        return Drop(reason="binary file (NUL bytes)", example=identity)
    text = _decode(content).replace("\r\n", "\n").replace("\r", "\n")
    fields = {field[1].lower(): field[2].strip() for field in _FIELD.finditer(text, 0, _HEAD)}
    book = strip_gutenberg(text)
    if not book.strip():
        return Drop(reason="no text", example=identity)
    found = book is not text  # a line `Title:` in another book is that book's own
    metadata: dict[str, Scalar] = {
        f"books.{name}": fields[name]
        for name in ("title", "author", "language")
        if found and name in fields
    }
    return Document(id=identity, text=book, source=source, metadata=metadata)


def _decode(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        declared = re.search(rb"Character set encoding:[ \t]*([A-Za-z0-9-]+)", content[:_HEAD])
    name = declared[1].decode() if declared else "cp1252"
    if name.lower() not in ("iso-8859-2", "iso-8859-15", "cp1250", "big5", "cp850"):
        name = "cp1252"  # ISO-8859-1 and ASCII, as declared, mostly are this
    return content.decode(name, "replace")


def strip_gutenberg(text: str) -> str:
    r"""The book without Project Gutenberg's header and footer; with `\n` line ends.

    The same object if there are no markers.
    """
    starts = list(_START.finditer(text, 0, max(_HEAD, len(text) // 4)))
    begin = starts[-1].end() if starts else 0
    end = _END.search(text, begin)
    if not starts and (end is None or end.start() < len(text) // 2):
        return text
    return text[begin : end.start() if end else len(text)].strip() + "\n"
