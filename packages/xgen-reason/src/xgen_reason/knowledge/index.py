"""A text index in one SQLite file: passages found by BM25 (FTS5, Porter stems), by sentences.

    build_index([Path("notes")], Path("notes.db"))
    with TextIndex("notes.db") as index:
        index.search("Who wrote the Ninth Symphony?", limit=3)

The file is written whole. Its fingerprint is a checksum of what it holds, so it does not depend on
where the documents lay.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from xgen_core import FormatError, InputError
from xgen_core.files import atomic_file
from xgen_core.progress import Progress
from xgen_core.records import Record
from xgen_reason.knowledge.passages import (
    Fields,
    TextDocument,
    cut_passages,
    find_files,
    read_documents,
)
from xgen_reason.knowledge.words import STOP_WORDS, words

__all__ = ["IndexSummary", "Passage", "TextIndex", "build_index", "match_expression"]

_APPLICATION = 0x78677478  # "xgtx", in the file's header
VERSION = 1
_TABLES = f"""
PRAGMA application_id = {_APPLICATION};
PRAGMA user_version = {VERSION};
CREATE TABLE summary (documents INTEGER, passages INTEGER, sentences INTEGER, empty INTEGER,
    fingerprint TEXT NOT NULL);
CREATE TABLE documents (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, title TEXT NOT NULL);
CREATE TABLE passages (id INTEGER PRIMARY KEY, document INTEGER NOT NULL, first INTEGER NOT NULL,
    sentences TEXT NOT NULL);
CREATE INDEX passages_of ON passages (document);
CREATE VIRTUAL TABLE words USING fts5 (title, text, content = '', tokenize = 'porter unicode61');
"""
_SEARCH = """
SELECT d.name, d.title, p.first, p.sentences, -w.score
FROM (SELECT rowid, bm25(words) AS score FROM words WHERE words MATCH ?
      ORDER BY score, rowid LIMIT ?) AS w
JOIN passages AS p ON p.id = w.rowid JOIN documents AS d ON d.id = p.document
ORDER BY w.score, p.id
"""
_LONGEST_QUERY = 200
"""Different words; a longer query is cut."""
_CHECK_EVERY = 10_000
"""SQLite's steps between two looks at the clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexSummary(Record):
    """What an index holds.

    Attributes:
        documents, passages, sentences: how many.
        empty: documents without text, which are not held.
        fingerprint: checksum of names, titles and sentences.
    """

    documents: int
    passages: int
    sentences: int
    empty: int
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage(Record):
    """Some sentences of a document.

    Attributes:
        document: its name.
        title: the document's.
        first: number of the first sentence in the document, from 1.
        sentences: in order.
        score: BM25; higher is better.
    """

    document: str
    title: str
    first: int
    sentences: tuple[str, ...]
    score: float = 0.0

    @property
    def text(self) -> str:
        """All sentences."""
        return " ".join(self.sentences)


def build_index(
    paths: Sequence[Path], output: Path, *, fields: Fields | None = None
) -> IndexSummary:
    """Make an index of files and directories.

    Args:
        paths: of .txt, .md and .jsonl files, or directories of them.
        output: the index; replaced if it exists.
        fields: of JSON lines.

    Raises:
        InputError: a file cannot be read, or two documents have one name; names file and line.
        OSError: the index cannot be written.
    """
    files = find_files(paths)
    total = sum(file.stat().st_size for file, _ in files)
    with atomic_file(output) as handle, Progress("indexing", total, unit="B") as progress:
        database = sqlite3.connect(handle.name, isolation_level=None)
        try:
            database.execute("PRAGMA journal_mode = OFF")  # a half-built file never gets the name
            database.execute("PRAGMA synchronous = OFF")  # it is flushed before it is renamed
            database.executescript(_TABLES)
            database.execute("BEGIN")
            builder = _Builder(database)
            for file, name in files:
                for document in read_documents(file, name, fields or Fields()):
                    builder.add(document, file)
                    progress.advance(len(document.text.encode()))
            summary = builder.summary()
            database.execute("INSERT INTO words (words) VALUES ('optimize')")
            database.execute("COMMIT")
        except sqlite3.OperationalError as error:
            raise OSError(f"{output}: cannot be written: {error}") from error
        finally:
            database.close()
    return summary


class _Builder:
    """Puts documents into the tables and counts them."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._documents = self._passages = self._sentences = self._empty = 0
        self._digest = hashlib.sha256()

    def add(self, document: TextDocument, file: Path) -> None:
        passages = list(cut_passages(document.text))
        if not passages:
            self._empty += 1
            return
        try:
            number = self._database.execute(
                "INSERT INTO documents (name, title) VALUES (?, ?)", (document.name, document.title)
            ).lastrowid
        except sqlite3.IntegrityError:
            raise InputError(
                f"{file}: a second document is named {document.name!r}: give each its own id"
            ) from None
        self._documents += 1
        self._digest.update(_line([document.name, document.title, passages]))
        first = 1
        for passage in passages:
            self._passages += 1
            self._database.execute(
                "INSERT INTO passages VALUES (?, ?, ?, ?)",
                (self._passages, number, first, json.dumps(passage, ensure_ascii=False)),
            )
            self._database.execute(
                "INSERT INTO words (rowid, title, text) VALUES (?, ?, ?)",
                (self._passages, document.title, " ".join(passage)),
            )
            first += len(passage)
        self._sentences += first - 1

    def summary(self) -> IndexSummary:
        summary = IndexSummary(
            documents=self._documents,
            passages=self._passages,
            sentences=self._sentences,
            empty=self._empty,
            fingerprint=self._digest.hexdigest(),
        )
        if not self._documents:
            raise InputError(f"nothing to index: all {self._empty} documents are empty")
        self._database.execute(
            "INSERT INTO summary VALUES (?, ?, ?, ?, ?)",
            (self._documents, self._passages, self._sentences, self._empty, summary.fingerprint),
        )
        return summary


def _line(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def match_expression(text: str) -> str:
    """Any of a text's words, as FTS5 wants it: each quoted, so that none is taken for syntax.

    Stop words are left out; a text of nothing else gives an empty expression.
    """
    asked = dict.fromkeys(word for word in words(text) if word not in STOP_WORDS)
    return " OR ".join(f'"{word}"' for word in list(asked)[:_LONGEST_QUERY])


class TextIndex:
    """An index, open for reading; one thread at a time uses it.

    Args:
        path: of the file.

    Raises:
        InputError: no such file.
        FormatError: it is something else, damaged, or of another version.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise InputError(f"{path}: no such file; make it with xgen reason index")
        name = f"file:{quote(str(self.path.resolve()))}?mode=ro&immutable=1"
        self._database = sqlite3.connect(name, uri=True, check_same_thread=False)
        try:
            self.summary = self._checked()
        except BaseException:
            self._database.close()
            raise

    def _checked(self) -> IndexSummary:
        try:
            (application,) = self._database.execute("PRAGMA application_id").fetchone()
            (version,) = self._database.execute("PRAGMA user_version").fetchone()
            if application != _APPLICATION:
                raise FormatError(f"{self.path}: not a text index; make one with xgen reason index")
            if version != VERSION:
                raise FormatError(
                    f"{self.path}: index of the wrong version {version}, this release reads "
                    f"{VERSION}; make it anew with xgen reason index"
                )
            row = self._database.execute("SELECT * FROM summary").fetchone()
            documents, passages, sentences, empty, fingerprint = row
        except (sqlite3.DatabaseError, TypeError) as error:
            raise self._damaged(error) from error
        return IndexSummary(
            documents=documents,
            passages=passages,
            sentences=sentences,
            empty=empty,
            fingerprint=fingerprint,
        )

    def _damaged(self, error: Exception) -> FormatError:
        return FormatError(
            f"{self.path}: not a text index, or damaged ({error}); "
            "make it anew with xgen reason index"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def search(self, text: str, *, limit: int, seconds: float | None = None) -> list[Passage]:
        """Passages that hold any word of a text, best first; among equals in the index's order.

        Args:
            text: words; stop words do not count.
            limit: passages at most.
            seconds: to look for at most.

        Raises:
            TimeoutError: it took longer.
            FormatError: the file is damaged.
        """
        expression = match_expression(text)
        if not expression:
            return []
        if seconds is not None:
            end = time.monotonic() + seconds
            self._database.set_progress_handler(lambda: time.monotonic() > end, _CHECK_EVERY)
        try:
            rows = self._database.execute(_SEARCH, (expression, limit)).fetchall()
        except sqlite3.OperationalError as error:
            if seconds is not None and "interrupted" in str(error):
                raise TimeoutError(f"no answer within {seconds:g} s") from None
            raise self._damaged(error) from error
        except sqlite3.DatabaseError as error:
            raise self._damaged(error) from error
        finally:
            self._database.set_progress_handler(None, 0)
        return [
            Passage(
                document=name,
                title=title,
                first=first,
                sentences=tuple(json.loads(sentences)),
                score=score,
            )
            for name, title, first, sentences, score in rows
        ]

    def documents(self) -> Iterable[TextDocument]:
        """All documents in the index's order, their text as sentences joined by spaces."""
        rows = self._database.execute(
            "SELECT d.id, d.name, d.title, p.sentences FROM documents AS d "
            "JOIN passages AS p ON p.document = d.id ORDER BY d.id, p.id"
        )
        held: tuple[int, str, str] | None = None
        parts: list[str] = []
        for number, name, title, sentences in rows:
            if held is not None and held[0] != number:
                yield TextDocument(name=held[1], title=held[2], text=" ".join(parts))
                parts = []
            held = (number, name, title)
            parts.extend(json.loads(sentences))
        if held is not None:
            yield TextDocument(name=held[1], title=held[2], text=" ".join(parts))

    def passages_of(self, number: int) -> list[Passage]:
        """All passages of a document, by its place in the index's order, from 0."""
        rows = self._database.execute(
            "SELECT d.name, d.title, p.first, p.sentences FROM documents AS d "
            "JOIN passages AS p ON p.document = d.id WHERE d.id = ? ORDER BY p.id",
            (number + 1,),
        )
        return [
            Passage(document=name, title=title, first=first, sentences=tuple(json.loads(held)))
            for name, title, first, held in rows
        ]
